#include "pipelines/base/smooth_step.h"

#include <type_traits>

#include "gtest/gtest.h"

namespace pipelines {
namespace {

TEST(SmoothStep, HasTheValuesOfItsPolynomial) {
  EXPECT_EQ(SmoothStep(2, 4, 1), 0);
  EXPECT_EQ(SmoothStep(2, 4, 2), 0);
  EXPECT_DOUBLE_EQ(SmoothStep(2, 4, 2.5), 3. / 16 - 2. / 64);
  EXPECT_DOUBLE_EQ(SmoothStep(2, 4, 3), 0.5);
  EXPECT_EQ(SmoothStep(2, 4, 4), 1);
  EXPECT_EQ(SmoothStep(2, 4, 5), 1);
}

TEST(SmoothStep, RisesAndIsItsOwnMirrorImage) {
  double before = 0;
  for (int i = 1; i < 64; ++i) {
    const double t = i / 64.;
    const double value = SmoothStep(-1, 1, 2 * t - 1);
    EXPECT_GT(value, before) << t;
    before = value;
    // All of these are exact: t has six digits, the value eighteen.
    EXPECT_EQ(value + SmoothStep(-1, 1, 1 - 2 * t), 1) << t;
  }
}

TEST(SmoothStep, HasNoSlopeAtItsEnds) {
  // 3 t^2 at t = h, and the same at the other end.
  constexpr double kStep = 1. / 1024;
  EXPECT_LE(SmoothStep(0, 1, kStep), 3 * kStep * kStep);
  EXPECT_LE(1 - SmoothStep(0, 1, 1 - kStep), 3 * kStep * kStep);
}

TEST(SmoothStep, ComputesInTheTypeThatIsAskedFor) {
  static_assert(std::is_same_v<decltype(SmoothStep(0, 1, 0.5F)), double>);
  static_assert(std::is_same_v<decltype(SmoothStep<float>(0, 1, 0.5)), float>);
  EXPECT_EQ(SmoothStep<float>(0, 1, 0.25), 3 / 16.F - 2 / 64.F);
}

}  // namespace
}  // namespace pipelines
