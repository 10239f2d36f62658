#include "networks/sam/image_encoder.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <vector>

#include "gtest/gtest.h"
#include "networks/sam/options.h"
#include "networks/testing/fill.h"
#include "networks/testing/tensor_near.h"

namespace networks::sam {
namespace {

using test_util::FillSigned;
using test_util::TensorNear;
using torch::Tensor;

ImageEncoder FilledTiny() {
  ImageEncoder encoder(SamByName("tiny")->image_encoder);
  test_util::FillModule("encoder/", *encoder);
  return encoder;
}

TEST(ImageEncoder, TakesImagesOfOtherSizes) {
  torch::NoGradGuard no_grad;
  ImageEncoder encoder = FilledTiny();
  const Tensor image = FillSigned("image", {1, 3, 80, 80});
  EXPECT_EQ(encoder->forward(image).sizes(),
            (std::vector<int64_t>{1, 32, 5, 5}));
  EXPECT_THROW(encoder->forward(image.slice(2, 0, 64)), c10::Error);
}

TEST(ImageEncoder, TreatsEachImageForItself) {
  torch::NoGradGuard no_grad;
  ImageEncoder encoder = FilledTiny();
  const Tensor images = FillSigned("images", {2, 3, 128, 128});
  const Tensor together = encoder->forward(images);
  for (int64_t i = 0; i < 2; ++i) {
    EXPECT_THAT(encoder->forward(images.slice(0, i, i + 1)),
                TensorNear(together.slice(0, i, i + 1), 1e-4));
  }
}

}  // namespace
}  // namespace networks::sam
