#include "tools/weights/convert_weights.h"

#include <torch/types.h>

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "networks/files/outputs.h"
#include "networks/weights/pytorch_writer.h"
#include "networks/weights/read.h"
#include "networks/weights/safetensors.h"
#include "networks/weights/tensor_map.h"
#include "pipelines/app/exit_code.h"
#include "pipelines/app/user_outputs.h"
#include "third_party/absl/status_macros.h"
#include "tools/weights/format.h"

namespace tools::weights {
namespace {

using networks::weights::TensorMap;
using networks::weights::Weights;

enum class Format { kSafetensors, kPytorch };

absl::StatusOr<Format> FormatOf(const std::string& path) {
  if (absl::EndsWith(path, ".safetensors")) return Format::kSafetensors;
  for (const char* ending : {".pth", ".pt", ".pth.tar"}) {
    if (absl::EndsWith(path, ending)) return Format::kPytorch;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      path,
      ": the name must end in .safetensors, .pth, .pt or .pth.tar, which "
      "says the format to write"));
}

absl::StatusOr<torch::ScalarType> DtypeByName(const std::string& name) {
  for (const torch::ScalarType dtype :
       {torch::kHalf, torch::kBFloat16, torch::kFloat32, torch::kFloat64}) {
    if (name == DtypeText(dtype)) return dtype;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "dtype '", name, "' is not float16, bfloat16, float32 or float64"));
}

TensorMap TakePrefix(const TensorMap& tensors, const std::string& prefix,
                     bool keep_prefix) {
  TensorMap taken;
  for (const auto& [name, tensor] : tensors) {
    absl::string_view rest = name;
    if (!absl::ConsumePrefix(&rest, prefix)) continue;
    taken.emplace(keep_prefix ? absl::string_view(name) : rest, tensor);
  }
  return taken;
}

torch::Tensor ConvertTensor(const std::string& name,
                            const torch::Tensor& tensor,
                            torch::ScalarType dtype, std::ostream& out) {
  if (!tensor.is_floating_point()) return tensor;
  torch::Tensor converted = tensor.to(dtype);
  const int64_t lost =
      (converted.isinf() & tensor.isfinite()).sum().item<int64_t>();
  if (lost > 0) {
    out << "warning: " << absl::Utf8SafeCEscape(name) << ": " << lost
        << " values are beyond " << DtypeText(dtype)
        << " and became infinite\n";
  }
  return converted;
}

absl::Status Write(const std::string& path, Format format,
                   const Weights& weights) {
  if (format == Format::kPytorch) {
    return networks::weights::WritePytorch(path, weights.tensors,
                                           weights.file.get());
  }
  // Who reads the input may insist on its checksum.
  return networks::weights::WriteSafetensors(
      path, weights.tensors, weights.metadata,
      weights.has_checksum ? networks::weights::Checksum::kSha256
                           : networks::weights::Checksum::kNone,
      weights.file.get());
}

}  // namespace

absl::Status Convert(const std::string& input, const std::string& output,
                     const ConvertOptions& options, std::ostream& out) {
  ASSIGN_OR_RETURN(const Format format,
                   pipelines::UsageError(FormatOf(output)));
  networks::files::PlannedOutputs planned;
  planned.files = {output};
  planned.inputs = {input};
  planned.overwrite = options.overwrite;
  RETURN_IF_ERROR(pipelines::CheckUserOutputs(planned));
  ASSIGN_OR_RETURN(Weights weights, networks::weights::ReadWeights(input));
  if (weights.has_checksum) {
    // Damage must not get a new checksum.
    ASSIGN_OR_RETURN(const auto file,
                     networks::weights::SafetensorsFile::Open(input));
    RETURN_IF_ERROR(file.VerifyChecksum());
  }
  weights.tensors =
      TakePrefix(weights.tensors, options.prefix, options.keep_prefix);
  if (weights.tensors.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(input, ": has no tensor whose name begins with '",
                     options.prefix, "'"));
  }
  if (!options.dtype.empty()) {
    ASSIGN_OR_RETURN(const torch::ScalarType dtype, DtypeByName(options.dtype));
    for (auto& [name, tensor] : weights.tensors) {
      tensor = ConvertTensor(name, tensor, dtype, out);
    }
  }
  RETURN_IF_ERROR(Write(output, format, weights));
  out << "wrote " << weights.tensors.size() << " tensors to " << output << "\n";
  return absl::OkStatus();
}

}  // namespace tools::weights
