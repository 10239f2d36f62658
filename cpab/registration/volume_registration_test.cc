#include "cpab/registration/volume_registration.h"

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "cpab/batch/basis_prior.h"
#include "cpab/field/parallel.h"
#include "cpab/registration/sampled_volume.h"
#include "cpab/registration/volume_objective.h"
#include "cpab/registration/volume_similarity.h"
#include "cpab/volume/volume_flow.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"

namespace cpab {
namespace {

using ::testing::HasSubstr;
using Similarity = VolumeRegistrationOptions::Similarity;

// Blobs at random places, from 0 to about 1.
SampledVolume Blobs(int64_t side, uint64_t seed) {
  std::mt19937_64 generator(seed);
  std::uniform_real_distribution<double> uniform(0, 1);
  SampledVolume volume = {{side, side, side},
                          std::vector<float>(side * side * side, 0.1f)};
  const Eigen::Matrix3Xd points = VoxelGrid(volume.size);
  for (int i = 0; i < 14; ++i) {
    const Eigen::Vector3d centre(uniform(generator), uniform(generator),
                                 uniform(generator));
    const double height = 0.3 + 0.5 * uniform(generator);
    const double radius = 0.08 + 0.08 * uniform(generator);
    for (Eigen::Index n = 0; n < points.cols(); ++n) {
      volume.values[n] += static_cast<float>(
          height * std::exp(-(points.col(n) - centre).squaredNorm() /
                            (2 * radius * radius)));
    }
  }
  return volume;
}

VolumeFlow Truth() {
  const auto basis = VolumeBasis::Create({2, 2, 2}).value();
  std::mt19937_64 generator(5);
  std::normal_distribution<double> normal(0, 0.05);
  Eigen::Matrix3Xd velocities(3, basis->vertices().cols());
  for (double& v : velocities.reshaped()) v = normal(generator);
  return VolumeFlow(basis, basis->ThetaFromVertices(velocities));
}

SampledVolume Warped(const SampledVolume& moving, const VolumeFlow& flow) {
  SampledVolume result = moving;
  const Eigen::Matrix3Xd images = flow.Transform(VoxelGrid(moving.size));
  for (Eigen::Index n = 0; n < images.cols(); ++n) {
    result.values[n] =
        static_cast<float>(SampleAt(moving, images.col(n)).value);
  }
  return result;
}

VolumeRegistrationOptions SmallOptions() {
  VolumeRegistrationOptions options;
  options.boxes = {1, 2};
  options.largest_side = 20;
  return options;
}

// Mean errors of the interior's motion, and the motion itself.
std::pair<double, double> ErrorAndMotion(
    const VolumeRegistrationResult& result) {
  const VolumeFlow truth = Truth();
  const VolumeChain found = result.chain();
  const Eigen::Matrix3Xd points = 0.7 * VoxelGrid({6, 6, 6}).array() + 0.15;
  const Eigen::Matrix3Xd expected = truth.Transform(points);
  return {(found.Transform(points) - expected).colwise().norm().mean(),
          (expected - points).colwise().norm().mean()};
}

// The objective at what was found is at most that at the planted field, as
// nearly as the basis has it, which explains the volumes but for the error of
// their resampling, and has a prior's energy to pay. Being not negative, that
// energy leaves for the mismatch no more than the whole.
void ExpectNoWorseThanTheTruth(const SampledVolume& moving,
                               const SampledVolume& fixed,
                               const VolumeRegistrationOptions& options,
                               const VolumeRegistrationResult& result) {
  const SampledVolume from = Reduced(moving, options.largest_side);
  const SampledVolume to = Reduced(fixed, options.largest_side);
  const bool squares = options.similarity == Similarity::kSquaredDifferences;
  const ParallelFor serially = Serially;
  const VolumeObjective objective(
      from, to,
      squares ? SquaredDifferences(to)
              : LocalCorrelation(from, to, options.window_radius),
      result.basis, BasisPriorOf(*result.basis, options.prior).value(),
      options.num_stages, options.noise, serially);
  const VolumeFlow truth = Truth();
  Eigen::Matrix3Xd velocities = result.basis->vertices();
  for (auto velocity : velocities.colwise())
    velocity = truth.Velocity(velocity);
  const Eigen::VectorXd planted = result.basis->ThetaFromVertices(velocities)
                                      .replicate(options.num_stages, 1);
  const double most = objective.Value(planted);
  EXPECT_LE(objective.Value(result.thetas.reshaped()), most);
  const double weight = 512 / (2 * options.noise * options.noise);
  const auto mismatch = [&](double reported) {
    return squares ? reported * reported : reported;
  };
  EXPECT_LE(mismatch(result.mismatch_after), most / weight);
}

TEST(RegisterVolumes, FindsAKnownWarp) {
  const SampledVolume moving = Blobs(24, 1);
  const SampledVolume fixed = Warped(moving, Truth());
  const auto result = RegisterVolumes(moving, fixed, SmallOptions());
  ASSERT_THAT(result, IsOk());
  EXPECT_TRUE(result->converged);
  ExpectNoWorseThanTheTruth(moving, fixed, SmallOptions(), *result);
  const auto [error, motion] = ErrorAndMotion(*result);
  EXPECT_GT(motion, 0.02);
  EXPECT_LT(error, motion / 4);
  EXPECT_EQ(result->folded_share, 0);
  EXPECT_GT(result->least_jacobian, 0);
}

// On request, and with more than 8 boxes.
TEST(RegisterVolumes, FindsAKnownWarpOverSparseBases) {
  const SampledVolume moving = Blobs(24, 1);
  const SampledVolume fixed = Warped(moving, Truth());
  for (const bool fine : {false, true}) {
    VolumeRegistrationOptions options = SmallOptions();
    options.sparse_basis = !fine;
    if (fine) {
      options.boxes = {2, 9};
      options.largest_side = 16;
    }
    const auto result = RegisterVolumes(moving, fixed, options);
    ASSERT_THAT(result, IsOk());
    EXPECT_TRUE(result->basis->is_sparse());
    EXPECT_TRUE(result->converged);
    ExpectNoWorseThanTheTruth(moving, fixed, options, *result);
    const auto [error, motion] = ErrorAndMotion(*result);
    // Nearer to the truth than rest is. How much nearer the objective does not
    // say: where the volume is flat, boxes follow the prior.
    EXPECT_LT(error, motion);
    EXPECT_EQ(result->folded_share, 0);
    EXPECT_GT(result->least_jacobian, 0);
  }
}

// Another contrast, inverted, and more of it on one side than on the other.
TEST(RegisterVolumes, FindsAWarpOfAnotherContrast) {
  const SampledVolume moving = Blobs(24, 1);
  SampledVolume fixed = Warped(moving, Truth());
  const Eigen::Matrix3Xd points = VoxelGrid(fixed.size);
  for (Eigen::Index n = 0; n < points.cols(); ++n) {
    fixed.values[n] = static_cast<float>(900 - 300 * (fixed.values[n] - 0.1) *
                                                   (1 + 0.5 * points(0, n)));
  }
  VolumeRegistrationOptions options = SmallOptions();
  options.similarity = Similarity::kLocalCorrelation;
  const auto result = RegisterVolumes(moving, fixed, options);
  ASSERT_THAT(result, IsOk());
  ExpectNoWorseThanTheTruth(moving, fixed, options, *result);
  const auto [error, motion] = ErrorAndMotion(*result);
  // As over sparse bases.
  EXPECT_LT(error, motion);
  EXPECT_EQ(result->folded_share, 0);
}

TEST(RegisterVolumes, FindsAWarpByAFieldThatChanges) {
  const SampledVolume moving = Blobs(24, 1);
  const SampledVolume fixed = Warped(moving, Truth());
  VolumeRegistrationOptions options = SmallOptions();
  options.num_stages = 3;
  const auto three = RegisterVolumes(moving, fixed, options);
  ASSERT_THAT(three, IsOk());
  EXPECT_EQ(three->thetas.cols(), 3);
  ExpectNoWorseThanTheTruth(moving, fixed, options, *three);
  const auto [error, motion] = ErrorAndMotion(*three);
  EXPECT_LT(error, motion / 4);
}

TEST(RegisterVolumes, LeavesEqualVolumesAlone) {
  const SampledVolume volume = Blobs(16, 2);
  const auto result = RegisterVolumes(volume, volume, SmallOptions());
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->mismatch_before, 0);
  EXPECT_TRUE(result->thetas.isZero(0));
  EXPECT_EQ(result->least_jacobian, 1);
}

TEST(RegisterVolumes, KeepsTheBorderWithZeroBoundary) {
  const SampledVolume moving = Blobs(20, 1);
  VolumeRegistrationOptions options = SmallOptions();
  options.zero_boundary = true;
  const auto result = RegisterVolumes(moving, Warped(moving, Truth()), options);
  ASSERT_THAT(result, IsOk());
  EXPECT_LT(result->mismatch_after, result->mismatch_before);
  const Eigen::Matrix3Xd corners = VoxelGrid({2, 2, 2});
  EXPECT_LT((result->chain().Transform(corners) - corners).norm(), 1e-12);
  for (const std::vector<int>& ones :
       {std::vector<int>{1}, std::vector<int>{1, 1}}) {
    options.boxes = ones;
    EXPECT_THAT(RegisterVolumes(moving, moving, options),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("no velocity field but zero")));
  }
}

