#include "tools/weights/format.h"

#include <torch/types.h>

#include "absl/strings/ascii.h"
#include "absl/strings/str_join.h"

namespace tools::weights {

std::string ShapeText(const torch::Tensor& tensor) {
  return tensor.dim() == 0 ? "scalar" : absl::StrJoin(tensor.sizes(), "x");
}

std::string DtypeText(torch::ScalarType dtype) {
  switch (dtype) {
    case torch::kBool:
      return "bool";
    case torch::kUInt8:
      return "uint8";
    case torch::kInt8:
      return "int8";
    case torch::kInt16:
      return "int16";
    case torch::kInt32:
      return "int32";
    case torch::kInt64:
      return "int64";
    case torch::kHalf:
      return "float16";
    case torch::kBFloat16:
      return "bfloat16";
    case torch::kFloat32:
      return "float32";
    case torch::kFloat64:
      return "float64";
    case torch::kComplexFloat:
      return "complex64";
    case torch::kComplexDouble:
      return "complex128";
    default:
      return absl::AsciiStrToLower(toString(dtype));
  }
}

}  // namespace tools::weights
