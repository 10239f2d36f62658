#include "networks/sam/windows.h"

#include <torch/types.h>

#include <utility>

#include "gtest/gtest.h"
#include "networks/testing/fill.h"

namespace networks::sam {
namespace {

using test_util::FillSigned;
using torch::Tensor;

TEST(Windows, JoinToTheMapThatWasSplit) {
  for (const auto& [height, width] : {std::pair{8, 8}, {7, 10}, {3, 4}}) {
    const Tensor map = FillSigned("map", {2, height, width, 3});
    const Tensor windows = SplitIntoWindows(map, 4);
    EXPECT_EQ(windows.size(1), 4);
    EXPECT_TRUE(torch::equal(JoinWindows(windows, height, width), map));
  }
}

TEST(Windows, AreNumberedRowByRowAndFilledWithZeros) {
  const Tensor map = FillSigned("map", {1, 5, 7, 2});
  const Tensor windows = SplitIntoWindows(map, 4);
  EXPECT_EQ(windows.size(0), 4);
  EXPECT_TRUE(torch::equal(windows[1].slice(1, 0, 3),
                           map[0].slice(0, 0, 4).slice(1, 4)));
  EXPECT_EQ(windows[3].slice(0, 1).abs().sum().item<float>(), 0);
}

}  // namespace
}  // namespace networks::sam
