#include "networks/cpu/differentiable_norm.h"

#include <torch/autograd.h>
#include <torch/types.h>

#include "networks/cpu/pixels.h"

namespace networks::cpu {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct InstanceNormRelu : torch::autograd::Function<InstanceNormRelu> {
  static Tensor forward(AutogradContext* context, const Tensor& x,
                        const Tensor& weight, const Tensor& bias,
                        double epsilon) {
    const InstanceMoments moments = MomentsOf(x, epsilon);
    const ChannelAffine affine = InstanceNormAffine(moments, weight, bias);
    context->save_for_backward({x, moments.mean, moments.inverse_deviation,
                                affine.scale, affine.shift});
    return Activate(x, affine);
  }

  static variable_list backward(AutogradContext* context,
                                variable_list of_outputs) {
    const variable_list saved = context->get_saved_variables();
    const InstanceNormGradient gradient = PullBackInstanceNorm(
        saved[0], {saved[1], saved[2]}, {saved[3], saved[4]}, of_outputs[0]);
    return {gradient.x, gradient.weight, gradient.bias, Tensor()};
  }
};

}  // namespace

bool ServesInstanceNorm(const Tensor& x) {
  return AvailableInTraining(x) && x.stride(1) == 1 && x.size(1) > 1;
}

Tensor DifferentiableInstanceNormRelu(const Tensor& x, const Tensor& weight,
                                      const Tensor& bias, double epsilon) {
  return InstanceNormRelu::apply(x, weight, bias, epsilon);
}

}  // namespace networks::cpu
