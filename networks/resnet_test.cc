#include "networks/resnet.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>

#include "gtest/gtest.h"
#include "networks/testing/bfloat16_autocast.h"
#include "networks/testing/fill.h"

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

// Keypoints and motions are read off the outputs. With fc's weights at 0 they
// are its bias, whatever the layers' rounding.
TEST(ResNet18, HasAllDigitsUnderAutocast) {
  ResNet18 resnet(3, 10, /*width=*/4);
  const Tensor bias = test_util::FillSigned("bias", {10});
  {
    const torch::NoGradGuard no_grad;
    resnet->fc()->weight.zero_();
    resnet->fc()->bias.copy_(bias);
  }
  const Tensor image = test_util::FillUniform("image", {1, 3, 64, 64});
  const test_util::BFloat16Autocast autocast;
  for (const bool train : {true, false}) {
    resnet->train(train);
    EXPECT_TRUE(torch::equal(resnet(image)[0], bias));
    const torch::NoGradGuard no_grad;
    EXPECT_TRUE(torch::equal(resnet(image)[0], bias));
  }
}

}  // namespace
}  // namespace networks
