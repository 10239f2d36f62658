#include "cpab/volume/volume_path.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <random>
#include <vector>

#include "cpab/volume/volume_step.h"
#include "gtest/gtest.h"

namespace cpab {
namespace {

// Fields from gentle to violent on 3x2x3 boxes, by the deviation of theta.
class VolumePathTest : public ::testing::TestWithParam<double> {
 protected:
  VolumePathTest() {
    std::mt19937_64 generator(1);
    std::normal_distribution<double> normal(0, GetParam());
    Eigen::VectorXd theta(basis_->theta_size());
    for (double& element : theta) element = normal(generator);
    walker_ = std::make_unique<const VolumeWalker>(
        basis_, basis_->CellsFromTheta(theta));
    std::uniform_real_distribution<double> uniform(-0.2, 1.2);
    points_.resize(3, 101);
    for (double& x : points_.reshaped()) x = uniform(generator);
    points_.leftCols(30) = points_.leftCols(30).cwiseMax(0.01).cwiseMin(0.99);
    points_.col(100) = basis_->vertices().col(5);
  }

  const std::shared_ptr<const VolumeBasis> basis_ =
      VolumeBasis::Create({3, 2, 3}).value();
  std::unique_ptr<const VolumeWalker> walker_;
  Eigen::Matrix3Xd points_;
};

INSTANTIATE_TEST_SUITE_P(Magnitudes, VolumePathTest,
                         ::testing::Values(0.02, 0.2, 1));

// The packs' series and exits are those of one path at a time. Rounding grows
// by at most e^K.
TEST_P(VolumePathTest, PacksTakeThePathsOfSingleSteps) {
  Eigen::Matrix3Xd y = points_;
  walker_->Walk(&y, nullptr);
  double largest = 0;
  for (Eigen::Index c = 0; c < walker_->cells().rows(); ++c) {
    const Eigen::Map<const AffineVelocity> A(walker_->cells().row(c).data());
    largest = std::max(largest, A.leftCols<3>().norm());
  }
  for (Eigen::Index n = 0; n < points_.cols(); ++n) {
    VolumeState state = {n, -1, 1, points_.col(n), {}};
    Locate(*basis_, &state);
    while (state.time_left > 0) {
      StepAlone(*basis_, walker_->cells(), &state);
    }
    EXPECT_LT((state.x - y.col(n)).norm(), 1e-12 * std::exp(largest)) << n;
  }
}

// One after the other, each where the one before ended, for unit time.
TEST_P(VolumePathTest, ArcsMakeUpThePath) {
  Eigen::Matrix3Xd y = points_;
  std::vector<VolumeArc> arcs;
  walker_->Walk(&y, &arcs);
  Eigen::VectorXd time = Eigen::VectorXd::Zero(points_.cols());
  for (const VolumeArc& arc : arcs) {
    if (time[arc.point] == 0) {
      EXPECT_EQ(arc.start, points_.col(arc.point));
    }
    time[arc.point] += arc.duration;
    if (IsInside(arc.outside)) {
      const Eigen::Vector4d weights =
          basis_->shape_matrix(arc.cell) *
          Eigen::Vector4d(arc.start[0], arc.start[1], arc.start[2], 1);
      EXPECT_GT(weights.minCoeff(), -1e-10);
    }
  }
  EXPECT_LT((time.array() - 1).abs().maxCoeff(), 1e-12);
}

TEST_P(VolumePathTest, ResultsDoNotDependOnTheCompany) {
  Eigen::Matrix3Xd y = points_;
  walker_->Walk(&y, nullptr);
  for (const Eigen::Index n : {0, 17, 63, 100}) {
    Eigen::Matrix3Xd alone = points_.col(n);
    walker_->Walk(&alone, nullptr);
    EXPECT_EQ(alone, y.col(n)) << n;
  }
}

// As in a field that has diverged: a rotation by 200 radians, of which no arc
// takes more than half a one.
TEST(VolumePath, RecordsManyArcsPieceByPiece) {
  const std::shared_ptr<const VolumeBasis> basis =
      VolumeBasis::Create({2, 2, 2}).value();
  Eigen::Matrix3Xd velocities =
      Eigen::Matrix3Xd::Zero(3, basis->vertices().cols());
  velocities.row(0) = -200 * (basis->vertices().row(1).array() - 0.5).matrix();
  velocities.row(1) = 200 * (basis->vertices().row(0).array() - 0.5).matrix();
  const VolumeWalker walker(
      basis, basis->CellsFromTheta(basis->ThetaFromVertices(velocities)));
  std::mt19937_64 generator(1);
  std::uniform_real_distribution<double> uniform(0.35, 0.65);
  Eigen::Matrix3Xd points(3, 256);
  for (double& x : points.reshaped()) x = uniform(generator);
  Eigen::Matrix3Xd ends = points;
  walker.Walk(&ends, nullptr);
  ASSERT_TRUE(ends.allFinite());
  int64_t next = 0;
  int pieces = 0;
  walker.WalkAndRecord(points, [&](int64_t begin, const Eigen::Matrix3Xd& piece,
                                   const std::vector<VolumeArc>& arcs) {
    EXPECT_EQ(begin, next);
    EXPECT_EQ(piece, ends.middleCols(begin, piece.cols()));
    EXPECT_LE(arcs.size(), kMaxVolumeArcs);
    next += piece.cols();
    ++pieces;
  });
  EXPECT_EQ(next, points.cols());
  EXPECT_GT(pieces, 1);
}

}  // namespace
}  // namespace cpab
