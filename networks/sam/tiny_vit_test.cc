#include "networks/sam/tiny_vit.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "networks/testing/devices.h"
#include "networks/testing/fill.h"
#include "networks/testing/tensor_near.h"

namespace networks::sam {
namespace {

using test_util::FillSigned;
using test_util::TensorNear;
using torch::Tensor;

TinyVit Filled() {
  TinyVit encoder((TinyVitOptions()));
  test_util::FillModule("encoder/", *encoder);
  for (Tensor parameter : encoder->parameters()) {
    parameter.requires_grad_(false);
  }
  return encoder;
}

TEST(TinyVit, TreatsEachImageForItself) {
  torch::NoGradGuard no_grad;
  TinyVit encoder = Filled();
  const Tensor images = FillSigned("images", {2, 3, 64, 64});
  const Tensor together = encoder->forward(images);
  EXPECT_EQ(together.sizes(), (std::vector<int64_t>{2, 256, 4, 4}));
  for (int64_t i = 0; i < 2; ++i) {
    EXPECT_THAT(encoder->forward(images.slice(0, i, i + 1)),
                TensorNear(together.slice(0, i, i + 1), 1e-4));
  }
}

TEST(TinyVit, TakesSquaresOfWholeCells) {
  TinyVit encoder((TinyVitOptions()));
  for (const auto& [height, width] : {std::pair{64, 80}, {72, 72}, {0, 0}}) {
    EXPECT_THROW(encoder->forward(torch::zeros({1, 3, height, width})),
                 c10::Error);
  }
}

class TinyVitDeviceTest : public test_util::DeviceTest {};

INSTANTIATE_ON_DEVICES(TinyVitDeviceTest);

TEST_P(TinyVitDeviceTest, EncodesAsOnTheCpu) {
  torch::NoGradGuard no_grad;
  TinyVit encoder = Filled();
  const Tensor image = FillSigned("image", {1, 3, 64, 64});
  const Tensor expected = encoder->forward(image);
  encoder->to(device());
  EXPECT_THAT(encoder->forward(image.to(device())).cpu(),
              TensorNear(expected, 1e-4));
}

}  // namespace
}  // namespace networks::sam
