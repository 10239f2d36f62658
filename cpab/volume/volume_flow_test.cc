#include "cpab/volume/volume_flow.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "Eigen/Dense"
#include "cpab/testing/flow_laws.h"
#include "cpab/testing/volume_draws.h"
#include "cpab/volume/volume_sensitivity.h"
#include "gtest/gtest.h"
#include "unsupported/Eigen/MatrixFunctions"

namespace cpab {
namespace {

double MaxDifference(const Eigen::Matrix3Xd& a, const Eigen::Matrix3Xd& b) {
  return (a - b).cwiseAbs().maxCoeff();
}

// Each arc rounds, and may linger 1e-14 in the wrong piece, where the field
// differs by as much again.
constexpr double kArcRounding = 1e-12;

class VolumeFlowTest : public ::testing::TestWithParam<VolumeOptions> {
 protected:
  static constexpr int kDraws = 12;

  // From gentle to violent.
  Eigen::VectorXd Theta(int draw) const {
    return DrawTheta(*basis_, 0.02 * std::pow(50, draw / (kDraws - 1.0)), draw);
  }
  // Inside, outside, and where cells meet.
  Eigen::Matrix3Xd Points(int draw) const {
    const Eigen::Matrix3Xd inside = DrawVolumePoints(20, 0, 1, draw);
    const Eigen::Matrix3Xd around = DrawVolumePoints(10, -0.4, 1.4, draw + 100);
    Eigen::Matrix3Xd points(3, 30 + basis_->vertices().cols());
    points << inside, around, basis_->vertices();
    return points;
  }
  // A bound on |D phi|, by which rounding grows: e^K with K the largest norm
  // of a cell's linear part.
  static double Stretch(const VolumeFlow& flow) {
    double largest = 0;
    for (Eigen::Index c = 0; c < flow.cells().rows(); ++c) {
      const Eigen::Map<const AffineVelocity> A(flow.cells().row(c).data());
      largest =
          std::max(largest, Eigen::Matrix3d(A.leftCols<3>()).operatorNorm());
    }
    return std::exp(largest);
  }

  test_util::FlowUnderTest UnderTest() const {
    return {[this](const Eigen::VectorXd& theta,
                   const Eigen::MatrixXd& points) -> Eigen::MatrixXd {
              return VolumeFlow(basis_, theta).Transform(points);
            },
            [this](const Eigen::VectorXd& theta) {
              return std::log(Stretch(VolumeFlow(basis_, theta)));
            },
            [](const Eigen::VectorXd&) { return kArcRounding; }};
  }

