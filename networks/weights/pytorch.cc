#include "networks/weights/pytorch.h"

#include <torch/types.h>

#include <cstring>
#include <mutex>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "networks/weights/mapped_file.h"
#include "networks/weights/zip_index.h"
#include "third_party/absl/status_macros.h"

namespace networks::weights {
namespace {

torch::ScalarType ScalarTypeOf(ElementType type) {
  switch (type) {
    case ElementType::kBool:
      return torch::kBool;
    case ElementType::kUint8:
      return torch::kUInt8;
    case ElementType::kInt8:
      return torch::kInt8;
    case ElementType::kInt16:
      return torch::kInt16;
    case ElementType::kInt32:
      return torch::kInt32;
    case ElementType::kInt64:
      return torch::kInt64;
    case ElementType::kHalf:
      return torch::kHalf;
    case ElementType::kBfloat16:
      return torch::kBFloat16;
    case ElementType::kFloat:
      return torch::kFloat32;
    case ElementType::kDouble:
      return torch::kFloat64;
    case ElementType::kComplexFloat:
      return torch::kComplexFloat;
    case ElementType::kComplexDouble:
      return torch::kComplexDouble;
  }
  TORCH_CHECK(false, "unknown element type");
}

// A storage's bytes of the mapped file as one row of elements.
torch::Tensor MapStorage(const std::shared_ptr<MappedFile>& file,
                         const StorageRange& range, ElementType type) {
  const torch::ScalarType dtype = ScalarTypeOf(type);
  const int64_t bytes = static_cast<int64_t>(range.end - range.begin);
  const int64_t count = bytes / ElementSize(type);
  if (bytes == 0) return torch::empty({0}, dtype);
  char* const data = file->data() + range.begin;
  if (dtype == torch::kBool) {
    // A byte other than 0 and 1 is no bool in C++.
    return torch::from_blob(data, {count}, torch::kUInt8).ne(0);
  }
  if (reinterpret_cast<uintptr_t>(data) % ElementSize(type) != 0) {
    torch::Tensor copy = torch::empty({count}, dtype);
    std::memcpy(copy.data_ptr(), data, bytes);
    file->Release(range.begin, range.end);
    return copy;
  }
  const auto keep_alive = [file](void*) {};
  return torch::from_blob(data, {count}, keep_alive, dtype);
}

}  // namespace

struct PytorchFile::State {
  std::shared_ptr<MappedFile> file;
  PytorchContents contents;
  PytorchOptions options;

  // The storages used so far, by key and element type, so that tensors share
  // them.
  std::mutex mutex;
  std::map<std::pair<std::string, ElementType>, torch::Tensor> storages;

  absl::StatusOr<torch::Tensor> Storage(const std::string& key,
                                        ElementType type) {
    const std::lock_guard<std::mutex> lock(mutex);
    torch::Tensor& storage = storages[{key, type}];
    if (storage.defined()) return storage;
    const StorageRange& range = contents.storages.at(key);
    if (range.crc32.has_value() && options.verify_checksums) {
      const absl::Status intact = CheckZipEntry(
          file->contents(), {range.begin, range.end, *range.crc32});
      RETURN_IF_ERROR(file->Check());
      RETURN_IF_ERROR(intact);
      // Reading it all made it resident; it may be long until it is used.
      file->Release(range.begin, range.end);
    }
    storage = MapStorage(file, range, type);
    return storage;
  }
};

absl::StatusOr<PytorchFile> PytorchFile::Open(const std::string& path,
                                              const PytorchOptions& options) {
  auto state = std::make_shared<State>();
  ASSIGN_OR_RETURN(state->file, MappedFile::Open(path));
  absl::StatusOr<PytorchContents> contents =
      ParsePytorch(state->file->contents(), path);
  RETURN_IF_ERROR(state->file->Check());
  ASSIGN_OR_RETURN(state->contents, std::move(contents));
  state->options = options;
  return PytorchFile(std::move(state));
}

const Value& PytorchFile::root() const { return state_->contents.root; }

const std::map<std::string, std::string>& PytorchFile::scalars() const {
  return state_->contents.scalars;
}

std::vector<std::string> PytorchFile::names() const {
  std::vector<std::string> names;
  for (const auto& [name, view] : state_->contents.tensors) {
    names.push_back(name);
  }
  return names;
}

absl::Status PytorchFile::Check() const { return state_->file->Check(); }

std::shared_ptr<const MappedFile> PytorchFile::mapped() const {
  return state_->file;
}

const std::string& PytorchFile::path() const { return state_->file->path(); }

absl::StatusOr<torch::Tensor> PytorchFile::tensor(
    const std::string& name) const {
  const std::string quoted =
      absl::StrCat("tensor \"", absl::CHexEscape(name), "\"");
  const auto found = state_->contents.tensors.find(name);
  if (found == state_->contents.tensors.end()) {
    return absl::NotFoundError(absl::StrCat(path(), ": has no ", quoted));
  }
  const TensorView& view = *found->second;
  const absl::StatusOr<torch::Tensor> storage =
      state_->Storage(view.storage, view.type);
  if (absl::IsUnavailable(storage.status())) return storage.status();
  if (!storage.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path(), ": ", quoted, ": ", storage.status().message()));
  }
  return storage->as_strided(view.shape, view.strides, view.offset);
}

absl::StatusOr<TensorMap> PytorchFile::tensors() const {
  TensorMap tensors;
  for (const auto& [name, view] : state_->contents.tensors) {
    ASSIGN_OR_RETURN(tensors[name], tensor(name));
  }
  return tensors;
}

}  // namespace networks::weights
