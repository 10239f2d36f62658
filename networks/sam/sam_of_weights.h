// Which published SAM weights are of, for messages and for files whose names do
// not tell.
#ifndef NETWORKS_SAM_SAM_OF_WEIGHTS_H_
#define NETWORKS_SAM_SAM_OF_WEIGHTS_H_

#include <string>

#include "networks/weights/tensor_map.h"

namespace networks::sam {

// The name that SamByName knows the network by whose tensors these are, by
// their keys and shapes; "" if there is none. Only those are looked at that
// tell the networks apart.
std::string ModelOfWeights(const weights::TensorMap& tensors);

}  // namespace networks::sam

#endif  // NETWORKS_SAM_SAM_OF_WEIGHTS_H_
