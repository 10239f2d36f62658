// Which published network weights are of, for messages about the wrong file.
#ifndef NETWORKS_DINO_DINO_OF_WEIGHTS_H_
#define NETWORKS_DINO_DINO_OF_WEIGHTS_H_

#include <string>

#include "networks/weights/tensor_map.h"

namespace networks::dino {

// The name that VisionTransformerByName knows the network by whose tensors
// these are, by their keys and shapes; "" if there is none. Only those are
// looked at that tell the networks apart.
std::string ModelOfWeights(const weights::TensorMap& tensors);

}  // namespace networks::dino

#endif  // NETWORKS_DINO_DINO_OF_WEIGHTS_H_