  const std::shared_ptr<const VolumeBasis> basis_ =
      VolumeBasis::Create(GetParam()).value();
};

INSTANTIATE_TEST_SUITE_P(Kinds, VolumeFlowTest,
                         ::testing::ValuesIn(AllVolumeKinds()),
                         [](const auto& info) { return KindName(info.param); });

TEST_P(VolumeFlowTest, ObeysTheLawsOfAFlow) {
  for (int draw = 0; draw < kDraws; ++draw) {
    SCOPED_TRACE(draw);
    test_util::ExpectFlowLaws(UnderTest(), {Theta(draw), Points(draw)});
  }
}

TEST_P(VolumeFlowTest, PowersAreFlowsOfScaledFields) {
  for (int draw = 0; draw < kDraws; draw += 3) {
    const Eigen::VectorXd theta = Theta(draw);
    const VolumeFlow flow(basis_, theta);
    for (const double t : {-1.0, 0.5}) {
      const Eigen::Matrix3Xd images =
          VolumeFlow(basis_, t * theta).Transform(Points(draw));
      EXPECT_LT(
          MaxDifference(flow.Power(t).Transform(Points(draw)), images),
          kArcRounding * (1 + images.cwiseAbs().maxCoeff()) * Stretch(flow))
          << "draw " << draw << ", t " << t;
    }
  }
}

// A slow, obvious twin: Runge-Kutta with small steps, fourth order within
// pieces and of order h^2 where a step straddles two.
TEST_P(VolumeFlowTest, SolvesTheDifferentialEquation) {
  const VolumeFlow flow(basis_, Theta(7));
  const Eigen::Matrix3Xd points = Points(7).leftCols(30);
  const Eigen::Matrix3Xd images = flow.Transform(points);
  constexpr int kSteps = 1000;
  const double h = 1.0 / kSteps;
  for (Eigen::Index n = 0; n < points.cols(); ++n) {
    Eigen::Vector3d x = points.col(n);
    for (int step = 0; step < kSteps; ++step) {
      const Eigen::Vector3d k1 = flow.Velocity(x);
      const Eigen::Vector3d k2 = flow.Velocity(x + h / 2 * k1);
      const Eigen::Vector3d k3 = flow.Velocity(x + h / 2 * k2);
      const Eigen::Vector3d k4 = flow.Velocity(x + h * k3);
      x += h / 6 * (k1 + 2 * k2 + 2 * k3 + k4);
    }
    EXPECT_LT((images.col(n) - x).norm(), 2e-6) << n;
  }
}

TEST_P(VolumeFlowTest, DerivativesAreThoseOfDifferences) {
  const Eigen::VectorXd theta = DrawTheta(*basis_, 0.3, 3);
  const Eigen::VectorXd dtheta = DrawTheta(*basis_, 1, 4);
  const VolumeFlow flow(basis_, theta);
  const Eigen::Matrix3Xd points = DrawVolumePoints(15, -0.2, 1.2, 5);
  const Eigen::Matrix3Xd dpoints = DrawVolumePoints(15, -1, 1, 6);
  const Eigen::Matrix3Xd cotangent = DrawVolumePoints(15, -1, 1, 7);
  const double h = 1e-6;
  const Eigen::Matrix3Xd differences =
      (VolumeFlow(basis_, theta + h * dtheta).Transform(points + h * dpoints) -
       VolumeFlow(basis_, theta - h * dtheta).Transform(points - h * dpoints)) /
      (2 * h);
  for (Eigen::Index n = 0; n < points.cols(); ++n) {
    const VolumeJacobian jacobian = flow.Jacobian(points.col(n));
    EXPECT_EQ(jacobian.y, flow(points.col(n)));
    // Kinks of the second derivative: an error of order h.
    EXPECT_LT((jacobian.dy_dtheta * dtheta + jacobian.dy_dx * dpoints.col(n) -
               differences.col(n))
                  .norm(),
              1e-4)
        << n;
    EXPECT_EQ(flow.LogDetJacobian(points.col(n)), jacobian.log_det);
    EXPECT_NEAR(std::exp(jacobian.log_det), jacobian.dy_dx.determinant(),
                1e-11 * Stretch(flow) * Stretch(flow));
  }
  const VolumeGradient gradient = flow.Pullback(points, cotangent);
  const double expected = differences.cwiseProduct(cotangent).sum();
  EXPECT_NEAR(
      gradient.theta.dot(dtheta) + gradient.points.cwiseProduct(dpoints).sum(),
      expected, 1e-4 * (1 + std::abs(expected)));
}

TEST_P(VolumeFlowTest, KeepsOrientation) {
  for (int draw = 0; draw < kDraws; ++draw) {
    const VolumeFlow flow(basis_, Theta(draw));
    const Eigen::Matrix3Xd points = DrawVolumePoints(10, 0, 1, draw);
    for (const auto& x : points.colwise()) {
      EXPECT_GT(flow.Jacobian(x).dy_dx.determinant(), 0);
    }
  }
}

test_util::FlowOfMany OfMany(const VolumeFlow& flow) {
  return {
      [&flow](const Eigen::MatrixXd& x, const ParallelFor& parallel_for) {
        return Eigen::MatrixXd(flow.Transform(x, parallel_for));
      },
      [&flow](const Eigen::MatrixXd& x, const Eigen::MatrixXd& dl_dy,
              const ParallelFor& parallel_for) {
        const VolumeGradient gradient = flow.Pullback(x, dl_dy, parallel_for);
        return test_util::FlowOfMany::Gradient{gradient.theta, gradient.points};
      }};
}

test_util::FlowOfMany LogDetOfMany(const VolumeFlow& flow) {
  return {
      [&flow](const Eigen::MatrixXd& x, const ParallelFor&) {
        return test_util::ValuesAt(x, [&flow](const auto& point) {
          return flow.LogDetJacobian(point);
        });
      },
      [&flow](const Eigen::MatrixXd& x, const Eigen::MatrixXd& weights,
              const ParallelFor& parallel_for) {
        const VolumeGradient gradient =
            flow.LogDetPullback(x, weights.row(0).transpose(), parallel_for);
        return test_util::FlowOfMany::Gradient{gradient.theta, gradient.points};
      }};
}

TEST_P(VolumeFlowTest, ObeysTheLawsOfNonFinite) {
  const VolumeFlow flow(basis_, Theta(3));
  const VolumeFlow broken(
      basis_, Eigen::VectorXd::Constant(basis_->theta_size(), std::nan("")));
  test_util::ExpectLawsOfNonFinite(OfMany(flow), OfMany(broken), Points(3));
  test_util::ExpectLawsOfNonFinite(LogDetOfMany(flow), LogDetOfMany(broken),
                                   Points(3));
}

TEST_P(VolumeFlowTest, ObeysTheLawsOfManyPoints) {
  for (int draw = 0; draw < kDraws; draw += 4) {
    SCOPED_TRACE(draw);
    const VolumeFlow flow(basis_, Theta(draw));
    test_util::ExpectLawsOfMany(OfMany(flow), Points(draw));
    EXPECT_EQ(flow(Points(draw).col(0)), flow.Transform(Points(draw)).col(0));
  }
}

TEST_P(VolumeFlowTest, PointsThatAreNotFiniteAreNan) {
  const VolumeFlow flow(basis_, Theta(3));
  const Eigen::Vector3d bad(0.5, std::numeric_limits<double>::infinity(), 0.5);
  EXPECT_TRUE(flow(bad).array().isNaN().all());
  EXPECT_TRUE(std::isnan(flow.Jacobian(bad).log_det));
  EXPECT_TRUE(std::isnan(flow.LogDetJacobian(bad)));
}

TEST_P(VolumeFlowTest, FarPointsComeBack) {
  const VolumeFlow flow(basis_, Theta(7));
  const Eigen::Matrix3Xd points = DrawVolumePoints(50, -1e6, 1e6, 3);
  EXPECT_LT(
      MaxDifference(flow.Inverse().Transform(flow.Transform(points)), points),
      kArcRounding * 1e6 * Stretch(flow));
}

TEST_P(VolumeFlowTest, NoPointsAreFine) {
  const VolumeFlow flow(basis_, Theta(3));
  const Eigen::Matrix3Xd none(3, 0);
  EXPECT_EQ(flow.Transform(none).cols(), 0);
  EXPECT_TRUE(flow.Pullback(none, none).theta.isZero(0));
  EXPECT_TRUE(flow.LogDetPullback(none, Eigen::VectorXd(0)).theta.isZero(0));
}

// Laws of the constraints.

TEST_P(VolumeFlowTest, ZeroBoundaryMapsTheCubeOntoItself) {
  if (!GetParam().zero_boundary) GTEST_SKIP() << "has no zero boundary";
  for (int draw = 0; draw < 10; ++draw) {
    SCOPED_TRACE(draw);
    Eigen::Matrix3Xd points = DrawVolumePoints(60, 0, 1, draw);
    // Ten points on each side.
    for (int n = 0; n < 60; ++n) points(n % 3, n) = (n / 3) % 2;
    test_util::ExpectCubeOntoItself(UnderTest(),
                                    {DrawTheta(*basis_, 1, draw), points});
    // Not by rounding either: the next flow would have them outside.
    const Eigen::Matrix3Xd y =
        VolumeFlow(basis_, DrawTheta(*basis_, 1, draw)).Transform(points);
    EXPECT_GE(y.minCoeff(), 0);
    EXPECT_LE(y.maxCoeff(), 1);
  }
}

TEST(VolumeFlow, VolumePreservationKeepsVolumes) {
  for (const bool zero_boundary : {false, true}) {
    const auto basis =
        VolumeBasis::Create({2, 2, 2, zero_boundary, true}).value();
    const VolumeFlow flow(basis, DrawTheta(*basis, 0.5, 1));
    // Inside; outside no field that keeps volumes is bounded.
    const Eigen::Matrix3Xd points = DrawVolumePoints(30, 0.4, 0.6, 2);
    for (const auto& x : points.colwise()) {
      const VolumeJacobian jacobian = flow.Jacobian(x);
      if ((jacobian.y.array() < 0).any() || (jacobian.y.array() > 1).any()) {
        continue;
      }
      EXPECT_NEAR(jacobian.dy_dx.determinant(), 1, 1e-10);
    }
  }
}

TEST(VolumeFlow, AffineFieldsFlowByTheMatrixExponential) {
  const auto basis = VolumeBasis::Create({2, 3, 2}).value();
  Eigen::Matrix4d A = Eigen::Matrix4d::Zero();
  A.topRows<3>() << 0.2, -0.9, 0.3, 0.3, 0.8, -0.1, -0.4, -0.2, 0.1, 0.5, 0.1,
      -0.3;
  const Eigen::Matrix3Xd velocities =
      (A * basis->vertices().colwise().homogeneous()).topRows<3>();
  const VolumeFlow flow(basis, basis->ThetaFromVertices(velocities));
  const Eigen::Matrix4d expected = A.exp();
  const Eigen::Matrix3Xd points = DrawVolumePoints(50, 0.35, 0.65, 1);
  for (const auto& x : points.colwise()) {
    const Eigen::Vector3d y = (expected * x.homogeneous()).head<3>();
    EXPECT_LT((flow(x) - y).norm(), 1e-12);
  }
}

// More arcs than are recorded at a time. Back through a rotation a gradient
// turns back; its angle has the field's rounding, some 1e-12.
TEST(VolumeFlow, ManyArcsGoBackPieceByPiece) {
  const auto basis = VolumeBasis::Create({2, 2, 2}).value();
  Eigen::Matrix3Xd velocities =
      Eigen::Matrix3Xd::Zero(3, basis->vertices().cols());
  velocities.row(0) = -200 * (basis->vertices().row(1).array() - 0.5).matrix();
  velocities.row(1) = 200 * (basis->vertices().row(0).array() - 0.5).matrix();
  const VolumeFlow flow(basis, basis->ThetaFromVertices(velocities));
  const Eigen::Matrix3d turn =
      Eigen::AngleAxisd(200, Eigen::Vector3d::UnitZ()).toRotationMatrix();
  const Eigen::Matrix3Xd points = DrawVolumePoints(300, 0.35, 0.65, 1);
  const Eigen::Matrix3Xd cotangent = DrawVolumePoints(300, -1, 1, 2);
  EXPECT_LT(MaxDifference(flow.Pullback(points, cotangent).points,
                          turn.transpose() * cotangent),
            1e-9);
  for (const VolumeSensitivity& at : SensitivitiesOf(flow.walker(), points)) {
    EXPECT_LT(MaxDifference(at.dy_dx, turn), 1e-9);
  }
}

// 20480 cells: continuous by their vertices, orthonormal to the condition of
// the Gram matrix times rounding, at rest on the border.
TEST(VolumeFlow, GoesThroughSixteenBoxesAlongEachAxis) {
  const auto basis = VolumeBasis::Create({16, 16, 16, true}).value();
  EXPECT_EQ(basis->theta_size(), 3 * 15 * 17 * 17);
  const Eigen::VectorXd theta = DrawTheta(*basis, 0.01, 1);
  const VolumeCoefficients cells = basis->CellsFromTheta(theta);
  EXPECT_LT((basis->ThetaFromCells(cells) - theta).norm(), 1e-9 * theta.norm());
  const VolumeFlow flow(basis, theta);
  const Eigen::Matrix3Xd points = DrawVolumePoints(300, 0, 1, 2);
  EXPECT_LT(
      MaxDifference(flow.Inverse().Transform(flow.Transform(points)), points),
      1e-10);
  // No velocity normal to the sides at the vertices there.
  for (Eigen::Index v = 0; v < basis->vertices().cols(); ++v) {
    for (int a = 0; a < 3; ++a) {
      const double x = basis->vertices()(a, v);
      if (x != 0 && x != 1) continue;
      EXPECT_NEAR(flow.Velocity(basis->vertices().col(v))[a], 0, 1e-15);
    }
  }
  const double h = 1e-6;
  const Eigen::VectorXd along = DrawTheta(*basis, 1, 3);
  const Eigen::Vector3d x(0.31, 0.47, 0.62);
  const Eigen::Vector3d slope = (VolumeFlow(basis, theta + h * along)(x) -
                                 VolumeFlow(basis, theta - h * along)(x)) /
                                (2 * h);
  EXPECT_LT((flow.Jacobian(x).dy_dtheta * along - slope).norm(), 1e-4);
}

}  // namespace
}  // namespace cpab
