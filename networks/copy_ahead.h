// Copies to a device for which the host does not wait.
#ifndef NETWORKS_COPY_AHEAD_H_
#define NETWORKS_COPY_AHEAD_H_

#include <torch/types.h>

#include <vector>

namespace networks {

// `x` on `device`: itself where it is there. A copy from the host to a CUDA
// device goes through page-locked memory, into which `x` is copied unless it
// lies there, and is queued behind the device's work: an ordinary copy would
// wait until that is done.
torch::Tensor CopyAhead(const torch::Tensor& x, torch::Device device);

// A vector of `values`, without gradient, in the dtype and on the device of
// `like`.
torch::Tensor NumbersAhead(const std::vector<double>& values,
                           const torch::Tensor& like);

}  // namespace networks

#endif  // NETWORKS_COPY_AHEAD_H_
