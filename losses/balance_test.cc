#include "losses/balance.h"

#include <torch/types.h>

#include <cmath>

#include "gtest/gtest.h"
#include "networks/testing/tensor_near.h"

namespace losses {
namespace {

using networks::test_util::TensorNear;
using torch::Tensor;

// Frames that differ by 1 in the left half only.
Tensor LeftHalf() {
  Tensor image = torch::zeros({1, 3, 4, 8});
  image.slice(3, 0, 4).fill_(1);
  return image;
}

TEST(TransformShares, AreOfWhatDiffers) {
  // The background has half of every pixel; of the rest part 0 takes a
  // quarter on the left, where the frames differ, and all on the right.
  Tensor maps = torch::full({1, 3, 4, 8}, 0.5);
  maps.select(1, 1).slice(2, 0, 4).fill_(0.125);
  maps.select(1, 2).slice(2, 0, 4).fill_(0.375);
  maps.select(1, 2).slice(2, 4, 8).fill_(0);
  const Tensor black = torch::zeros({1, 3, 4, 8});
  EXPECT_THAT(TransformShares(black, LeftHalf(), maps),
              TensorNear(torch::tensor({{0.25f, 0.75f}}), 1e-6));
  EXPECT_THAT(TransformShares(black, black, maps),
              TensorNear(torch::zeros({1, 2}), 0));
  EXPECT_THROW(TransformShares(black, LeftHalf(), maps.slice(1, 0, 1)),
               c10::Error);
  EXPECT_THROW(TransformShares(black, LeftHalf(), maps.slice(2, 0, 2)),
               c10::Error);
}

TEST(BalanceLoss, CountsTheTransformsInUse) {
  const Tensor shares =
      torch::tensor({{1.f, 0.f, 0.f, 0.f}, {0.25f, 0.25f, 0.25f, 0.25f}});
  // log 4 for the one, 0 for the other; 1e-6 beside each share.
  EXPECT_NEAR(BalanceLoss(shares).item<float>(), std::log(4.) / 2, 1e-5);
  EXPECT_NEAR(TransformsInUse(shares).item<float>(), (1 + 4) / 2., 1e-4);
}

TEST(BalanceLoss, WakesAPartThatHasNothing) {
  const Tensor logits = torch::zeros({1, 3, 4, 8});
  logits.select(1, 2).fill_(-5);
  logits.set_requires_grad(true);
  BalanceLoss(TransformShares(torch::zeros({1, 3, 4, 8}), LeftHalf(),
                              logits.softmax(1)))
      .backward();
  const Tensor sleeper = logits.grad().select(1, 2);
  EXPECT_LT(sleeper.slice(2, 0, 4).max().item<float>(), 0);
  // Nothing is asked of pixels that stay as they are.
  EXPECT_EQ(sleeper.slice(2, 4, 8).abs().max().item<float>(), 0);
}

}  // namespace
}  // namespace losses
