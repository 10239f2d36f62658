// Adam with its state by parameter name, so that checkpoints can hold it as
// plain named tensors (torch::optim::Adam keys it by address, and differently
// in each LibTorch).
#ifndef PIPELINES_OPTIMIZER_ADAM_H_
#define PIPELINES_OPTIMIZER_ADAM_H_

#include <torch/nn/module.h>
#include <torch/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace pipelines {

// The paper's by default.
struct AdamOptions {
  double beta1 = 0.5;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  // L2 penalty added to the gradient, as torch.optim.Adam has it (not AdamW's).
  double weight_decay = 1e-4;
};

// [Adam] Alg. 1, per tensor: a parameter without gradient (of a network that is
// not in use yet) is left alone and its step does not count.
class Adam {
 public:
  // Takes the parameters of `module` that require gradients, by their names.
  Adam(const torch::nn::Module& module, const AdamOptions& options);

  // Drops all gradients.
  void ZeroGrad();

  // From now on the learning rate of the parameters of the module that is
  // named `module` is `scale` times that of a step; 1 for all others. It is no
  // part of the state.
  void SetRateScale(absl::string_view module, double scale);

  // One update of every parameter that has a gradient.
  void Step(double learning_rate);

  // "<parameter>.exp_avg", "<parameter>.exp_avg_sq" and "<parameter>.step" (an
  // int64 scalar) of every parameter that has been updated.
  std::map<std::string, torch::Tensor> State() const;

  // Goes on from State(). InvalidArgument, naming the tensor, if one is of no
  // known parameter or of another shape; then the parameters that were not
  // reached yet keep their state. A copy of an Adam shares the parameters, and
  // may be given a state of its own.
  absl::Status SetState(const std::map<std::string, torch::Tensor>& state);

 private:
  struct Slot {
    std::string name;
    torch::Tensor parameter;
    torch::Tensor exp_avg;
    torch::Tensor exp_avg_sq;
    int64_t step = 0;
    double rate_scale = 1;
  };
  void Update(Slot* slot, double learning_rate) const;
  // Of a parameter, or of the same part of all four.
  void UpdateValues(torch::Tensor parameter, torch::Tensor gradient,
                    torch::Tensor exp_avg, torch::Tensor exp_avg_sq,
                    int64_t step, double learning_rate) const;

  AdamOptions options_;
  std::vector<Slot> slots_;
};

// The largest absolute gradient of `module`, a scalar on the gradients' device;
// a zero on the CPU without any.
torch::Tensor LargestGradient(const torch::nn::Module& module);

// Scales the gradients of `module`, the largest of which is `norm`, so that
// none is larger than `max`, as torch.nn.utils.clip_grad_norm_ with the
// infinity norm.
void ClipGradients(const torch::nn::Module& module, double norm, double max);

}  // namespace pipelines

#endif  // PIPELINES_OPTIMIZER_ADAM_H_
