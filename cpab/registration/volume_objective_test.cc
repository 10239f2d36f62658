#include "cpab/registration/volume_objective.h"

#include <cmath>
#include <memory>
#include <random>
#include <string>
#include <utility>

#include "cpab/registration/sparse_normal_equations.h"
#include "gtest/gtest.h"

namespace cpab {
namespace {

// Smooth at the scale of voxels.
SampledVolume Waves(std::array<int64_t, 3> size, double phase) {
  SampledVolume volume = {size, {}};
  const Eigen::Matrix3Xd grid = VoxelGrid(size);
  for (const auto& x : grid.colwise()) {
    volume.values.push_back(
        static_cast<float>(0.5 + 0.2 * std::sin(4 * x[0] + 3 * x[1] + phase) +
                           0.2 * std::cos(5 * x[2] - 2 * x[0] + phase)));
  }
  return volume;
}

class VolumeObjectiveTest
    : public ::testing::TestWithParam<std::pair<bool, int>> {
 protected:
  VolumeObjective Make(const ParallelFor& parallel_for) const {
    return MakeOver(basis_, prior_, parallel_for);
  }
  VolumeObjective MakeOver(const std::shared_ptr<const VolumeBasis>& basis,
                           const BasisPrior& prior,
                           const ParallelFor& parallel_for) const {
    const SampledVolume moving = Waves({9, 8, 7}, 0);
    const SampledVolume fixed = Waves({7, 9, 8}, 0.3);
    return VolumeObjective(moving, fixed,
                           GetParam().first ? LocalCorrelation(moving, fixed, 2)
                                            : SquaredDifferences(fixed),
                           basis, prior, GetParam().second, 0.1, parallel_for);
  }
  Eigen::VectorXd Draw(double magnitude, uint64_t seed) const {
    std::mt19937_64 generator(seed);
    std::normal_distribution<double> normal(0, magnitude);
    Eigen::VectorXd theta(basis_->theta_size() * GetParam().second);
    for (double& element : theta) element = normal(generator);
    return theta;
  }

  const std::shared_ptr<const VolumeBasis> basis_ =
      VolumeBasis::Create({2, 1, 2}).value();
  const BasisPrior prior_ = BasisPriorOf(*basis_, {}).value();
  const ParallelFor serially_ = Serially;
};

INSTANTIATE_TEST_SUITE_P(
    Kinds, VolumeObjectiveTest,
    ::testing::Values(std::pair(false, 1), std::pair(false, 3),
                      std::pair(true, 1), std::pair(true, 2)),
    [](const auto& info) {
      return std::string(info.param.first ? "LocalCorrelation"
                                          : "SquaredDifferences") +
             std::to_string(info.param.second);
    });

// The interpolated volume has kinks at the voxels: an error of order h.
TEST_P(VolumeObjectiveTest, GradientIsThatOfDifferences) {
  const VolumeObjective objective = Make(serially_);
  const Eigen::VectorXd theta = Draw(0.05, 1), direction = Draw(1, 2);
  Eigen::VectorXd gradient;
  Eigen::MatrixXd hessian;
  objective.Differentiate(theta, &gradient, &hessian);
  const double h = 1e-6;
  const double slope = (objective.Value(theta + h * direction) -
                        objective.Value(theta - h * direction)) /
                       (2 * h);
  EXPECT_NEAR(gradient.dot(direction), slope, 1e-3 * gradient.norm());
  EXPECT_LT((hessian - hessian.transpose()).norm(), 1e-12 * hessian.norm());
  EXPECT_GT(direction.dot(hessian * direction), 0);
}

TEST_P(VolumeObjectiveTest, GradientOverASparseBasisIsThatOfDifferences) {
  const auto basis = VolumeBasis::Create({2, 1, 2, false, false, true}).value();
  const VolumeObjective objective =
      MakeOver(basis, BasisPriorOf(*basis, {}).value(), serially_);
  const Eigen::VectorXd theta = Draw(0.05, 1), direction = Draw(1, 2);
  const auto equations = objective.Linearise(theta);
  const Eigen::VectorXd gradient =
      dynamic_cast<const SparseNormalEquations&>(*equations).gradient();
  const double h = 1e-6;
  const double slope = (objective.Value(theta + h * direction) -
                        objective.Value(theta - h * direction)) /
                       (2 * h);
  EXPECT_NEAR(gradient.dot(direction), slope, 1e-3 * gradient.norm());
  // Its step goes down.
  EXPECT_LT(objective.Value(theta - 0.1 * equations->Solve(0)),
            objective.Value(theta));
}

TEST_P(VolumeObjectiveTest, ResultsDoNotDependOnThreads) {
  const ParallelFor threads = OnThreads(3);
  const Eigen::VectorXd theta = Draw(0.05, 3);
  Eigen::VectorXd a, b;
  Eigen::MatrixXd hessian_a, hessian_b;
  const VolumeObjective one = Make(serially_), several = Make(threads);
  one.Differentiate(theta, &a, &hessian_a);
  several.Differentiate(theta, &b, &hessian_b);
  EXPECT_EQ(a, b);
  EXPECT_EQ(hessian_a, hessian_b);
  EXPECT_EQ(one.Value(theta), several.Value(theta));
}

}  // namespace
}  // namespace cpab
