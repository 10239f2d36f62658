// Tells two trained networks apart, whatever files they came from.
#ifndef NETWORKS_WEIGHTS_FINGERPRINT_H_
#define NETWORKS_WEIGHTS_FINGERPRINT_H_

#include <torch/nn/module.h>

#include <string>

namespace networks::weights {

// SHA-256, as 64 hexadecimal digits, of the name, shape and values of each
// parameter and then of each buffer in `module`, in the order of registration.
// What batch norms count in training (num_batches_tracked) is left out. Values
// count as float32, wherever and however they are stored.
std::string Fingerprint(const torch::nn::Module& module);

}  // namespace networks::weights

#endif  // NETWORKS_WEIGHTS_FINGERPRINT_H_
