#include "networks/dino/shift.h"

#include <ATen/CPUGeneratorImpl.h>
#include <torch/types.h>

#include <algorithm>
#include <set>

#include "gtest/gtest.h"
#include "networks/testing/fill.h"

namespace networks::dino {
namespace {

using test_util::FillUniform;
using torch::Tensor;

Tensor Drawn(int64_t count, int64_t most, uint64_t seed) {
  return RandomShifts(count, most,
                      at::make_generator<at::CPUGeneratorImpl>(seed));
}

// Pixel by pixel.
TEST(Shift, MovesEachImageByItsOwn) {
  const Tensor images = FillUniform("images", {3, 2, 5, 7});
  const Tensor shifts = torch::tensor({{2, -1}, {0, 0}, {-3, 4}});
  const Tensor shifted = Shift(images, shifts);
  ASSERT_EQ(shifted.sizes(), images.sizes());
  for (int64_t i = 0; i < 3; ++i) {
    const auto x = shifts[i][0].item<int64_t>();
    const auto y = shifts[i][1].item<int64_t>();
    for (int64_t row = 0; row < 5; ++row) {
      for (int64_t column = 0; column < 7; ++column) {
        const int64_t from_row = std::clamp<int64_t>(row - y, 0, 4);
        const int64_t from_column = std::clamp<int64_t>(column - x, 0, 6);
        EXPECT_TRUE(
            torch::equal(shifted[i].select(1, row).select(1, column),
                         images[i].select(1, from_row).select(1, from_column)));
      }
    }
  }
}

// Each pixel's gradient is the number of places at which it is seen.
TEST(Shift, SharesGradientsAmongRepeatedPixels) {
  const Tensor images = FillUniform("images", {1, 1, 3, 3}).requires_grad_();
  Shift(images, torch::tensor({{1, 0}})).sum().backward();
  EXPECT_TRUE(torch::equal(
      images.grad()[0][0],
      torch::tensor({{2.f, 1.f, 0.f}, {2.f, 1.f, 0.f}, {2.f, 1.f, 0.f}})));
}

TEST(RandomShifts, TakeEveryValueUpToTheMost) {
  const Tensor shifts = Drawn(2000, 3, 5);
  std::set<int64_t> values;
  for (int64_t i = 0; i < shifts.numel(); ++i) {
    values.insert(shifts.flatten()[i].item<int64_t>());
  }
  EXPECT_EQ(values, (std::set<int64_t>{-3, -2, -1, 0, 1, 2, 3}));
}

TEST(RandomShifts, FollowFromTheGenerator) {
  EXPECT_TRUE(torch::equal(Drawn(8, 7, 1), Drawn(8, 7, 1)));
  EXPECT_FALSE(torch::equal(Drawn(8, 7, 1), Drawn(8, 7, 2)));
}

}  // namespace
}  // namespace networks::dino
