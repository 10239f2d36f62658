#include "networks/copy_ahead.h"

#include <torch/types.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/testing/devices.h"
#include "networks/testing/stand_in_device.h"

namespace networks {
namespace {

using torch::Tensor;

class CopyAheadTest : public test_util::DeviceTest {};

INSTANTIATE_ON_DEVICES(CopyAheadTest);

TEST_P(CopyAheadTest, CopiesWithoutAWait) {
  const Tensor x = torch::rand({2, 3}).transpose(0, 1);
  test_util::TakeWaits();
  const Tensor copy = CopyAhead(x, device());
  EXPECT_THAT(test_util::TakeWaits(), testing::IsEmpty());
  EXPECT_EQ(copy.device().type(), device().type());
  EXPECT_TRUE(torch::equal(copy.cpu(), x));
  EXPECT_TRUE(CopyAhead(copy, device()).is_same(copy));
}

TEST_P(CopyAheadTest, NumbersTakeDtypeAndDevice) {
  const Tensor like = torch::zeros({1}, torch::kFloat64).to(device());
  test_util::TakeWaits();
  const Tensor numbers = NumbersAhead({0.1, -2}, like);
  EXPECT_THAT(test_util::TakeWaits(), testing::IsEmpty());
  EXPECT_EQ(numbers.scalar_type(), torch::kFloat64);
  EXPECT_EQ(numbers.device().type(), device().type());
  EXPECT_TRUE(
      torch::equal(numbers.cpu(), torch::tensor({0.1, -2.0}, torch::kFloat64)));
}

}  // namespace
}  // namespace networks
