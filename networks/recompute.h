// Less memory in training for more time: what a part of a network computes on
// its way is not kept for the backward pass, which computes that part once
// more.
//
// Source: [Sublinear] Sec. 3.
#ifndef NETWORKS_RECOMPUTE_H_
#define NETWORKS_RECOMPUTE_H_

#include <torch/nn/module.h>
#include <torch/types.h>

#include "networks/tensor_function.h"

namespace networks {

// While one of these lives, Recomputed() of this thread recomputes, if `on`.
class RecomputeScope {
 public:
  explicit RecomputeScope(bool on);
  ~RecomputeScope();
  RecomputeScope(const RecomputeScope&) = delete;
  RecomputeScope& operator=(const RecomputeScope&) = delete;

 private:
  const bool before_;
};

// Whether Recomputed() would recompute here: in a RecomputeScope that is on,
// with gradients on.
bool Recomputes();

// function(inputs), of any shapes, dtypes and device. Where Recomputes(), only
// inputs and outputs are kept. The outputs are the same to the bit, and on the
// CPU so are the gradients, but for the order in which those of an input with
// other users are added up. Differentiable once.
//
// The function is called once more in the backward pass, under the autocast and
// the LargeConvolutionScope of the first call. So it must give the same again:
// no random numbers, no batch norm in train mode, nothing written in place of
// an input. `parameters` are all tensors with a gradient that it reads beside
// its inputs; the gradient of one that is left out is zero.
Tensors Recomputed(const Tensors& inputs, const Tensors& parameters,
                   const TensorFunction& function);

// The same of a module of one tensor: module->forward(x).
template <typename ModuleHolder>
torch::Tensor RecomputedForward(ModuleHolder module, const torch::Tensor& x) {
  if (!Recomputes()) return module->forward(x);
  return Recomputed({x}, module->parameters(),
                    [module](const Tensors& inputs) mutable -> Tensors {
                      return {module->forward(inputs[0])};
                    })[0];
}

}  // namespace networks

#endif  // NETWORKS_RECOMPUTE_H_
