// Functions from tensors to tensors, as a part of a network is one.
#ifndef NETWORKS_TENSOR_FUNCTION_H_
#define NETWORKS_TENSOR_FUNCTION_H_

#include <torch/types.h>

#include <functional>
#include <vector>

namespace networks {

using Tensors = std::vector<torch::Tensor>;
using TensorFunction = std::function<Tensors(const Tensors&)>;

}  // namespace networks

#endif  // NETWORKS_TENSOR_FUNCTION_H_
