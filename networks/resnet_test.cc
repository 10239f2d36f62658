#include "networks/resnet.h"

#include <torch/torch.h>

#include <cmath>

#include "gtest/gtest.h"

namespace networks {
namespace {

using torch::Tensor;

TEST(Initialization, ResNetsConvolutionsAreNormalByFanOut) {
  torch::manual_seed(2);
  const ResNet18 resnet(3, 10);
  const Tensor weight =
      resnet->named_parameters()["layer4.1.conv2.weight"];  // fan_out 4608
  EXPECT_NEAR(weight.std().item<double>(), std::sqrt(2. / 4608), 1e-4);
  EXPECT_NEAR(weight.mean().item<double>(), 0, 1e-4);
}

}  // namespace
}  // namespace networks
