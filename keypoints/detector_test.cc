// What holds for both detectors.
#include "keypoints/detector.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <string>

#include "gtest/gtest.h"
#include "keypoints/regression_detector.h"
#include "keypoints/voting_detector.h"
#include "networks/testing/bfloat16_autocast.h"
#include "networks/testing/tensor_near.h"

namespace keypoints {
namespace {

using networks::test_util::TensorNear;
using torch::Tensor;

// Of sets [10, 5, 2] after SpreadKeypoints(0.5): centres that are `apart`, and
// all quarters of the image in use.
void ExpectCentresSpread(const Tensor& sets, double apart) {
  EXPECT_LT(sets.abs().max().item<double>(), 1);
  const Tensor centres = sets.select(1, 4);
  const Tensor distances = torch::cdist(centres, centres) + torch::eye(10);
  EXPECT_GT(distances.min().item<double>(), apart);
  EXPECT_LT(centres.mean(0).abs().max().item<double>(), 0.15);
}

// Distances of a set's points to its last, which they surround: [10, 4].
Tensor Arms(const Tensor& sets) {
  return (sets.narrow(1, 0, 4) - sets.narrow(1, 4, 1)).norm(2, -1);
}

TEST(RegressionDetector, SpreadsItsKeypointsOverTheImage) {
  torch::NoGradGuard no_grad;
  torch::manual_seed(3);
  RegressionDetector detector(10);
  detector->SpreadKeypoints(0.5);
  detector->eval();
  const Tensor sets = detector(torch::rand({1, 3, 64, 64})).view({10, 5, 2});
  EXPECT_THAT(Arms(sets), TensorNear(torch::full({10, 4}, 0.3), 0.1));
  ExpectCentresSpread(sets, 0.1);
  EXPECT_THROW(detector->SpreadKeypoints(0.7), c10::Error);
}

// Its weights of places stay as drawn, which moves keypoints by more.
TEST(VotingDetector, SpreadsItsKeypointsOverTheImage) {
  torch::NoGradGuard no_grad;
  torch::manual_seed(3);
  VotingDetector detector(10);
  detector->SpreadKeypoints(0.5);
  const Tensor sets =
      detector(torch::rand({8, 3, 64, 64})).mean(0).view({10, 5, 2});
  EXPECT_NEAR(Arms(sets).mean().item<double>(), 0.3, 0.1);
  EXPECT_GT(Arms(sets).min().item<double>(), 0.03);
  ExpectCentresSpread(sets, 0.05);
  EXPECT_THROW(detector->SpreadKeypoints(0.7), c10::Error);
}

// Both detectors.
template <typename Detector>
class AnyDetector : public ::testing::Test {};
using Detectors = ::testing::Types<RegressionDetector, VotingDetector>;
TYPED_TEST_SUITE(AnyDetector, Detectors);

TYPED_TEST(AnyDetector, GivesGradientsToAllItsParameters) {
  torch::manual_seed(4);
  TypeParam detector(2, 5, 8);
  detector->SpreadKeypoints(0.5);
  detector(torch::rand({2, 3, 64, 32})).square().sum().backward();
  for (const auto& parameter : detector->named_parameters()) {
    ASSERT_TRUE(parameter.value().grad().defined()) << parameter.key();
    EXPECT_GT(parameter.value().grad().abs().max().template item<double>(), 0)
        << parameter.key();
  }
}

// With its last layer's weights at 0, keypoints are where the bias puts them,
// whatever the rounding of the layers before.
TYPED_TEST(AnyDetector, HasAllDigitsUnderAutocast) {
  TypeParam detector(2, 5, 8);
  detector->SpreadKeypoints(0.5);
  for (const auto& parameter : detector->named_parameters()) {
    const std::string& name = parameter.key();
    if (name == "fg_encoder.fc.weight" || name == "votes.weight") {
      const torch::NoGradGuard no_grad;
      parameter.value().zero_();
    }
  }
  const Tensor image = torch::rand({2, 3, 64, 32});
  for (const bool train : {true, false}) {
    detector->train(train);
    const Tensor expected = detector(image);
    const networks::test_util::BFloat16Autocast autocast;
    EXPECT_TRUE(torch::equal(detector(image), expected));
  }
}

}  // namespace
}  // namespace keypoints
