#include "cpab/registration/sampled_volume.h"

#include <cmath>
#include <limits>

#include "gtest/gtest.h"

namespace cpab {
namespace {

// 2 + x - 3 y + 0.5 z + x y z at the voxels' centres.
SampledVolume Multilinear(std::array<int64_t, 3> size) {
  SampledVolume volume = {size, {}};
  const Eigen::Matrix3Xd grid = VoxelGrid(size);
  for (const auto& x : grid.colwise()) {
    volume.values.push_back(
        static_cast<float>(2 + x[0] - 3 * x[1] + 0.5 * x[2] + x.prod()));
  }
  return volume;
}

TEST(SampledVolume, IsLinearBetweenVoxels) {
  const SampledVolume volume = Multilinear({2, 2, 2});
  const Eigen::Vector3d x(0.3, 0.6, 0.2);
  const VolumeSample sample = SampleAt(volume, x);
  EXPECT_NEAR(sample.value, 2 + 0.3 - 1.8 + 0.1 + x.prod(), 1e-6);
  const Eigen::RowVector3d gradient(1 + 0.12, -3 + 0.06, 0.5 + 0.18);
  EXPECT_LT((sample.gradient - gradient).norm(), 1e-6);
}

TEST(SampledVolume, GradientsAreThoseOfDifferences) {
  SampledVolume volume = {{4, 3, 5}, {}};
  for (int n = 0; n < 60; ++n) {
    volume.values.push_back(static_cast<float>(std::sin(1.7 * n)));
  }
  const Eigen::Vector3d x(0.41, 0.77, 0.13);
  const VolumeSample sample = SampleAt(volume, x);
  for (int a = 0; a < 3; ++a) {
    const Eigen::Vector3d step = 1e-6 * Eigen::Vector3d::Unit(a);
    EXPECT_NEAR(
        sample.gradient[a],
        (SampleAt(volume, x + step).value - SampleAt(volume, x - step).value) /
            2e-6,
        1e-7);
  }
}

TEST(SampledVolume, IsConstantBeyondTheBorder) {
  const SampledVolume volume = Multilinear({3, 3, 3});
  const VolumeSample at = SampleAt(volume, {1, 0.5, 0.5});
  const VolumeSample beyond = SampleAt(volume, {1.7, 0.5, 0.5});
  EXPECT_EQ(beyond.value, at.value);
  EXPECT_EQ(beyond.gradient[0], 0);
  EXPECT_EQ(beyond.gradient[1], at.gradient[1]);
  const double kNaN = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(std::isnan(SampleAt(volume, {0.5, kNaN, 0.5}).value));
}

// Means of what is replaced: the whole keeps its mean, and a constant is one.
TEST(SampledVolume, ReductionKeepsTheMean) {
  SampledVolume volume = {{9, 6, 12}, {}};
  double sum = 0;
  for (int n = 0; n < 9 * 6 * 12; ++n) {
    volume.values.push_back(static_cast<float>(std::cos(0.3 * n)));
    sum += volume.values.back();
  }
  const SampledVolume small = Reduced(volume, 5);
  EXPECT_EQ(small.size, (std::array<int64_t, 3>{4, 3, 5}));
  double small_sum = 0;
  for (const float value : small.values) small_sum += value;
  EXPECT_NEAR(small_sum / small.NumVoxels(), sum / volume.NumVoxels(), 1e-6);
  EXPECT_EQ(Reduced(volume, 12).values, volume.values);
}

// A linear volume is the same after its reduction, at the same coordinates.
TEST(SampledVolume, ReductionLeavesEverythingInItsPlace) {
  SampledVolume volume = {{8, 6, 12}, {}};
  const Eigen::Matrix3Xd grid = VoxelGrid(volume.size);
  for (const auto& x : grid.colwise()) {
    volume.values.push_back(static_cast<float>(2 + x[0] - 3 * x[1] + x[2] / 2));
  }
  const SampledVolume small = Reduced(volume, 6);
  const Eigen::Matrix3Xd centres = VoxelCentres(small);
  for (int64_t n = 0; n < small.NumVoxels(); ++n) {
    EXPECT_NEAR(small.values[n],
                2 + centres(0, n) - 3 * centres(1, n) + centres(2, n) / 2,
                1e-6);
  }
  const VolumeSample sample = SampleAt(small, {0.4, 0.55, 0.3});
  EXPECT_NEAR(sample.value, 2 + 0.4 - 3 * 0.55 + 0.15, 1e-6);
  EXPECT_LT((sample.gradient - Eigen::RowVector3d(1, -3, 0.5)).norm(), 1e-5);
  EXPECT_EQ(SampleAt(small, {0.4, 0, 0.3}).gradient[1], 0);
}

}  // namespace
}  // namespace cpab
