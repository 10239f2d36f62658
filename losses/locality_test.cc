#include "losses/locality.h"

#include <torch/types.h>

#include <vector>

#include "gtest/gtest.h"
#include "networks/testing/tensor_near.h"

namespace losses {
namespace {

using networks::test_util::TensorNear;
using torch::Tensor;

// Pixels of a row of five are at x = -1, -0.5, 0, 0.5, 1.
Tensor Row(at::ArrayRef<double> values) {
  return torch::tensor(values, torch::kFloat64).view({1, 1, 1, 5});
}

// [1, 1, 2] each.
Tensor At(double x) {
  return torch::tensor({x, -1.0}, torch::kFloat64).view({1, 1, 2});
}

TEST(LocalityLoss, IsTheMeanDistanceBeyondTheRadius) {
  // One set of two keypoints, at x = 0 and 1; half of the pixel at -1 and a
  // quarter of that at 0 are its own. Beyond 0.25: 0.75 and 1.75 of the first,
  // 0 and 0.75 of the second. With one set both terms are this.
  const Tensor own = Row({0.5, 0, 0.25, 0, 0});
  const Tensor maps = torch::cat({1 - own, own}, 1);
  const Tensor loss =
      LocalityLoss(torch::cat({At(0), At(1)}, 1), maps, 2, /*radius=*/0.25);
  EXPECT_NEAR(loss.item<double>(),
              2 * (0.5 * (0.75 + 1.75) / 2 + 0.25 * 0.75 / 2) / 0.75, 1e-5);
}

TEST(LocalityLoss, LooksAtTheSetsOwnCandidatesAlone) {
  // Two sets of one keypoint; the third candidate after the background is that
  // of the global transform.
  const Tensor first = Row({1, 0, 0, 0, 0}), second = Row({0, 0, 0, 0, 1});
  const Tensor global = Row({0, 0, 1, 0, 0});
  const Tensor maps =
      torch::cat({1 - first - second - global, first, second, global}, 1);
  const auto loss = [&](double x0, double x1) {
    return LocalityLoss(torch::cat({At(x0), At(x1)}, 1), maps, 1, 0.1)
        .item<double>();
  };
  EXPECT_EQ(loss(-1, 1), 0);
  EXPECT_NEAR(loss(1, -1), 2 * 1.9, 1e-5);
}

TEST(LocalityLoss, DrawsKeypointsToWhatTheirSetExplainsBest) {
  // Both sets explain the pixel at 1, the first but a tenth as well; a pixel at
  // -1 is its own.
  const Tensor first = Row({0.3, 0, 0, 0, 0.1});
  const Tensor second = Row({0, 0, 0, 0, 0.9});
  const Tensor maps = torch::cat({1 - first - second, first, second}, 1);
  Tensor keypoints = torch::cat({At(0), At(0)}, 1).set_requires_grad(true);
  LocalityLoss(keypoints, maps, 1, 0.1).backward();
  // Of a mass of 1.3: 0.3 to the left and 0.01 to the right; 0.81 to the right.
  EXPECT_NEAR(keypoints.grad()[0][0][0].item<double>(), (0.3 - 0.01) / 1.3,
              1e-5);
  EXPECT_NEAR(keypoints.grad()[0][1][0].item<double>(), -0.81 / 1.3, 1e-5);
}

TEST(LocalityLoss, LeavesKeypointsWhereNoSetIsAhead) {
  // Eight sets that explain all equally well: an eighth of the pull.
  const Tensor maps = torch::full({1, 9, 1, 5}, 1. / 9, torch::kFloat64);
  Tensor keypoints =
      torch::cat(std::vector<Tensor>(8, At(-1)), 1).set_requires_grad(true);
  LocalityLoss(keypoints, maps, 1, 0.1).backward();
  EXPECT_NEAR(keypoints.grad()[0][0][0].item<double>(), -4. / 5 / 8 / 8, 1e-5);
}

TEST(LocalityLoss, LetsASetExplainWhatIsNear) {
  const Tensor keypoints = torch::cat({At(-1), At(1)}, 1);
  // Both sets explain both ends.
  Tensor logits = Row({5, -5, -5, -5, 5}).expand({1, 3, 1, 5}).contiguous();
  logits.select(1, 0).zero_();
  logits.set_requires_grad(true);
  LocalityLoss(keypoints, logits.softmax(1), 1, 0.1).backward();
  // Each set wants more of the end at which its keypoint is.
  const Tensor wish = -logits.grad().select(2, 0)[0];  // [3, 5]
  EXPECT_GT(wish[1][0].item<double>(), 0);
  EXPECT_LT(wish[1][4].item<double>(), 0);
  EXPECT_LT(wish[2][0].item<double>(), 0);
  EXPECT_GT(wish[2][4].item<double>(), 0);
}

TEST(LocalityLoss, IsFiniteWhereNothingIsExplainedOrAKeypointIsOnAPixel) {
  const Tensor maps =
      torch::cat({Row({1, 1, 1, 1, 1}), Row({0, 0, 0, 0, 0})}, 1);
  Tensor keypoints = At(0).set_requires_grad(true);
  const Tensor loss = LocalityLoss(keypoints, maps, 1, 0);
  loss.backward();
  EXPECT_EQ(loss.item<double>(), 0);
  EXPECT_THAT(keypoints.grad(), TensorNear(torch::zeros({1, 1, 2}), 0));
}

TEST(LocalityLoss, RefusesWhatDoesNotFit) {
  const Tensor maps = torch::full({1, 2, 1, 5}, 0.5);
  EXPECT_THROW(LocalityLoss(torch::zeros({1, 3, 2}), maps, 2, 0.1), c10::Error);
  EXPECT_THROW(LocalityLoss(torch::zeros({1, 4, 2}), maps, 2, 0.1), c10::Error);
  EXPECT_THROW(LocalityLoss(torch::zeros({2, 2, 2}), maps, 2, 0.1), c10::Error);
}

}  // namespace
}  // namespace losses
