#include "networks/weights/pytorch_writer.h"

#include <caffe2/serialize/inline_container.h>
#include <torch/types.h>

#include <cstdint>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "networks/files/atomic_file.h"
#include "networks/files/utf8.h"
#include "networks/weights/mapping_guard.h"
#include "third_party/absl/status_macros.h"

namespace networks::weights {
namespace {

// The type of the storage that Python names, or null.
const char* StorageName(torch::ScalarType dtype) {
  switch (dtype) {
    case torch::kBool:
      return "BoolStorage";
    case torch::kUInt8:
      return "ByteStorage";
    case torch::kInt8:
      return "CharStorage";
    case torch::kInt16:
      return "ShortStorage";
    case torch::kInt32:
      return "IntStorage";
    case torch::kInt64:
      return "LongStorage";
    case torch::kHalf:
      return "HalfStorage";
    case torch::kBFloat16:
      return "BFloat16Storage";
    case torch::kFloat32:
      return "FloatStorage";
    case torch::kFloat64:
      return "DoubleStorage";
    case torch::kComplexFloat:
      return "ComplexFloatStorage";
    case torch::kComplexDouble:
      return "ComplexDoubleStorage";
    default:
      return nullptr;
  }
}

// --- Pickle, protocol 2; the opposite of networks/weights/unpickle.h ---

constexpr char kEmptyOrderedDict[] = "ccollections\nOrderedDict\n)R";

std::string LittleEndian(uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) {
    text.push_back(static_cast<char>(value >> 8 * i & 0xff));
  }
  return text;
}

std::string PickleText(const std::string& text) {
  return absl::StrCat("X", LittleEndian(text.size(), 4), text);
}

std::string PickleInteger(int64_t value) {
  return absl::StrCat("\x8a\x08", LittleEndian(value, 8));
}

std::string PickleTuple(torch::IntArrayRef values) {
  std::string items = "(";
  for (const int64_t value : values) items += PickleInteger(value);
  return items + "t";
}

std::string PickleTensor(const torch::Tensor& tensor, int64_t key) {
  // Empty tensors keep the strides that PyTorch gives them.
  const torch::Tensor contiguous =
      torch::empty(tensor.sizes(),
                   torch::TensorOptions(tensor.scalar_type()).device("meta"));
  return absl::StrCat(
      "ctorch._utils\n_rebuild_tensor_v2\n((", PickleText("storage"),
      "ctorch\n", StorageName(tensor.scalar_type()), "\n",
      PickleText(absl::StrCat(key)), PickleText("cpu"),
      PickleInteger(tensor.numel()), "tQ", PickleInteger(0),
      PickleTuple(tensor.sizes()), PickleTuple(contiguous.strides()), "\x89",
      kEmptyOrderedDict, "tR");
}

std::string PickleStateDict(const TensorMap& tensors) {
  std::string pickle = absl::StrCat("\x80\x02", kEmptyOrderedDict, "(");
  int64_t key = 0;
  for (const auto& [name, tensor] : tensors) {
    pickle += PickleText(name) + PickleTensor(tensor, key++);
  }
  return pickle + "u.";
}

// --- Archive ---

absl::Status CheckTensors(const std::string& path, const TensorMap& tensors) {
  for (const auto& [name, tensor] : tensors) {
    const bool is_plain = tensor.defined() &&
                          tensor.layout() == torch::kStrided &&
                          StorageName(tensor.scalar_type()) != nullptr;
    // Python reads no other names.
    if (!files::IsUtf8(name)) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ": tensor \"", absl::CHexEscape(name),
                       "\": its name is not UTF-8"));
    }
    if (is_plain) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": tensor \"", name, "\": is undefined, sparse or quantised"));
  }
  return absl::OkStatus();
}

void WriteRecords(const TensorMap& tensors,
                  caffe2::serialize::PyTorchStreamWriter* writer) {
  const std::string pickle = PickleStateDict(tensors);
  writer->writeRecord("data.pkl", pickle.data(), pickle.size());
  int64_t key = 0;
  for (const auto& [name, tensor] : tensors) {
    const torch::Tensor contiguous =
        tensor.detach().cpu().contiguous().resolve_conj().resolve_neg();
    writer->writeRecord(absl::StrCat("data/", key++), contiguous.data_ptr(),
                        contiguous.numel() * contiguous.element_size());
  }
  writer->writeEndOfFile();
}

}  // namespace

absl::Status WritePytorch(const std::string& path, const TensorMap& tensors,
                          const MappedFile* source) {
  RETURN_IF_ERROR(CheckTensors(path, tensors));
  files::OutputOptions options;
  options.wait = files::kWaitToWrite;
  ASSIGN_OR_RETURN(files::AtomicFile file,
                   files::AtomicFile::Create(path, options));
  // The tensors may be views of files.
  const uint64_t failed_before = MappingGuard::num_failed();
  absl::Status status;
  const auto append = [&](const void* bytes, size_t size) -> size_t {
    if (status.ok()) {
      status = file.Append({static_cast<const char*>(bytes), size});
    }
    // Also after an error: the writer would throw from its destructor.
    return size;
  };
  {
    caffe2::serialize::PyTorchStreamWriter writer(append);
    WriteRecords(tensors, &writer);
  }
  RETURN_IF_ERROR(status);
  if (source != nullptr) RETURN_IF_ERROR(source->Check());
  RETURN_IF_ERROR(MappingGuard::CheckNoneFailedSince(failed_before));
  return file.Commit();
}

}  // namespace networks::weights
