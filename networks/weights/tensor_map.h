// Tensors by name: what weight files hold and modules are loaded from.
#ifndef NETWORKS_WEIGHTS_TENSOR_MAP_H_
#define NETWORKS_WEIGHTS_TENSOR_MAP_H_

#include <torch/types.h>

#include <map>
#include <string>

namespace networks::weights {

// By state_dict key, in alphabetical order.
using TensorMap = std::map<std::string, torch::Tensor>;

}  // namespace networks::weights

#endif  // NETWORKS_WEIGHTS_TENSOR_MAP_H_
