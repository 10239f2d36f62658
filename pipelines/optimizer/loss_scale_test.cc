#include "pipelines/optimizer/loss_scale.h"

#include "gtest/gtest.h"

namespace pipelines {
namespace {

TEST(LossScale, IsHalvedByGradientsThatAreNotFinite) {
  LossScale scale(1024, 7);
  scale.Update(/*finite=*/false);
  EXPECT_EQ(scale.value(), 512);
  EXPECT_EQ(scale.steps(), 0);
}

TEST(LossScale, IsDoubledAfterManyGoodSteps) {
  LossScale scale(1024, 0);
  for (int64_t i = 1; i < LossScale::kStepsToGrow; ++i) scale.Update(true);
  EXPECT_EQ(scale.value(), 1024);
  scale.Update(true);
  EXPECT_EQ(scale.value(), 2048);
  EXPECT_EQ(scale.steps(), 0);
}

TEST(LossScale, GoesOnFromItsValueAndSteps) {
  LossScale scale(4, LossScale::kStepsToGrow - 1);
  scale.Update(true);
  EXPECT_EQ(scale.value(), 8);
}

}  // namespace
}  // namespace pipelines
