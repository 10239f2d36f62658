// What the backward passes of //cpab/torch begin with.
//
// Private to //cpab/torch.
#ifndef CPAB_TORCH_ONCE_DIFFERENTIABLE_H_
#define CPAB_TORCH_ONCE_DIFFERENTIABLE_H_

#include <torch/types.h>

namespace cpab {

// Throws where create_graph = true wants gradients that can be differentiated:
// those of `function` are computed outside of autograd, so that a second
// derivative would lack terms, and nothing would say so.
inline void CheckDifferentiatedOnce(const char* function) {
  TORCH_CHECK(!torch::GradMode::is_enabled(), function,
              " is differentiable once; create_graph is not possible");
}

}  // namespace cpab

#endif  // CPAB_TORCH_ONCE_DIFFERENTIABLE_H_
