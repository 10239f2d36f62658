#include "pipelines/avd/keypoint_bank.h"

#include <ATen/CPUGeneratorImpl.h>
#include <torch/types.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pipelines {
namespace {

using ::testing::ElementsAre;

torch::Generator Generator(uint64_t seed) {
  return at::make_generator<at::CPUGeneratorImpl>(seed);
}

TEST(EvenlySpaced, BeginsAtTheFirst) {
  EXPECT_THAT(EvenlySpaced(7, 3), ElementsAre(0, 2, 4));
  EXPECT_THAT(EvenlySpaced(2, 64), ElementsAre(0, 1));
}

// Half an hour of frames, squared, is beyond 32 bits.
TEST(EvenlySpaced, ReachesTheEndOfALongClip) {
  EXPECT_EQ(EvenlySpaced(60000, 100000).back(), 59999);
}

TEST(KeypointBank, DrawsBothFramesFromOneClip) {
  // Every keypoint of clip c has the value c.
  const KeypointBank bank({torch::zeros({3, 2, 2}), torch::ones({1, 2, 2}),
                           2 * torch::ones({7, 2, 2})});
  EXPECT_EQ(bank.num_clips(), 3);
  const KeypointPair pair = bank.Draw(3000, Generator(1));
  EXPECT_TRUE(torch::equal(pair.source, pair.driving));
  for (const double clip : {0, 1, 2}) {
    // A third of them, whatever a clip's length; 5 deviations of a binomial.
    const double drawn =
        (pair.source.select(1, 0).select(1, 0) == clip).sum().item<double>();
    EXPECT_NEAR(drawn, 1000, 130) << clip;
  }
}

TEST(KeypointBank, DrawsEveryFrame) {
  const torch::Tensor clip =
      torch::arange(4.0).view({4, 1, 1}).expand({4, 1, 2});
  const KeypointPair pair = KeypointBank({clip}).Draw(200, Generator(2));
  for (const torch::Tensor& drawn : {pair.source, pair.driving}) {
    EXPECT_EQ(std::get<0>(torch::_unique2(drawn)).size(0), 4);
  }
  EXPECT_FALSE(torch::equal(pair.source, pair.driving));
}

}  // namespace
}  // namespace pipelines
