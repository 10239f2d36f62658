#include "networks/avd.h"

#include <torch/types.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/key_list_test_util.h"
#include "networks/testing/bfloat16_autocast.h"
#include "networks/testing/fill.h"

namespace networks {
namespace {

using test_util::KeysAndShapes;
using test_util::ReadKeyList;
using ::testing::ContainerEq;

TEST(StateDict, AvdNetworkHasTheOriginalsKeys) {
  AvdOptions options;
  options.num_transforms = 3;
  options.identity_bottleneck = 16;
  options.pose_bottleneck = 16;
  EXPECT_THAT(
      KeysAndShapes(*AvdNetwork(options)),
      ContainerEq(ReadKeyList("networks/testdata/keys_avd_network.txt")));
}

// Its outputs are keypoints.
TEST(AvdNetwork, HasAllDigitsUnderAutocast) {
  AvdOptions options;
  options.num_transforms = 3;
  AvdNetwork avd(options);
  avd->eval();
  const torch::Tensor shape = test_util::FillSigned("shape", {2, 15, 2});
  const torch::Tensor pose = test_util::FillSigned("pose", {2, 15, 2});
  const torch::Tensor expected = avd(shape, pose);
  const test_util::BFloat16Autocast autocast;
  EXPECT_TRUE(torch::equal(avd(shape, pose), expected));
}

}  // namespace
}  // namespace networks
