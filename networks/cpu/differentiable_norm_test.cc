#include "networks/cpu/differentiable_norm.h"

#include <torch/types.h>

#include <algorithm>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/cpu/convolution_cases.h"
#include "networks/testing/fill.h"
#include "networks/testing/tensor_near.h"

namespace networks::cpu {
namespace {

using test_util::FillSigned;
using test_util::FillUniform;
using test_util::TensorNear;
using torch::Tensor;

// Of normalised values up to 5: the rounding of a mean and a deviation.
constexpr double kNormTol = 1e-5;

class DifferentiableNormTest : public BestKernelsTest {};
INSTANTIATE_TEST_SUITE_P(Shapes, DifferentiableNormTest,
                         ::testing::ValuesIn(AllShapes()), CaseName<Shape>);

TEST_P(DifferentiableNormTest, InstanceNormDifferentiatesAsLibTorchs) {
  if (shape().height * shape().width == 1) GTEST_SKIP() << "no deviation";
  const std::vector<Tensor> inputs = {image_ + 10,
                                      FillUniform("norm.weight", {shape().in}),
                                      FillSigned("norm.bias", {shape().in})};
  const Tensor factor = FillSigned("factor", image_.sizes());
  const auto ours = GradientsAndValue(
      [](Tensor x, Tensor w, Tensor b) {
        return DifferentiableInstanceNormRelu(x, w, b, 1e-5);
      },
      inputs, factor);
  // In float64, whose ReLUs are on the same side but for values of 1e-7.
  std::vector<Tensor> exact;
  for (const Tensor& x : inputs) exact.push_back(x.to(torch::kFloat64));
  const auto expected = GradientsAndValue(
      [](Tensor x, Tensor w, Tensor b) {
        return torch::instance_norm(x, w, b, {}, {}, true, 0, 1e-5, false)
            .relu();
      },
      exact, factor.to(torch::kFloat64));
  for (size_t i = 0; i < expected.size(); ++i) {
    const double size = std::max(expected[i].abs().max().item<double>(), 1.0);
    EXPECT_THAT(ours[i], TensorNear(expected[i], 4 * kNormTol * size)) << i;
  }
}

}  // namespace
}  // namespace networks::cpu
