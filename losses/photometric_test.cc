#include "losses/photometric.h"

#include <torch/autograd.h>
#include <torch/types.h>

#include "gtest/gtest.h"
#include "networks/sampling.h"
#include "networks/testing/fill.h"
#include "networks/testing/tensor_near.h"

namespace losses {
namespace {

using networks::test_util::FillUniform;
using networks::test_util::TensorNear;
using torch::Tensor;

TEST(PhotometricLoss, AddsUpThePyramid) {
  const Tensor image = FillUniform("image", {2, 3, 64, 32});
  EXPECT_EQ(PhotometricLoss(image, image).item<float>(), 0);
  // Sides of 32, 16 and 8: three levels, at each of which a constant is one.
  EXPECT_NEAR(PhotometricLoss(image, image + 0.25).item<float>(), 0.75, 1e-6);
  // A checkerboard is gone after the first.
  const Tensor sign = torch::tensor({1., -1., -1., 1.}).view({2, 2});
  EXPECT_NEAR(
      PhotometricLoss(image, image + sign.repeat({32, 16})).item<float>(), 1,
      1e-6);
  EXPECT_THROW(PhotometricLoss(image, image.narrow(0, 0, 1)), c10::Error);
}

// A bright square 8 pixels wide, 12 pixels away from where it should be: at
// full size nothing says which way to go.
TEST(PhotometricLoss, PullsAFigureThatDoesNotOverlap) {
  const auto square = [](int64_t left) {
    Tensor image = torch::zeros({1, 1, 64, 64});
    image.slice(2, 24, 32).slice(3, left, left + 8).fill_(1);
    return image;
  };
  // By half a pixel, where bilinear sampling has a derivative.
  const Tensor shift = torch::full({}, 1. / 63, torch::requires_grad());
  const Tensor grid =
      networks::CoordinateGrid(64, 64, torch::kFloat32).unsqueeze(0) -
      torch::stack({shift, torch::zeros({})});
  const Tensor warped = networks::Warp(square(16), grid);
  const auto slope = [&](const Tensor& loss) {
    return torch::autograd::grad({loss}, {shift}, {}, /*retain_graph=*/true)[0]
        .item<float>();
  };
  // The two edges cancel but for rounding; in pixels of 8 x 8, 8 rows of a
  // brightness that moves 31.5 pixels a unit, from one to the next.
  EXPECT_NEAR(slope(torch::l1_loss(warped, square(28))), 0, 1e-4);
  EXPECT_NEAR(slope(PhotometricLoss(square(28), warped)),
              -2 * 8 * 31.5 / (64 * 64), 1e-3);
}

TEST(MixturePhotometricLoss, IsTheExpectedDifferenceAtEachLevel) {
  const Tensor driving = FillUniform("image", {2, 3, 32, 16});
  const Tensor off = torch::tensor({0.5, -0.25}).view({1, 2, 1, 1, 1});
  const Tensor warped = driving.unsqueeze(1) + off;
  const Tensor contributions =
      torch::tensor({0.2, 0.8}).view({1, 2, 1, 1}).expand({2, 2, 32, 16});
  // Sides of 16 and 8: two levels of 0.2 * 0.5 + 0.8 * 0.25. The off-cancelling
  // blend of both would be nearer; the mixture does not take it.
  EXPECT_NEAR(
      MixturePhotometricLoss(driving, warped, contributions).item<float>(), 0.6,
      1e-6);
  EXPECT_THROW(
      MixturePhotometricLoss(driving, warped.select(1, 0), contributions),
      c10::Error);
}

TEST(MixturePhotometricLoss, OfOneCandidateIsItsPhotometricLoss) {
  const Tensor driving = FillUniform("driving", {2, 3, 32, 32});
  const Tensor warped = FillUniform("warped", {2, 4, 3, 32, 32});
  Tensor contributions = torch::zeros({2, 4, 32, 32});
  contributions.select(1, 2).fill_(1);
  EXPECT_THAT(
      MixturePhotometricLoss(driving, warped, contributions).view({1}),
      TensorNear(PhotometricLoss(driving, warped.select(1, 2)).view({1}),
                 1e-6));  // sums in another order
}

TEST(MixturePhotometricLoss, TeachesMapsWhichCandidateDoesBest) {
  const Tensor driving = FillUniform("driving", {1, 3, 32, 32});
  const Tensor warped = torch::stack({torch::ones_like(driving), driving}, 1);
  const Tensor logits = torch::zeros({1, 2, 32, 32}, torch::requires_grad());
  MixturePhotometricLoss(driving, warped, logits.softmax(1)).backward();
  EXPECT_LT(logits.grad().select(1, 1).max().item<float>(), 0);
}

}  // namespace
}  // namespace losses
