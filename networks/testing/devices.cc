#include "networks/testing/devices.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <cstddef>

namespace networks::test_util {
namespace {

using torch::Tensor;

// The sum of the elements of `x`, each with a weight of its own: the sum alone
// of what is normalised has no gradient.
Tensor WeightedSum(const Tensor& x) {
  return (x * torch::arange(x.numel(), x.options()).cos().view(x.sizes()))
      .sum();
}

// On the CPU: results with autograd, gradients in the inputs (undefined where
// there are none), results without autograd.
Tensors ResultsOn(torch::Device device, const TensorFunction& function,
                  const Tensors& inputs) {
  Tensors results;
  for (const bool with_gradients : {true, false}) {
    const torch::AutoGradMode mode(with_gradients);
    Tensors leaves;
    for (const Tensor& input : inputs) {
      leaves.push_back(input.detach().to(device).requires_grad_(
          with_gradients && input.is_floating_point()));
    }
    Tensor sum;
    for (const Tensor& result : function(leaves)) {
      EXPECT_EQ(result.device().type(), device.type());
      results.push_back(result.detach().cpu());
      if (!result.requires_grad()) continue;
      sum = sum.defined() ? sum + WeightedSum(result) : WeightedSum(result);
    }
    if (sum.defined()) sum.backward();
    for (const Tensor& leaf : leaves) {
      const Tensor& gradient = leaf.grad();
      results.push_back(gradient.defined() ? gradient.cpu() : gradient);
    }
  }
  return results;
}

}  // namespace

void DeviceTest::ExpectAsOnCpu(const TensorFunction& function,
                               const Tensors& inputs, double tolerance) const {
  const Tensors expected = ResultsOn(torch::kCPU, function, inputs);
  const Tensors actual = ResultsOn(device(), function, inputs);
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    SCOPED_TRACE(i);
    ASSERT_EQ(actual[i].defined(), expected[i].defined());
    if (!expected[i].defined()) continue;
    ASSERT_EQ(actual[i].sizes(), expected[i].sizes());
    const Tensor e = expected[i].to(torch::kFloat64);
    const Tensor difference = actual[i].to(torch::kFloat64) - e;
    EXPECT_LE(difference.norm().item<double>(),
              tolerance * e.norm().item<double>());
  }
}

void DeviceTest::ExpectAllAsOnCpu(const std::vector<DeviceCase>& cases) const {
  for (const DeviceCase& of : cases) {
    SCOPED_TRACE(of.name);
    ExpectAsOnCpu(of.function, of.inputs);
  }
}

}  // namespace networks::test_util
