// Tensors in words.
#ifndef TOOLS_WEIGHTS_FORMAT_H_
#define TOOLS_WEIGHTS_FORMAT_H_

#include <torch/types.h>

#include <string>

namespace tools::weights {

// "64x3x7x7"; "scalar" for a tensor without dimensions.
std::string ShapeText(const torch::Tensor& tensor);

// As Python has it: "float32".
std::string DtypeText(torch::ScalarType dtype);

}  // namespace tools::weights

#endif  // TOOLS_WEIGHTS_FORMAT_H_
