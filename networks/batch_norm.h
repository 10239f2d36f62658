// Batch normalization whose statistics can be those of several processes.
#ifndef NETWORKS_BATCH_NORM_H_
#define NETWORKS_BATCH_NORM_H_

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <utility>

namespace networks {

// The sum of a tensor over all processes of a data-parallel run, whose gradient
// is the sum of the gradients.
using SumOverProcesses = std::function<torch::Tensor(const torch::Tensor&)>;

// torch::nn::BatchNorm2d with its defaults, the same names and, alone, the same
// results (not derived from it: LibTorch does not export all that a derived
// class needs). As the original trains on several devices with synchronized
// batch norms, so can these: processes with batches of b then compute what one
// with all of them would.
class BatchNorm2dImpl : public torch::nn::Module {
 public:
  explicit BatchNorm2dImpl(int64_t num_channels);

  // From now on statistics in train mode are of the batches of `num_processes`
  // processes, which all must have the same shape. A null `sum` ends it.
  void ShareStatistics(SumOverProcesses sum, int num_processes) {
    sum_ = std::move(sum);
    num_processes_ = num_processes;
  }

  // x: [B, C, H, W]; returns the same shape. TORCH_CHECK: one value a channel,
  // in train mode.
  torch::Tensor forward(const torch::Tensor& x);

  torch::Tensor weight, bias;               // [C]
  torch::Tensor running_mean, running_var;  // [C]
  torch::Tensor num_batches_tracked;        // int64 scalar

 private:
  torch::Tensor NormalizeTogether(const torch::Tensor& given);

  SumOverProcesses sum_;
  int num_processes_ = 1;
};
TORCH_MODULE(BatchNorm2d);

}  // namespace networks

#endif  // NETWORKS_BATCH_NORM_H_
