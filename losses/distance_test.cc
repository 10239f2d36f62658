#include "losses/distance.h"

#include <torch/types.h>

#include <cmath>

#include "gtest/gtest.h"
#include "losses/finite_difference.h"
#include "networks/testing/fill.h"

namespace losses {
namespace {

using networks::test_util::FillSigned;
using torch::Tensor;

constexpr Distance kAll[] = {Distance::kL1, Distance::kL2, Distance::kCosine};

// Some roundings of numbers of size 1 in float64.
constexpr double kTol = 1e-14;

Tensor Features(const char* name) {
  return FillSigned(name, {2, 3, 5}).to(torch::kFloat64);
}

double Value(const Tensor& a, const Tensor& b, Distance distance) {
  return MeanDistance(a, b, distance).item<double>();
}

TEST(MeanDistance, OfEqualFeaturesIsZeroWithoutGradient) {
  for (const Distance distance : kAll) {
    const Tensor a = Features("a").requires_grad_();
    const Tensor value = MeanDistance(a, a.detach(), distance);
    EXPECT_NEAR(value.item<double>(), 0, kTol);
    value.backward();
    EXPECT_LE(a.grad().abs().max().item<double>(), kTol);
  }
}

TEST(MeanDistance, IsSymmetric) {
  const Tensor a = Features("a"), b = Features("b");
  for (const Distance distance : kAll) {
    EXPECT_NEAR(Value(a, b, distance), Value(b, a, distance), kTol);
    EXPECT_GT(Value(a, b, distance), 0.01);
  }
}

TEST(MeanDistance, HasTheFormulasOfItsHeader) {
  const Tensor a = torch::tensor({{3., 4.}, {1., 0.}}, torch::kFloat64);
  const Tensor b = torch::tensor({{3., 2.}, {0., 2.}}, torch::kFloat64);
  EXPECT_NEAR(Value(a, b, Distance::kL1), (0 + 2 + 1 + 2) / 4., kTol);
  EXPECT_NEAR(Value(a, b, Distance::kL2), (0 + 4 + 1 + 4) / 4., kTol);
  const double cosine = (3 * 3 + 4 * 2) / (5 * std::sqrt(13.));
  EXPECT_NEAR(Value(a, b, Distance::kCosine), ((1 - cosine) + (1 - 0)) / 2,
              kTol);
}

TEST(MeanDistance, CosineIgnoresLength) {
  const Tensor a = Features("a"), b = Features("b");
  EXPECT_NEAR(Value(3 * a, b / 7, Distance::kCosine),
              Value(a, b, Distance::kCosine), kTol);
}

TEST(MeanDistance, CosineOfTwoZeroVectorsHasNoGradient) {
  const Tensor zero = torch::zeros({1, 4}, torch::kFloat64).requires_grad_();
  MeanDistance(zero, zero.detach(), Distance::kCosine).backward();
  EXPECT_EQ(zero.grad().abs().max().item<double>(), 0);
}

TEST(MeanDistance, HasTheGradientOfItsValue) {
  const Tensor b = Features("b");
  for (const Distance distance : kAll) {
    ExpectGradientEqualsFiniteDifferences(
        [&](const Tensor& a) { return MeanDistance(a, b, distance); },
        Features("a"));
  }
}

TEST(MeanDistance, RefusesFeaturesOfDifferentShapes) {
  EXPECT_THROW(
      MeanDistance(torch::zeros({2, 3}), torch::zeros({2, 1}), Distance::kL1),
      c10::Error);
}

}  // namespace
}  // namespace losses
