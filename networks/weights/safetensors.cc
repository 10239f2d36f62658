#include "networks/weights/safetensors.h"

#include <torch/types.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "networks/files/atomic_file.h"
#include "networks/weights/mapping_guard.h"
#include "networks/weights/sha256.h"
#include "third_party/absl/status_macros.h"

namespace networks::weights {
namespace {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "tensors are used as they lie in the file, little-endian");

struct DtypeName {
  const char* name;
  torch::ScalarType dtype;
};
constexpr DtypeName kDtypes[] = {
    {"BOOL", torch::kBool},        {"U8", torch::kUInt8},
    {"I8", torch::kInt8},          {"I16", torch::kInt16},
    {"F16", torch::kHalf},         {"BF16", torch::kBFloat16},
    {"I32", torch::kInt32},        {"F32", torch::kFloat32},
    {"I64", torch::kInt64},        {"F64", torch::kFloat64},
    {"C64", torch::kComplexFloat},
};

absl::optional<torch::ScalarType> DtypeOf(absl::string_view name) {
  for (const DtypeName& known : kDtypes) {
    if (name == known.name) return known.dtype;
  }
  return absl::nullopt;
}

absl::string_view NameOf(torch::ScalarType dtype) {
  for (const DtypeName& known : kDtypes) {
    if (dtype == known.dtype) return known.name;
  }
  return "";
}

absl::StatusOr<SafetensorsField> FieldOf(const std::string& name,
                                         const torch::Tensor& tensor) {
  const auto error = [&name](auto... reason) {
    return absl::InvalidArgumentError(
        absl::StrCat("tensor \"", name, "\": ", reason...));
  };
  if (!tensor.defined()) return error("is undefined");
  if (tensor.layout() != torch::kStrided) return error("is not dense");
  SafetensorsField field;
  field.name = name;
  field.dtype = std::string(NameOf(tensor.scalar_type()));
  if (field.dtype.empty()) {
    return error("safetensors has no dtype ", toString(tensor.scalar_type()));
  }
  field.shape = tensor.sizes().vec();
  field.byte_size = tensor.numel() * tensor.element_size();
  return field;
}

// Widest elements first, so that each tensor lies at a multiple of its own
// element size and can be used where it is mapped.
void SortForAlignment(std::vector<SafetensorsField>* fields) {
  std::stable_sort(fields->begin(), fields->end(),
                   [](const SafetensorsField& a, const SafetensorsField& b) {
                     return SafetensorsElementSize(a.dtype) >
                            SafetensorsElementSize(b.dtype);
                   });
}

constexpr char kChecksumName[] = "__sha256__";

SafetensorsField ChecksumField() {
  return {kChecksumName, "U8", {Sha256::kSize}, Sha256::kSize};
}

// Takes the checksum out of the tensors, if it is one: the file's last bytes.
bool TakeChecksum(uint64_t file_size, SafetensorsHeader* header) {
  const auto found = header->tensors.find(kChecksumName);
  if (found == header->tensors.end()) return false;
  const SafetensorsEntry& entry = found->second;
  if (entry.end != file_size || entry.end - entry.begin != Sha256::kSize) {
    return false;
  }
  header->tensors.erase(found);
  return true;
}

// An atomic file that adds up what it is given.
class DigestingFile {
 public:
  explicit DigestingFile(files::AtomicFile file) : file_(std::move(file)) {}

  absl::Status Append(absl::string_view bytes) {
    digest_.Add(bytes);
    return file_.Append(bytes);
  }
  absl::Status AppendDigest() { return file_.Append(digest_.Finish()); }
  absl::Status Commit() { return file_.Commit(); }

 private:
  files::AtomicFile file_;
  Sha256 digest_;
};

absl::string_view Bytes(const torch::Tensor& contiguous) {
  return {static_cast<const char*>(contiguous.data_ptr()),
          static_cast<size_t>(contiguous.numel() * contiguous.element_size())};
}

}  // namespace

absl::StatusOr<SafetensorsFile> SafetensorsFile::Open(const std::string& path) {
  ASSIGN_OR_RETURN(std::shared_ptr<MappedFile> file, MappedFile::Open(path));
  absl::StatusOr<SafetensorsHeader> parsed =
      ParseSafetensorsHeader(file->contents(), path);
  RETURN_IF_ERROR(file->Check());
  ASSIGN_OR_RETURN(SafetensorsHeader header, std::move(parsed));
  const bool has_checksum = TakeChecksum(file->contents().size(), &header);
  return SafetensorsFile(std::move(file), std::move(header), has_checksum);
}

