// Gradients of losses against central differences.
#ifndef LOSSES_FINITE_DIFFERENCE_H_
#define LOSSES_FINITE_DIFFERENCE_H_

#include <torch/types.h>

#include <functional>

namespace losses {

// Reports, as GoogleTest failures, every one of some elements of `point`
// (float64) in which the gradient of `function` (a scalar) is not the central
// difference, or a gradient that is zero everywhere.
void ExpectGradientEqualsFiniteDifferences(
    const std::function<torch::Tensor(const torch::Tensor&)>& function,
    const torch::Tensor& point);

}  // namespace losses

#endif  // LOSSES_FINITE_DIFFERENCE_H_
