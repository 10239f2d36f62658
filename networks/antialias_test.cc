#include "networks/antialias.h"

#include <torch/types.h>

#include "gtest/gtest.h"
#include "networks/testing/fill.h"
#include "networks/testing/tensor_near.h"

namespace networks {
namespace {

using test_util::FillUniform;
using test_util::TensorNear;
using torch::Tensor;

TEST(AntiAlias, KeepsConstantsInsideAndOddSizes) {
  AntiAliasInterpolation2d quarter(3, 0.25);
  const Tensor out = quarter(torch::ones({1, 3, 65, 70}));
  ASSERT_EQ(out.sizes(), torch::IntArrayRef({1, 3, 16, 17}));
  // The kernel's sum, 1 but for rounding; the border sees zeros outside.
  EXPECT_THAT(out.slice(2, 2, 15).slice(3, 2, 16),
              TensorNear(torch::ones({1, 3, 13, 14}), 1e-6));
  EXPECT_LT(out[0][0][0][0].item<float>(), 0.5);
}

TEST(AntiAlias, ScaleThatIsNoInverseIntegerPicksNearestPixels) {
  AntiAliasInterpolation2d down(1, 0.4);
  const Tensor image = FillUniform("image", {1, 1, 20, 20});
  const Tensor out = down(image);
  ASSERT_EQ(out.sizes(), torch::IntArrayRef({1, 1, 8, 8}));
  const Tensor kernel = down->named_buffers()["weight"];
  const Tensor smooth = torch::conv2d(image, kernel, {}, 1, kernel.size(2) / 2);
  // Output pixel 3 lies at 3 / 0.4 = 7.5, of which nearest takes the floor.
  EXPECT_THAT(out[0][0][3][1], TensorNear(smooth[0][0][7][2], 0));
}

}  // namespace
}  // namespace networks
