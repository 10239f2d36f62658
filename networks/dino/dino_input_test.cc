#include "networks/dino/dino_input.h"

#include <torch/types.h>

#include <vector>

#include "gtest/gtest.h"
#include "networks/testing/fill.h"
#include "networks/testing/golden.h"
#include "networks/testing/tensor_near.h"

namespace networks::dino {
namespace {

using test_util::FillUniform;
using test_util::Golden;
using test_util::TensorNear;
using torch::Tensor;

struct SizeCase {
  int64_t height, width;
  std::vector<int64_t> expected;
};

class PreparationSizeTest : public ::testing::TestWithParam<SizeCase> {};

INSTANTIATE_TEST_SUITE_P(
    Preparation, PreparationSizeTest,
    ::testing::Values(SizeCase{256, 256, {224, 224}},
                      SizeCase{100, 150, {224, 336}},
                      SizeCase{150, 100, {336, 224}},
                      // 224 * 101 / 50 = 452.48
                      SizeCase{50, 101, {224, 452}},
                      // The longer side would be 672: 480 * 224 / 672 = 160.
                      SizeCase{64, 192, {160, 480}}));

TEST_P(PreparationSizeTest, KeepsTheShapeOfTheImage) {
  const Tensor prepared =
      Prepare(torch::rand({2, 3, GetParam().height, GetParam().width}));
  EXPECT_EQ(prepared.sizes().slice(2), torch::IntArrayRef(GetParam().expected));
}

TEST(Preparation, OfTheRightSizeOnlyNormalises) {
  const Tensor image = FillUniform("image", {1, 3, 224, 300});
  const Tensor prepared = Prepare(image);
  // The ImageNet constants of the second channel.
  EXPECT_THAT(prepared.select(1, 1),
              TensorNear((image.select(1, 1) - 0.456) / 0.224, 1e-6));
}

TEST(Preparation, EqualsTheOriginal) {
  const Golden golden =
      *Golden::Load("networks/dino/testdata/dino_vits16.safetensors");
  const Tensor images = FillUniform("input/dino_gen", {2, 3, 256, 256});
  // The original's own float32 and float64 differ by 7e-5 where the position
  // between two pixels is rounded.
  EXPECT_TRUE(golden.Matches("structure.resized_normalised_gen0",
                             Prepare(images)[0], 1e-4));
}

}  // namespace
}  // namespace networks::dino