absl::Status SafetensorsFile::VerifyChecksum() const {
  if (!has_checksum_) {
    return absl::FailedPreconditionError(
        absl::StrCat(path(), ": has no checksum"));
  }
  const absl::string_view contents = file_->contents();
  const absl::string_view written =
      contents.substr(contents.size() - Sha256::kSize);
  Sha256 digest;
  digest.Add(contents.substr(0, contents.size() - Sha256::kSize));
  const bool is_intact = digest.Finish() == written;
  RETURN_IF_ERROR(Check());
  if (is_intact) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat(path(),
                   ": is damaged: its checksum does not match. Copy or "
                   "download it again; if another program rewrote it, have "
                   "that program drop the tensor ",
                   kChecksumName));
}

std::vector<std::string> SafetensorsFile::names() const {
  std::vector<std::string> names;
  for (const auto& [name, entry] : header_->tensors) names.push_back(name);
  return names;
}

bool SafetensorsFile::Contains(const std::string& name) const {
  return header_->tensors.count(name) > 0;
}

absl::StatusOr<torch::Tensor> SafetensorsFile::tensor(
    const std::string& name) const {
  const auto found = header_->tensors.find(name);
  if (found == header_->tensors.end()) {
    return absl::NotFoundError(
        absl::StrCat(path(), ": has no tensor \"", name, "\""));
  }
  const SafetensorsEntry& entry = found->second;
  const absl::optional<torch::ScalarType> dtype = DtypeOf(entry.dtype);
  if (!dtype.has_value()) {
    return absl::UnimplementedError(absl::StrCat(path(), ": tensor \"", name,
                                                 "\": LibTorch has no dtype ",
                                                 entry.dtype));
  }
  if (entry.begin == entry.end) return torch::empty(entry.shape, *dtype);
  char* const data = file_->data() + entry.begin;
  if (*dtype == torch::kBool) {
    // A byte other than 0 and 1 is no bool in C++.
    return torch::from_blob(data, entry.shape, torch::kUInt8).ne(0);
  }
  if (reinterpret_cast<uintptr_t>(data) % c10::elementSize(*dtype) != 0) {
    torch::Tensor copy = torch::empty(entry.shape, *dtype);
    std::memcpy(copy.data_ptr(), data, entry.end - entry.begin);
    return copy;
  }
  return torch::from_blob(
      data, entry.shape, [keep_alive = file_](void*) {}, *dtype);
}

absl::StatusOr<TensorMap> SafetensorsFile::tensors() const {
  TensorMap tensors;
  for (const auto& [name, entry] : header_->tensors) {
    ASSIGN_OR_RETURN(tensors[name], tensor(name));
  }
  return tensors;
}

absl::Status WriteSafetensors(const std::string& path, const TensorMap& tensors,
                              const StringMap& metadata, Checksum checksum,
                              const MappedFile* source) {
  std::vector<SafetensorsField> fields;
  for (const auto& [name, tensor] : tensors) {
    absl::StatusOr<SafetensorsField> field = FieldOf(name, tensor);
    if (!field.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ": ", field.status().message()));
    }
    fields.push_back(*std::move(field));
  }
  SortForAlignment(&fields);
  if (checksum == Checksum::kSha256) fields.push_back(ChecksumField());
  absl::StatusOr<std::string> head = FormatSafetensorsHeader(fields, metadata);
  if (!head.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": ", head.status().message()));
  }
  files::OutputOptions options;
  options.wait = files::kWaitToWrite;
  ASSIGN_OR_RETURN(files::AtomicFile atomic,
                   files::AtomicFile::Create(path, options));
  // The tensors may be views of files.
  const uint64_t failed_before = MappingGuard::num_failed();
  DigestingFile file(std::move(atomic));
  RETURN_IF_ERROR(file.Append(*head));
  if (checksum == Checksum::kSha256) fields.pop_back();
  for (const SafetensorsField& field : fields) {
    const torch::Tensor contiguous = tensors.at(field.name)
                                         .detach()
                                         .cpu()
                                         .contiguous()
                                         .resolve_conj()
                                         .resolve_neg();
    RETURN_IF_ERROR(file.Append(Bytes(contiguous)));
  }
  if (checksum == Checksum::kSha256) RETURN_IF_ERROR(file.AppendDigest());
  if (source != nullptr) RETURN_IF_ERROR(source->Check());
  RETURN_IF_ERROR(MappingGuard::CheckNoneFailedSince(failed_before));
  return file.Commit();
}

}  // namespace networks::weights
