// Numbers that are computed on a device, on the host.
#ifndef PIPELINES_TRAINING_HOST_VALUES_H_
#define PIPELINES_TRAINING_HOST_VALUES_H_

#include <torch/types.h>

#include <vector>

namespace pipelines {

// What item<double>() gives for each of `scalars`, tensors of one element of
// any floating dtype, on the CPU or on one other device. The host waits for the
// device once for all of them, where item() waits for each.
std::vector<double> HostValues(const std::vector<torch::Tensor>& scalars);

}  // namespace pipelines

#endif  // PIPELINES_TRAINING_HOST_VALUES_H_
