#include "cpab/volume/volume_step.h"

#include <memory>
#include <random>

#include "Eigen/Geometry"
#include "gtest/gtest.h"

namespace cpab {
namespace {

class VolumeStepTest : public ::testing::Test {
 protected:
  VolumeStepTest() {
    std::mt19937_64 generator(1);
    std::normal_distribution<double> normal(0, 0.3);
    Eigen::VectorXd theta(basis_->theta_size());
    for (double& element : theta) element = normal(generator);
    cells_ = basis_->CellsFromTheta(theta);
  }

  VolumeState StateAt(const Eigen::Vector3d& x) const {
    VolumeState state = {7, -1, 1, x, {}};
    Locate(*basis_, &state);
    return state;
  }

  const std::shared_ptr<const VolumeBasis> basis_ =
      VolumeBasis::Create({2, 2, 2}).value();
  VolumeCoefficients cells_;
};

TEST_F(VolumeStepTest, LocatesPointsByTheirBarycentricCoordinates) {
  const Eigen::Vector3d x(0.3, 0.6, 0.2);
  const VolumeState state = StateAt(x);
  ASSERT_EQ(state.cell, basis_->FindCell(x));
  Eigen::Vector4d weights;
  weights << Eigen::Map<const Eigen::Vector3d>(state.coordinates), 0;
  weights[3] = 1 - weights.sum();
  Eigen::Vector3d back = Eigen::Vector3d::Zero();
  for (int n = 0; n < 4; ++n) {
    back += weights[n] * basis_->vertices().col(basis_->cells()[state.cell][n]);
  }
  EXPECT_LT((back - x).norm(), 1e-15);
  EXPECT_EQ(StateAt({0.3, 1.2, 0.2}).cell, -1);
}

// Whatever the face is called on the other side: no coordinate, of which the
// last is what the others leave, begins below 0 by more than rounding. Steps
// that began so would be taken one by one.
TEST_F(VolumeStepTest, CrossesFacesWithCoordinatesThatAddUpToOne) {
  for (int cell = 0; cell < basis_->num_cells(); ++cell) {
    for (int face = 0; face < 4; ++face) {
      double now[4] = {0.2, 0.3, 0.4, 0.1};
      now[(face + 1) % 4] += now[face] + kVolumeOverlap;
      now[face] = -kVolumeOverlap;
      VolumeState state = {0, cell, 1, Eigen::Vector3d::Zero(), {}};
      CrossFace(*basis_, face, now, &state);
      const VolumeBasis::Neighbour& next = basis_->neighbour(cell, face);
      ASSERT_EQ(state.cell, next.cell);
      if (next.cell < 0) continue;
      Eigen::Vector4d there;
      there << Eigen::Map<const Eigen::Vector3d>(state.coordinates), 0;
      there[3] = 1 - there.sum();
      for (int n = 0; n < 4; ++n) {
        const double expected = n == face ? 0 : now[n];
        const double tolerance = n == face ? 2e-16 : 2 * kVolumeOverlap;
        EXPECT_NEAR(there[next.place[n]], expected, tolerance);
      }
    }
  }
}

// An arc ends on the border of its piece, or with the time: followed in small
// steps of its affine field, the path is inside until then.
TEST_F(VolumeStepTest, ArcsEndWhereTheirPieceEnds) {
  std::mt19937_64 generator(2);
  std::uniform_real_distribution<double> uniform(-0.3, 1.3);
  int inside = 0;
  for (int i = 0; i < 200; ++i) {
    const Eigen::Vector3d x(uniform(generator), uniform(generator),
                            uniform(generator));
    VolumeState state = StateAt(x);
    const VolumeArc arc = StepAlone(*basis_, cells_, &state);
    EXPECT_EQ(arc.point, 7);
    EXPECT_EQ(arc.start, x);
    EXPECT_EQ(arc.outside, OutsideAt(x));
    EXPECT_GT(arc.duration, 0);
    EXPECT_EQ(state.time_left, 1 - arc.duration);
    const AffineVelocity A = VelocityOfArc(cells_, arc);
    Eigen::Vector3d y = x;
    constexpr int kSteps = 400;
    const double h = arc.duration / kSteps;
    for (int step = 0; step < kSteps; ++step) {
      const Eigen::Vector3d middle = y + h / 2 * (A * y.homogeneous());
      y += h * (A * middle.homogeneous());
      // Midpoint steps are off by h^2.
      if (step + 2 < kSteps && IsInside(arc.outside)) {
        const Eigen::Vector4d weights =
            basis_->shape_matrix(arc.cell) * y.homogeneous();
        EXPECT_GT(weights.minCoeff(), -1e-4);
      }
    }
    EXPECT_LT((y - state.x).norm(), 1e-5);
    inside += IsInside(arc.outside);
    const double norm = A.leftCols<3>().norm();
    if (arc.duration == 1 || arc.duration * norm > 0.999 ||
        !IsInside(arc.outside)) {
      continue;
    }
    const Eigen::Vector4d weights =
        basis_->shape_matrix(arc.cell) * state.x.homogeneous();
    EXPECT_NEAR(weights.minCoeff(), 0, 1e-12);
  }
  EXPECT_GT(inside, 30);
}

TEST_F(VolumeStepTest, OutsideTheVelocityIsThatOfTheNearestPoint) {
  const Eigen::Vector3d x(1.4, 0.3, -0.2), nearest(1, 0.3, 0);
  const VolumeArc arc = ArcAt(*basis_, 0, x);
  const Eigen::Vector3d expected =
      VelocityOfArc(cells_, ArcAt(*basis_, 0, nearest)) * nearest.homogeneous();
  EXPECT_LT((VelocityOfArc(cells_, arc) * x.homogeneous() - expected).norm(),
            1e-14);
}

}  // namespace
}  // namespace cpab
