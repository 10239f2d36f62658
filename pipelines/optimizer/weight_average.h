// The running average of a model's weights over training steps. Averaged
// weights score better than those of any one step, and steadier.
//
// Source: [MeanTeacher] Sec. 2; the ramp of `decay` is that of TensorFlow's
// ExponentialMovingAverage.
#ifndef PIPELINES_OPTIMIZER_WEIGHT_AVERAGE_H_
#define PIPELINES_OPTIMIZER_WEIGHT_AVERAGE_H_

#include <torch/nn/module.h>
#include <torch/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace pipelines {

// Averages the parameters that require gradients. Buffers (batch norm
// statistics) are running averages already; the model's own are used.
class WeightAverage {
 public:
  // Starts at the weights that `module` has now. `decay` in (0, 1).
  WeightAverage(const torch::nn::Module& module, double decay);

  // average += (1 - d) (weights - average), where step n (from 1) has
  // d = min(decay, n / (n + 9)): without the ramp the random weights of the
  // start would weigh for 1 / (1 - decay) steps.
  void Update(int64_t step);

  // The averages by parameter name, sharing memory, and back. InvalidArgument,
  // naming the parameter, if one is missing, unknown or of another shape; then
  // nothing has changed. CheckState() returns the same error and changes
  // nothing in any case.
  std::map<std::string, torch::Tensor> State() const;
  absl::Status CheckState(
      const std::map<std::string, torch::Tensor>& state) const;
  absl::Status SetState(const std::map<std::string, torch::Tensor>& state);

  // While it lives, the module has the averaged weights.
  class Scope {
   public:
    // Null: the module keeps its own.
    explicit Scope(WeightAverage* average);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    WeightAverage* average_;
    std::vector<torch::Tensor> own_;
  };

 private:
  struct Slot {
    std::string name;
    torch::Tensor parameter;
    torch::Tensor average;
  };
  double decay_;
  std::vector<Slot> slots_;
};

}  // namespace pipelines

#endif  // PIPELINES_OPTIMIZER_WEIGHT_AVERAGE_H_
