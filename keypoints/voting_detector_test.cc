#include "keypoints/voting_detector.h"

#include <torch/optim.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <utility>

#include "gtest/gtest.h"

namespace keypoints {
namespace {

using torch::Tensor;

TEST(VotingDetector, HasResNetsLayersAndAHeadOfItsOwn) {
  const auto parameters = VotingDetector(3)->named_parameters();
  for (const char* key : {"fg_encoder.layer4.1.conv2.weight",
                          "lateral.3.weight", "smooth.bias", "votes.bias"}) {
    EXPECT_TRUE(parameters.contains(key)) << key;
  }
  EXPECT_FALSE(parameters.contains("fg_encoder.fc.weight"));
}

// White squares on black, and where they are.
std::pair<Tensor, Tensor> Squares(int64_t batch) {
  constexpr int64_t kSide = 64, kSquare = 6;
  const Tensor corners = torch::randint(4, kSide - 4 - kSquare, {batch, 2});
  const Tensor images = torch::zeros({batch, 3, kSide, kSide});
  for (int64_t i = 0; i < batch; ++i) {
    images[i]
        .narrow(2, corners[i][0].item<int64_t>(), kSquare)
        .narrow(1, corners[i][1].item<int64_t>(), kSquare)
        .fill_(1);
  }
  return {images, (corners + kSquare / 2.) / kSide * 2 - 1};
}

// What it is for: a small thing is followed to places where it has never been
// seen, after few steps. (The paper's is off by 0.2 then; half the image is 1.)
TEST(VotingDetector, LearnsToFollowASmallSquare) {
  torch::manual_seed(5);
  VotingDetector detector(1, 1, 4);
  detector->SpreadKeypoints(0.5);
  torch::optim::Adam adam(detector->parameters(), 3e-3);
  for (int step = 0; step < 80; ++step) {
    const auto [images, places] = Squares(8);
    adam.zero_grad();
    torch::l1_loss(detector(images).squeeze(1), places).backward();
    adam.step();
  }
  const auto [images, places] = Squares(32);
  const Tensor error = (detector(images).squeeze(1) - places).norm(2, 1);
  EXPECT_LT(error.mean().item<double>(), 0.1);
}

}  // namespace
}  // namespace keypoints
