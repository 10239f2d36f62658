#include "networks/sam/sam_input.h"

#include <torch/types.h>

#include <vector>

#include "gtest/gtest.h"
#include "networks/testing/fill.h"
#include "networks/testing/tensor_near.h"

namespace networks::sam {
namespace {

using test_util::FillUniform;
using test_util::TensorNear;
using torch::Tensor;

TEST(Placement, FillsTheSquareWithTheLongerSide) {
  const Placement wide = PlacementOf(300, 400, 1024);
  EXPECT_EQ(wide.placed_height, 768);
  EXPECT_EQ(wide.placed_width, 1024);
  const Placement tall = PlacementOf(2000, 1, 64);
  EXPECT_EQ(tall.placed_height, 64);
  EXPECT_EQ(tall.placed_width, 1);  // 0.03 pixels would be none
}

TEST(Preparation, NormalisesThenPadsWithZeros) {
  const Tensor image = FillUniform("image", {1, 3, 32, 64});
  const Tensor prepared = Prepare(image, 64);
  EXPECT_EQ(prepared.sizes(), (std::vector<int64_t>{1, 3, 64, 64}));
  // The published constants are of images in [0, 255].
  EXPECT_THAT(prepared[0][0].slice(0, 0, 32),
              TensorNear((image[0][0] * 255 - 123.675) / 58.395, 1e-5));
  EXPECT_EQ(prepared.slice(2, 32).abs().sum().item<float>(), 0);
}

// The middle and the corners of the image's area go where they belong: in
// pixel indices the area of n pixels runs from -0.5 to n - 0.5.
TEST(PlacePoints, MapsTheImagesAreaOntoItsPlace) {
  const Placement placement = PlacementOf(30, 40, 128);
  const Tensor points =
      torch::tensor({{-0.5, -0.5}, {19.5, 14.5}, {39.5, 29.5}});
  EXPECT_THAT(
      PlacePoints(points, placement),
      TensorNear(torch::tensor({{-0.5, -0.5}, {63.5, 47.5}, {127.5, 95.5}}),
                 1e-12));
}

// A ramp over the square keeps its values at the places of the image's pixels.
TEST(MasksOverImage, UndoesThePlacement) {
  const Placement placement = PlacementOf(16, 24, 96);  // 4 square pixels each
  const Tensor ramp = torch::arange(24).to(torch::kFloat32);  // per 4 pixels
  const Tensor logits = ramp.expand({1, 1, 24, 24});
  const Tensor masks = MasksOverImage(logits, placement);
  EXPECT_EQ(masks.sizes(), (std::vector<int64_t>{1, 1, 16, 24}));
  // Bilinear resizing keeps a ramp, but for the outermost pixels.
  EXPECT_THAT(masks[0][0][7].slice(0, 1, 23),
              TensorNear(ramp.slice(0, 1, 23), 1e-5));
}

}  // namespace
}  // namespace networks::sam