TEST(RegisterVolumes, FoldedShareCountsWhatIsTurnedInsideOut) {
  const std::array<int64_t, 3> size = {4, 3, 3};
  Eigen::Matrix3Xd images = VoxelGrid(size);
  EXPECT_EQ(FoldedShare(images, size), 0);
  // One voxel beyond its next one along x: of the 12 with three next ones it
  // folds the one before it no more than itself.
  images(0, 0) = 0.5;
  EXPECT_NEAR(FoldedShare(images, size), 1.0 / 12, 1e-15);
  images.setZero();
  EXPECT_EQ(FoldedShare(images, size), 1);
}

TEST(RegisterVolumes, NamesWhatIsWrong) {
  const SampledVolume volume = Blobs(10, 3);
  SampledVolume thin = volume;
  thin.size = {1, 10, 100};
  EXPECT_THAT(RegisterVolumes(thin, volume),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("the moving volume has 1x10x100 voxels")));
  SampledVolume cut = volume;
  cut.values.pop_back();
  EXPECT_THAT(RegisterVolumes(volume, cut),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("the fixed volume has 10x10x10 voxels and 999 "
                                 "values")));
  SampledVolume hole = volume;
  hole.values[5] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(RegisterVolumes(hole, volume),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("the moving volume has a value that is not")));
  const auto with = [&](auto change) {
    VolumeRegistrationOptions options = SmallOptions();
    change(&options);
    return RegisterVolumes(volume, volume, options);
  };
  EXPECT_THAT(with([](auto* o) { o->boxes = {}; }),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("registration.boxes is empty")));
  EXPECT_THAT(with([](auto* o) { o->boxes = {0}; }),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("volume.nx is 0")));
  EXPECT_THAT(with([](auto* o) { o->num_stages = 17; }),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("num_stages is 17; use 1 to 16")));
  EXPECT_THAT(with([](auto* o) { o->noise = 0; }),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("noise is 0; use above 0")));
  EXPECT_THAT(with([](auto* o) { o->tolerance = std::nan(""); }),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("tolerance is nan; use at least 0")));
  EXPECT_THAT(with([](auto* o) { o->largest_side = 7; }),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("largest_side is 7")));
}

}  // namespace
}  // namespace cpab
