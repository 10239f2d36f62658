// The deterministic fill of the golden data: weights and inputs that the
// original and we compute from their names alone, so that none are stored.
//
//   u(N, i) = (splitmix64(fnv1a64(N) + i) >> 40) / 2^24, in [0, 1)
//   s(N, i) = 2 u(N, i) - 1,                             in [-1, 1)
//
// for the element with row-major index i of the tensor named N.
#ifndef NETWORKS_TESTING_FILL_H_
#define NETWORKS_TESTING_FILL_H_

#include <torch/nn/module.h>
#include <torch/types.h>

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace networks::test_util {

// FNV-1a, 64 bits.
uint64_t Fnv1a64(absl::string_view text);

// One step of Steele, Lea and Flood's SplitMix64, as a hash of `x`.
uint64_t SplitMix64(uint64_t x);

// u(name, .) as a float32 CPU tensor of the shape; every value is exact.
torch::Tensor FillUniform(absl::string_view name, torch::IntArrayRef shape);

// s(name, .), likewise.
torch::Tensor FillSigned(absl::string_view name, torch::IntArrayRef shape);

// The value that the golden rule table gives to the parameter or buffer `key`
// (a state_dict key) under the name prefix + key; float32, or int64 zeros for
// num_batches_tracked. Undefined for the constants that a module computes
// itself (rule 2). TORCH_CHECK fails for a key that no rule covers.
torch::Tensor FillValue(absl::string_view prefix, const std::string& key,
                        torch::IntArrayRef shape);

// Sets every parameter and buffer of the module, in place, by FillValue with
// its name in the module as the key. Keeps dtype and device.
void FillModule(absl::string_view prefix, torch::nn::Module& module);

}  // namespace networks::test_util

#endif  // NETWORKS_TESTING_FILL_H_
