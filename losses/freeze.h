// For frozen networks inside losses: gradients pass through them to the input,
// and their weights get none.
#ifndef LOSSES_FREEZE_H_
#define LOSSES_FREEZE_H_

#include <torch/nn/module.h>
#include <torch/types.h>

namespace losses {

inline void Freeze(torch::nn::Module& module) {
  for (torch::Tensor parameter : module.parameters()) {
    parameter.requires_grad_(false);
  }
}

}  // namespace losses

#endif  // LOSSES_FREEZE_H_
