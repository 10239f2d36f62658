#include "networks/avd.h"

#include <torch/torch.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/key_list_test_util.h"

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

}  // namespace
}  // namespace networks
