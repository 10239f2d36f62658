#include "cpab/volume/volume_sensitivity.h"

#include <cmath>
#include <limits>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "Eigen/LU"
#include "gtest/gtest.h"

namespace cpab {
namespace {

// Free velocities at the vertices of 2x2x2 boxes: every one of them makes a
// continuous field.
class VolumeSensitivityTest : public ::testing::Test {
 protected:
  VolumeSensitivityTest() {
    std::mt19937_64 generator(1);
    std::normal_distribution<double> normal(0, 0.4);
    velocities_.resize(basis_->vertices().size());
    for (double& v : velocities_) v = normal(generator);
    std::uniform_real_distribution<double> uniform(-0.2, 1.2);
    points_.resize(3, 20);
    for (double& x : points_.reshaped()) x = uniform(generator);
  }

  VolumeWalker WalkerOf(const Eigen::VectorXd& velocities) const {
    VolumeCoefficients cells(basis_->num_cells(), 12);
    for (int c = 0; c < basis_->num_cells(); ++c) {
      Eigen::Matrix<double, 3, 4> corners;
      for (int n = 0; n < 4; ++n) {
        corners.col(n) = velocities.segment<3>(3 * basis_->cells()[c][n]);
      }
      Eigen::Map<AffineVelocity>(cells.row(c).data()) =
          corners * basis_->shape_matrix(c);
    }
    return VolumeWalker(basis_, std::move(cells));
  }
  Eigen::Matrix3Xd Images(const VolumeWalker& walker,
                          Eigen::Matrix3Xd points) const {
    walker.Walk(&points, nullptr);
    return points;
  }

  const std::shared_ptr<const VolumeBasis> basis_ =
      VolumeBasis::Create({2, 2, 2}).value();
  Eigen::VectorXd velocities_;
  Eigen::Matrix3Xd points_;
};

// Differences have kinks where a path passes an edge within their step.
TEST_F(VolumeSensitivityTest, IsThatOfDifferences) {
  const VolumeWalker walker = WalkerOf(velocities_);
  const auto sensitivities = SensitivitiesOf(walker, points_);
  const Eigen::Matrix3Xd y = Images(walker, points_);
  const double h = 1e-6;
  for (Eigen::Index n = 0; n < points_.cols(); ++n) {
    const VolumeSensitivity& at = sensitivities[n];
    EXPECT_EQ(at.y, y.col(n));
    EXPECT_NEAR(at.log_det, std::log(at.dy_dx.determinant()), 1e-10);
    for (int a = 0; a < 3; ++a) {
      Eigen::Matrix3Xd moved(3, 2);
      moved << points_.col(n) + h * Eigen::Vector3d::Unit(a),
          points_.col(n) - h * Eigen::Vector3d::Unit(a);
      const Eigen::Matrix3Xd images = Images(walker, moved);
      EXPECT_LT(
          ((images.col(0) - images.col(1)) / (2 * h) - at.dy_dx.col(a)).norm(),
          1e-4);
    }
  }
  for (Eigen::Index unknown = 0; unknown < velocities_.size(); ++unknown) {
    const Eigen::VectorXd step =
        h * Eigen::VectorXd::Unit(velocities_.size(), unknown);
    const Eigen::Matrix3Xd slope =
        (Images(WalkerOf(velocities_ + step), points_) -
         Images(WalkerOf(velocities_ - step), points_)) /
        (2 * h);
    for (Eigen::Index n = 0; n < points_.cols(); ++n) {
      Eigen::Vector3d expected = Eigen::Vector3d::Zero();
      for (const VolumeSensitivity::Block& block : sensitivities[n].blocks) {
        if (block.vertex == unknown / 3) {
          expected += block.dy_du.col(unknown % 3);
        }
      }
      EXPECT_LT((slope.col(n) - expected).norm(), 1e-4) << n;
    }
  }
}

TEST_F(VolumeSensitivityTest, PointsWithoutAnImageHaveNan) {
  const Eigen::Vector3d nowhere =
      Eigen::Vector3d::Constant(std::numeric_limits<double>::quiet_NaN());
  const auto at = SensitivitiesOf(WalkerOf(velocities_), nowhere);
  EXPECT_TRUE(at[0].y.array().isNaN().all());
  EXPECT_TRUE(at[0].dy_dx.array().isNaN().all());
  EXPECT_TRUE(std::isnan(at[0].log_det));
  EXPECT_TRUE(at[0].blocks.empty());
}

// Between two arcs of one part of space nothing jumps.
TEST_F(VolumeSensitivityTest, LogDetJumpsBetweenPartsOnly) {
  const VolumeWalker walker = WalkerOf(velocities_);
  Eigen::Matrix3Xd y = points_;
  std::vector<VolumeArc> arcs;
  walker.Walk(&y, &arcs);
  std::vector<const VolumeArc*> last(points_.cols(), nullptr);
  int jumps = 0;
  for (const VolumeArc& arc : arcs) {
    const VolumeArc* const before = last[arc.point];
    last[arc.point] = &arc;
    if (before == nullptr) continue;
    const Eigen::Vector3d jump =
        LogDetJump(*basis_, walker.cells(), *before, arc);
    const bool same =
        before->cell == arc.cell && before->outside == arc.outside;
    EXPECT_EQ(jump.isZero(0), same);
    jumps += !same;
  }
  EXPECT_GT(jumps, 10);
}

}  // namespace
}  // namespace cpab
