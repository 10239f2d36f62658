#include "networks/vgg.h"

#include <torch/types.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/key_list_test_util.h"
#include "networks/testing/fill.h"

namespace networks {
namespace {

using test_util::FillUniform;
using test_util::KeysAndShapes;
using test_util::ReadKeyList;
using ::testing::ContainerEq;
using torch::Tensor;

TEST(StateDict, Vgg19HasTheOriginalsKeys) {
  EXPECT_THAT(KeysAndShapes(*Vgg19()),
              ContainerEq(ReadKeyList("networks/testdata/keys_vgg19.txt")));
}

TEST(StateDict, VggKeysComeFromTorchvisions) {
  EXPECT_EQ(VggKeyFromTorchvision("features.0.weight"), "slice1.0.weight");
  EXPECT_EQ(VggKeyFromTorchvision("features.2.bias"), "slice2.2.bias");
  EXPECT_EQ(VggKeyFromTorchvision("features.10.bias"), "slice3.10.bias");
  EXPECT_EQ(VggKeyFromTorchvision("features.19.weight"), "slice4.19.weight");
  EXPECT_EQ(VggKeyFromTorchvision("features.28.weight"), "slice5.28.weight");
  EXPECT_EQ(VggKeyFromTorchvision("slice5.28.weight"), "slice5.28.weight");
  EXPECT_EQ(VggKeyFromTorchvision("mean"), "mean");
  // Beyond relu5_1, and outside the convolutions.
  EXPECT_EQ(VggKeyFromTorchvision("features.30.weight"), "");
  EXPECT_EQ(VggKeyFromTorchvision("classifier.0.weight"), "");
}

TEST(Initialization, Vgg19IsFixed) {
  for (const Tensor& parameter : Vgg19()->parameters()) {
    EXPECT_FALSE(parameter.requires_grad());
  }
}

TEST(Vgg19, MapsHaveTheirResolutions) {
  const auto maps = Vgg19()->forward(FillUniform("image", {1, 3, 32, 48}));
  const int64_t channels[] = {64, 128, 256, 512, 512};
  for (int i = 0; i < Vgg19Impl::kNumSlices; ++i) {
    EXPECT_EQ(maps[i].sizes(),
              torch::IntArrayRef({1, channels[i], 32 >> i, 48 >> i}));
    EXPECT_GE(maps[i].min().item<float>(), 0);  // after a relu
  }
}

}  // namespace
}  // namespace networks
