#include "cpab/torch/device_constants.h"

#include <torch/types.h>

#include <vector>

#include "gtest/gtest.h"

namespace cpab {
namespace {

TEST(DeviceConstantsTest, KeepsATensorWhileItsOwnerLives) {
  const int64_t before = NumDeviceConstants();
  auto matrix = std::make_shared<std::vector<double>>(
      std::vector<double>{1, 2, 3, 4, 5, 6});
  const torch::Tensor tensor =
      OnDevice(matrix, matrix->data(), 2, 3, torch::kCPU);
  EXPECT_TRUE(
      torch::equal(tensor, torch::arange(1, 7, torch::kFloat64).view({2, 3})));
  EXPECT_TRUE(
      OnDevice(matrix, matrix->data(), 2, 3, torch::kCPU).is_same(tensor));
  EXPECT_EQ(NumDeviceConstants(), before + 1);
  matrix.reset();
  EXPECT_EQ(NumDeviceConstants(), before);
  // A copy: not lost with its owner.
  EXPECT_EQ(tensor[1][2].item<double>(), 6);
}

// Memory that another owner has got since is not taken for the first one's.
TEST(DeviceConstantsTest, ANewOwnerOfTheSameMemoryHasItsOwnValues) {
  std::vector<double> memory = {1, 2};
  auto first = std::make_shared<int>(1);
  EXPECT_EQ(
      OnDevice(first, memory.data(), 1, 2, torch::kCPU)[0][1].item<double>(),
      2);
  first.reset();
  memory[1] = 7;
  const auto second = std::make_shared<int>(2);
  EXPECT_EQ(
      OnDevice(second, memory.data(), 1, 2, torch::kCPU)[0][1].item<double>(),
      7);
}

}  // namespace
}  // namespace cpab
