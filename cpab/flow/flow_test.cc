#include "cpab/flow/flow.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

#include "Eigen/Dense"
#include "cpab/testing/draws.h"
#include "cpab/testing/flow_laws.h"
#include "cpab/testing/golden_file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"
#include "unsupported/Eigen/MatrixFunctions"

namespace cpab {
namespace {

using test_util::DrawPoints;
using test_util::DrawTheta;
using test_util::GoldenPoints;
using test_util::KindName;
using test_util::PointsOnEdges;
using ::testing::Values;

std::shared_ptr<const Basis> BasisOf(const TessellationOptions& options) {
  return Basis::Create(options).value();
}

double MaxDifference(const Eigen::Matrix2Xd& a, const Eigen::Matrix2Xd& b) {
  return (a - b).cwiseAbs().maxCoeff();
}

Eigen::Matrix2Xd Transformed(const Flow& flow, const Eigen::Matrix2Xd& points) {
  Eigen::Matrix2Xd y(2, points.cols());
  flow.Transform<double>(points, y);
  return y;
}

// Rounding of some 1e-15 for each arc, its overlap included.
constexpr double kArcRounding = 2e-14;

// Laws, over seeded draws from gentle to violent fields.

class FlowTest : public ::testing::TestWithParam<TessellationOptions> {
 protected:
  static constexpr int kDraws = 40;

  // From a standard deviation of 0.01 to 2.
  Eigen::VectorXd Theta(int draw) const {
    return DrawTheta(*basis_, 0.01 * std::pow(200, draw / double(kDraws - 1)),
                     draw);
  }
  // Random points in the square and around it, and all places where cells meet.
  Eigen::Matrix2Xd Points(int draw) const {
    const Eigen::Matrix2Xd all_edges =
        PointsOnEdges(basis_->tessellation(), draw);
    const Eigen::Matrix2Xd edges =
        all_edges.leftCols(std::min<Eigen::Index>(60, all_edges.cols()));
    Eigen::Matrix2Xd points(2, 60 + edges.cols());
    points << DrawPoints(60, -0.3, 1.3, draw), edges;
    return points;
  }
  Flow FlowOf(const Eigen::VectorXd& theta) const {
    return Flow(basis_, theta);
  }

  // A bound on |D phi|, by which rounding errors grow along a path.
  static double Stretch(const Flow& flow) {
    return std::exp(test_util::GradientBound(flow.field().cells()));
  }

  test_util::FlowUnderTest UnderTest() const {
    return {[this](const Eigen::VectorXd& theta,
                   const Eigen::MatrixXd& points) -> Eigen::MatrixXd {
              return Transformed(FlowOf(theta), points);
            },
            [this](const Eigen::VectorXd& theta) {
              return test_util::GradientBound(basis_->CellsFromTheta(theta));
            },
            [](const Eigen::VectorXd&) { return kArcRounding; }};
  }

  // The flow of a theta, and those of theta h = kStep ahead and behind along a
  // direction, for central differences: an error of h^2 within smooth pieces;
  // where a path passes near a vertex its second derivative jumps, an error of
  // h.
  static constexpr double kStep = 1e-6;
  struct NearbyFlows {
    Eigen::VectorXd direction;
    Flow flow, ahead, behind;
  };
  NearbyFlows FlowsNear(int draw) const {
    const Eigen::VectorXd theta = Theta(draw);
    const Eigen::VectorXd direction = DrawTheta(*basis_, 1, draw + 100);
    return {direction, FlowOf(theta), FlowOf(theta + kStep * direction),
            FlowOf(theta - kStep * direction)};
  }
  static Eigen::Vector2d Shift() { return {kStep * 0.6, kStep * 0.8}; }
  static double DifferenceTolerance(const Flow& flow) {
    return 1e-4 * (1 + Stretch(flow));
  }
  static void ExpectJacobianOfDifferences(const NearbyFlows& near,
                                          const Eigen::Vector2d& x) {
    const Flow& flow = near.flow;
    const double tolerance = DifferenceTolerance(flow);
    const PointJacobian jacobian = flow.Jacobian(x);
    EXPECT_LT((jacobian.y - flow(x)).norm(), 1e-15);
    const Eigen::Vector2d dtheta =
        (near.ahead(x) - near.behind(x)) / (2 * kStep);
    EXPECT_LT((jacobian.dy_dtheta * near.direction - dtheta).norm(), tolerance);
    const Eigen::Vector2d dx = (flow(x + Shift()) - flow(x - Shift())) / 2;
    EXPECT_LT((jacobian.dy_dx * Shift() - dx).norm(), kStep * tolerance);
  }

  const std::shared_ptr<const Basis> basis_ = BasisOf(GetParam());
};

INSTANTIATE_TEST_SUITE_P(Kinds, FlowTest,
                         ::testing::ValuesIn(test_util::AllKinds()),
                         [](const auto& info) { return KindName(info.param); });

// For laws that hold for some kinds only.
class ZeroBoundaryFlowTest : public FlowTest {};
INSTANTIATE_TEST_SUITE_P(
    Kinds, ZeroBoundaryFlowTest,
    ::testing::ValuesIn(test_util::KindsWhere(test_util::HasZeroBoundary)),
    [](const auto& info) { return KindName(info.param); });

class FreeFlowTest : public FlowTest {};
INSTANTIATE_TEST_SUITE_P(
    Kinds, FreeFlowTest,
    ::testing::ValuesIn(test_util::KindsWhere(test_util::IsFree)),
    [](const auto& info) { return KindName(info.param); });

TEST_P(FlowTest, ObeysTheLawsOfAFlow) {
  for (int draw = 0; draw < kDraws; ++draw) {
    SCOPED_TRACE(draw);
    test_util::ExpectFlowLaws(UnderTest(), {Theta(draw), Points(draw)});
  }
}

TEST_P(FlowTest, PowersAreInverseRootAndIterate) {
  for (int draw = 0; draw < kDraws; draw += 5) {
    const Flow flow = FlowOf(Theta(draw));
    const Eigen::Matrix2Xd points = Points(draw);
    const Eigen::Matrix2Xd once = Transformed(flow, points);
    const double tolerance = kArcRounding * (1 + once.cwiseAbs().maxCoeff()) *
                             std::pow(Stretch(flow), 1.5);
    EXPECT_LT(MaxDifference(Transformed(flow.Inverse(), once), points),
              tolerance);
    const Flow root = flow.Power(0.5);
    EXPECT_LT(MaxDifference(Transformed(root, Transformed(root, points)), once),
              tolerance);
    const Flow third = flow.Power(1.0 / 3);
    EXPECT_LT(MaxDifference(Transformed(third.Power(3), points), once),
              tolerance);
  }
}

TEST_P(ZeroBoundaryFlowTest, ZeroBoundaryMapsTheSquareOntoItself) {
  for (int draw = 0; draw < kDraws; ++draw) {
    SCOPED_TRACE(draw);
    // Vertices and points on edges among them.
    test_util::ExpectCubeOntoItself(
        UnderTest(), {Theta(draw), Points(draw).cwiseMax(0).cwiseMin(1)});
  }
}

// Else the next flow would have them outside.
TEST_P(ZeroBoundaryFlowTest, ImagesOfTheSquareAreNotOutside) {
  for (int draw = 0; draw < kDraws; ++draw) {
    const Flow flow = FlowOf(Theta(draw));
    const Eigen::Matrix2Xd y =
        Transformed(flow, Points(draw).cwiseMax(0).cwiseMin(1));
    EXPECT_GE(y.minCoeff(), 0) << draw;
    EXPECT_LE(y.maxCoeff(), 1) << draw;
    for (const auto& x : y.colwise()) {
      const Eigen::Vector2d one = flow(Eigen::Vector2d(x));
      EXPECT_EQ(one.cwiseMax(0).cwiseMin(1), one) << draw;
      if (GetParam().volume_preserving) {
        EXPECT_NEAR(flow.Inverse().LogDetJacobian(x), 0, 1e-12) << draw;
      }
    }
  }
}

// Paths along the border, of which no rounding makes others.
TEST_P(ZeroBoundaryFlowTest, PointsOutsideGoWithTheNearestOfTheSquare) {
  for (int draw = 0; draw < kDraws; draw += 3) {
    const Flow flow = FlowOf(Theta(draw));
    const Eigen::Matrix2Xd points = DrawPoints(60, -0.5, 1.5, draw);
    const Eigen::Matrix2Xd nearest = points.cwiseMax(0).cwiseMin(1);
    const Eigen::Matrix2Xd y = Transformed(flow, points);
    const Eigen::Matrix2Xd y_of_nearest = Transformed(flow, nearest);
    for (int n = 0; n < points.cols(); ++n) {
      EXPECT_EQ(flow.field()(points.col(n)), flow.field()(nearest.col(n)));
      for (int a = 0; a < 2; ++a) {
        if (nearest(a, n) == points(a, n)) {
          EXPECT_NEAR(y(a, n), y_of_nearest(a, n),
                      kArcRounding * Stretch(flow));
        } else {
          EXPECT_EQ(y(a, n), points(a, n));
        }
      }
    }
  }
}

TEST_P(ZeroBoundaryFlowTest, DerivativesOutsideAreThoseOfDifferences) {
  for (int draw = 0; draw < kDraws; draw += 6) {
    const NearbyFlows near = FlowsNear(draw);
    const double tolerance = DifferenceTolerance(near.flow);
    const Eigen::Matrix2Xd points = DrawPoints(30, -0.3, 1.3, draw);
    for (const auto& x : points.colwise()) {
      if (x.minCoeff() > 0 && x.maxCoeff() < 1) continue;
      ExpectJacobianOfDifferences(near, x);
      const PointJacobian jacobian = near.flow.Jacobian(x);
      const Eigen::Vector2d shift = Shift();
      EXPECT_NEAR(jacobian.log_det, std::log(jacobian.dy_dx.determinant()),
                  1e-12);
      EXPECT_NEAR(near.flow.LogDetJacobian(x), jacobian.log_det, 1e-13);
      const FlowGradient<double> of_log_det =
          near.flow.LogDetPullback(x, Eigen::VectorXd::Ones(1));
      EXPECT_NEAR(
          basis_->ThetaFromCells(of_log_det.cells).dot(near.direction),
          (near.ahead.LogDetJacobian(x) - near.behind.LogDetJacobian(x)) /
              (2 * kStep),
          tolerance);
      EXPECT_NEAR(of_log_det.points.col(0).dot(shift) / kStep,
                  (near.flow.LogDetJacobian(x + shift) -
                   near.flow.LogDetJacobian(x - shift)) /
                      (2 * kStep),
                  tolerance);
    }
  }
}

TEST_P(FlowTest, JacobianDeterminantIsPositiveAndItsLogTheTraceIntegral) {
  for (int draw = 0; draw < kDraws; ++draw) {
    const Flow flow = FlowOf(Theta(draw));
    const Eigen::Matrix2Xd points = DrawPoints(20, 0, 1, draw);
    const PointsJacobian jacobian = flow.Jacobians(points);
    for (int n = 0; n < points.cols(); ++n) {
      const double determinant = jacobian.dy_dx[n].determinant();
      EXPECT_GT(determinant, 0);
      // The determinant cancels where the map stretches one way only.
      const double condition = jacobian.dy_dx[n].squaredNorm() / determinant;
      EXPECT_NEAR(std::log(determinant), jacobian.log_det[n],
                  1e-13 * condition);
      // Forwards and backwards add the same arcs in another order.
      EXPECT_NEAR(flow.LogDetJacobian(points.col(n)), jacobian.log_det[n],
                  1e-13);
      if (GetParam().volume_preserving) {
        EXPECT_NEAR(jacobian.log_det[n], 0, 1e-13);
      }
    }
  }
}

// v = R diag(a, -a) R^T (x - c) keeps areas. D T = R diag(e^a, e^-a) R^T in all
// of the plane, whose determinant is a difference of products of e^2a / 4: from
// a = 19 on it is all rounding, of either sign. Its logarithm is the sum of the
// traces over the arcs, each 0 to rounding of the coefficients.
TEST(FlowDeterminantTest, LogIsRightWhereTheDeterminantCancels) {
  const auto basis = BasisOf({4, 4});
  const Eigen::Matrix2Xd centred =
      basis->tessellation().vertices().array() - 0.5;
  bool negative = false;
  for (int draw = 0; draw < 20; ++draw) {
    const Eigen::Matrix2d rotation =
        Eigen::Rotation2Dd(0.05 + 0.07 * draw).toRotationMatrix();
    const Eigen::Matrix2d linear =
        rotation * Eigen::Vector2d(22, -22).asDiagonal() * rotation.transpose();
    const Flow flow(basis, basis->ThetaFromVertices(linear * centred));
    const PointJacobian jacobian = flow.Jacobian({0.5001, 0.4999});
    EXPECT_NEAR(jacobian.log_det, 0, 1e-12) << draw;
    EXPECT_NEAR(flow.LogDetJacobian({0.5001, 0.4999}), 0, 1e-12) << draw;
    negative = negative || jacobian.dy_dx.determinant() < 0;
  }
  EXPECT_TRUE(negative);
}

TEST_P(FlowTest, JacobianIsThatOfDifferences) {
  for (int draw = 0; draw < kDraws; draw += 6) {
    const NearbyFlows near = FlowsNear(draw);
    const Eigen::Matrix2Xd points = DrawPoints(20, 0.1, 0.9, draw);
    for (const auto& x : points.colwise()) {
      ExpectJacobianOfDifferences(near, x);
    }
  }
}

// The adjoint and the forward mode are the same linear map, transposed.
TEST_P(FlowTest, PullbackIsTheTransposedJacobian) {
  for (int draw = 0; draw < kDraws; draw += 3) {
    const Flow flow = FlowOf(Theta(draw));
    const Eigen::Matrix2Xd points = Points(draw);
    const Eigen::Matrix2Xd cotangent =
        DrawPoints(static_cast<int>(points.cols()), -1, 1, draw + 7);
    const FlowGradient<double> gradient =
        flow.Pullback<double>(points, cotangent);
    const PointsJacobian jacobian = flow.Jacobians(points);
    const Eigen::VectorXd expected =
        jacobian.dy_dtheta.transpose() *
        Eigen::Map<const Eigen::VectorXd>(cotangent.data(), cotangent.size());
    const Eigen::VectorXd actual = basis_->ThetaFromCells(gradient.cells);
    // A sum over points in another order.
    EXPECT_LT((actual - expected).norm(),
              1e-13 * points.cols() * (1 + Stretch(flow)));
    // The two walks know an exit time to 1e-16 over the speed across the edge,
    // which may be thousandths, and the gradient jumps there.
    for (int n = 0; n < points.cols(); ++n) {
      EXPECT_LT((gradient.points.col(n) -
                 jacobian.dy_dx[n].transpose() * cotangent.col(n))
                    .norm(),
                1e-12 * (1 + Stretch(flow)));
    }
  }
}

TEST_P(FlowTest, ResultsDoNotDependOnThreadsOrCompany) {
  const Flow flow = FlowOf(Theta(30));
  const Eigen::Matrix2Xd points = DrawPoints(3000, 0, 1, 1);
  const Eigen::Matrix2Xd cotangent = DrawPoints(3000, -1, 1, 2);
  Eigen::Matrix2Xd y(2, 3000);
  const ParallelFor three_threads = OnThreads(3);
  flow.Transform<double>(points, y, three_threads);
  EXPECT_EQ(y, Transformed(flow, points));
  for (const int n : {0, 511, 512, 2999})
    EXPECT_EQ(y.col(n), flow(points.col(n)));
  const FlowGradient<double> parallel =
      flow.Pullback<double>(points, cotangent, three_threads);
  const FlowGradient<double> serial = flow.Pullback<double>(points, cotangent);
  EXPECT_EQ(parallel.cells, serial.cells);
  EXPECT_EQ(parallel.points, serial.points);
}

TEST_P(FlowTest, FloatPointsRoundOnceEachWay) {
  const Flow flow = FlowOf(Theta(20));
  const Eigen::Matrix2Xf points = Points(20).cast<float>();
  Eigen::Matrix2Xf y(2, points.cols());
  flow.Transform<float>(points, y);
  EXPECT_EQ(y, Transformed(flow, points.cast<double>()).cast<float>());
}

// Closed form: a globally affine field is in the span unless it is constrained,
// and flows by one matrix exponential, through all cells and outside.
TEST_P(FreeFlowTest, AffineFieldsFlowByTheMatrixExponential) {
  const auto& vertices = basis_->tessellation().vertices();
  for (const std::array<double, 4>& m :
       {std::array<double, 4>{0.8, -1.9, 2.3, -0.8},
        {1.1, 0.4, 0.3, -1.1},
        {0, 1.5, 0, 0},
        {0, 0, 0, 0}}) {
    Eigen::Matrix3d A = Eigen::Matrix3d::Zero();
    A.topRows<2>() << m[0], m[1], 0.3, m[2], m[3], -0.2;
    const Eigen::Matrix2Xd velocities =
        (A * vertices.colwise().homogeneous()).topRows<2>();
    const Flow flow = FlowOf(basis_->ThetaFromVertices(velocities));
    const Eigen::Matrix3d expected = A.exp();
    const Eigen::Matrix2Xd points = Points(1);
    const Eigen::Matrix2Xd images =
        (expected * points.colwise().homogeneous()).topRows<2>();
    EXPECT_LT(MaxDifference(Transformed(flow, points), images),
              1e-13 * Stretch(flow));
  }
}

// Goldens.

// The field with the stored coefficients [n, cells, 6].
Flow GoldenFlow(const std::shared_ptr<const Basis>& basis,
                const test_util::GoldenTensor& A, int64_t field) {
  const int64_t cells = A.shape[1];
  const CellCoefficients stored = Eigen::Map<const CellCoefficients>(
      A.values.data() + field * cells * 6, cells, 6);
  const Eigen::VectorXd theta = basis->ThetaFromCells(stored);
  // The stored field is ours, up to libcpab's singular value threshold.
  EXPECT_LT((basis->CellsFromTheta(theta) - stored).cwiseAbs().maxCoeff(),
            1e-12);
  return Flow(basis, theta);
}

class GoldenFlowTest : public ::testing::TestWithParam<TessellationOptions> {};

INSTANTIATE_TEST_SUITE_P(
    Goldens, GoldenFlowTest,
    Values(TessellationOptions{2, 2}, TessellationOptions{3, 5},
           TessellationOptions{4, 4}, TessellationOptions{4, 4, false, true},
           TessellationOptions{4, 4, true, false},
           TessellationOptions{4, 4, true, true}, TessellationOptions{6, 6}),
    [](const auto& info) { return KindName(info.param); });

TEST_P(GoldenFlowTest, IsTheExactFlow) {
  const auto golden = test_util::ReadGolden(
      "cpab/testdata/cpab_traj_" + KindName(GetParam()) + ".safetensors");
  ASSERT_THAT(golden, IsOk());
  const auto basis = BasisOf(GetParam());
  const Eigen::Matrix2Xd points = GoldenPoints((*golden)["points"], 0);
  for (int64_t field = 0; field < (*golden)["A"].shape[0]; ++field) {
    const Flow flow = GoldenFlow(basis, (*golden)["A"], field);
    const Eigen::Matrix2Xd exact = GoldenPoints((*golden)["exact_f64"], field);
    // Worst seen 1.8e-11, where the golden solution itself is uncertain by
    // that much, and where points end 298 away from the square; else 5e-14.
    EXPECT_LT(MaxDifference(Transformed(flow, points), exact), 1e-10);
    // Coordinates in float32 round the input (exact here: the stored points
    // are float32) and the result, by half a unit in the last place.
    Eigen::Matrix2Xf in_float(2, points.cols());
    flow.Transform<float>(points.cast<float>(), in_float);
    EXPECT_LT(((in_float.cast<double>() - exact).array().abs() -
               6e-8 * exact.array().abs())
                  .maxCoeff(),
              1e-10);
  }
}

class GoldenGradientTest
    : public ::testing::TestWithParam<TessellationOptions> {};

INSTANTIATE_TEST_SUITE_P(Goldens, GoldenGradientTest,
                         Values(TessellationOptions{3, 5},
                                TessellationOptions{4, 4},
                                TessellationOptions{4, 4, true, true},
                                TessellationOptions{6, 6}),
                         [](const auto& info) { return KindName(info.param); });

TEST_P(GoldenGradientTest, AdjointIsTheExactGradient) {
  const auto golden = test_util::ReadGolden(
      "cpab/testdata/cpab_grad_" + KindName(GetParam()) + ".safetensors");
  ASSERT_THAT(golden, IsOk());
  // The goldens' own error, measured when they were made.
  const double differences_error =
      std::stod(golden->metadata.at("fd_step_disagreement"));
  const auto basis = BasisOf(GetParam());
  const Eigen::Matrix2Xd points = GoldenPoints((*golden)["points"], 0);
  const auto& projected = (*golden)["grad_A_projected_exact"];
  for (int64_t field = 0; field < (*golden)["A"].shape[0]; ++field) {
    const Flow flow = GoldenFlow(basis, (*golden)["A"], field);
    const FlowGradient<double> gradient = flow.Pullback<double>(
        points, GoldenPoints((*golden)["cotangent"], field));
    const CellCoefficients ours =
        basis->CellsFromTheta(basis->ThetaFromCells(gradient.cells));
    const Eigen::Map<const CellCoefficients> theirs(
        projected.values.data() + field * ours.size(), ours.rows(), 6);
    EXPECT_LT((ours - theirs).cwiseAbs().maxCoeff(), 2 * differences_error);
    // With h = 1e-6 rounding leaves 1e-10 and kinks next to a point 1e-6.
    EXPECT_LT(
        MaxDifference(gradient.points,
                      GoldenPoints((*golden)["grad_points_exact"], field)),
        2e-6);
  }
}

// Edges of the domain of definition.

TEST(FlowEdgeCases, APointAtRestStays) {
  // Rotation about the centre of the square, a vertex where four cells meet.
  const auto basis = BasisOf({3, 3});
  const auto& vertices = basis->tessellation().vertices();
  Eigen::Matrix2Xd velocities(2, vertices.cols());
  velocities << -2 * (vertices.row(1).array() - 0.5).matrix(),
      2 * (vertices.row(0).array() - 0.5).matrix();
  const Flow flow(basis, basis->ThetaFromVertices(velocities));
  const Eigen::Vector2d centre(0.5, 0.5);
  EXPECT_LT((flow(centre) - centre).norm(), 1e-14);
  EXPECT_NEAR(flow.LogDetJacobian(centre), 0, 1e-13);
}

// The velocity's slopes beyond the border differ from cell to cell: continued
// outwards, it would point to the ray between two of them from both sides.
TEST(FlowEdgeCases, ZeroBoundaryLeavesPointsOutsideWhereTheBorderRests) {
  const auto basis = BasisOf({2, 2, /*zero_boundary=*/true});
  Eigen::Matrix2Xd velocities =
      Eigen::Matrix2Xd::Zero(2, basis->tessellation().num_vertices());
  velocities(0, 9) = -0.1;  // At (0.25, 0.25).
  velocities(0, 10) = 0.1;  // At (0.75, 0.25).
  const Flow flow(basis, basis->ThetaFromVertices(velocities));
  Eigen::Matrix2Xd points(2, 4);
  points << 0.5 - 1e-9, 0.5 + 1e-9, 0.3, 1.2,  //
      -0.1, -0.1, -0.2, -0.4;
  EXPECT_LT(MaxDifference(Transformed(flow, points), points), 1e-14);
  EXPECT_LT(flow.Pullback<double>(points, points).cells.norm(), 10);
}

TEST(FlowEdgeCases, PathsAlongEdgesAndThroughVerticesGoOn) {
  // Constant velocities that carry points along lines of the tessellation.
  const auto basis = BasisOf({4, 4});
  for (const Eigen::Vector2d& velocity :
       {Eigen::Vector2d(0.5, 0), Eigen::Vector2d(0, -0.5),
        Eigen::Vector2d(0.5, 0.5), Eigen::Vector2d(-0.25, 0.25)}) {
    const Flow flow(basis, basis->ThetaFromVertices(velocity.replicate(
                               1, basis->tessellation().num_vertices())));
    const Eigen::Matrix2Xd points = PointsOnEdges(basis->tessellation(), 1);
    EXPECT_LT(
        MaxDifference(Transformed(flow, points), points.colwise() + velocity),
        1e-13);
  }
}

// A rotation carries points in circles that graze edges, at every distance
// about that of tangency.
TEST(FlowEdgeCases, GrazingPathsCrossOnlyWhatTheyCross) {
  const auto basis = BasisOf({2, 2});
  Eigen::Matrix2Xd velocities = DrawPoints(13, -1, 1, 5);
  const Flow flow(basis, basis->ThetaFromVertices(velocities));
  const Flow halves(basis, 0.5 * basis->ThetaFromVertices(velocities));
  // Paths that pass x = 0.5, a line of edges, at distances down to 1e-16.
  for (double distance = 0.1; distance > 1e-17; distance /= 3) {
    for (const double y : {0.1, 0.3, 0.5, 0.8}) {
      for (const int side : {-1, 1}) {
        const Eigen::Vector2d x(0.5 + side * distance, y);
        EXPECT_LT((halves(halves(x)) - flow(x)).norm(), 1e-13);
      }
    }
  }
}

test_util::FlowOfMany OfMany(const Flow& flow) {
  return {
      [&flow](const Eigen::MatrixXd& x, const ParallelFor& parallel_for) {
        Eigen::Matrix2Xd y(2, x.cols());
        flow.Transform<double>(x, y, parallel_for);
        return Eigen::MatrixXd(y);
      },
      [&flow](const Eigen::MatrixXd& x, const Eigen::MatrixXd& dl_dy,
              const ParallelFor& parallel_for) {
        const FlowGradient<double> gradient =
            flow.Pullback<double>(x, dl_dy, parallel_for);
        return test_util::FlowOfMany::Gradient{gradient.cells, gradient.points};
      }};
}

test_util::FlowOfMany LogDetOfMany(const Flow& flow) {
  return {
      [&flow](const Eigen::MatrixXd& x, const ParallelFor&) {
        return test_util::ValuesAt(x, [&flow](const auto& point) {
          return flow.LogDetJacobian(point);
        });
      },
      [&flow](const Eigen::MatrixXd& x, const Eigen::MatrixXd& weights,
              const ParallelFor& parallel_for) {
        const FlowGradient<double> gradient =
            flow.LogDetPullback(x, weights.row(0).transpose(), parallel_for);
        return test_util::FlowOfMany::Gradient{gradient.cells, gradient.points};
      }};
}

TEST_P(FlowTest, ObeysTheLawsOfNonFinite) {
  const Flow flow(basis_, Theta(20));
  const Flow broken(
      basis_, Eigen::VectorXd::Constant(basis_->theta_size(), std::nan("")));
  test_util::ExpectLawsOfNonFinite(OfMany(flow), OfMany(broken), Points(20));
  test_util::ExpectLawsOfNonFinite(LogDetOfMany(flow), LogDetOfMany(broken),
                                   Points(20));
}

TEST(FlowEdgeCases, NonFiniteInputIsNanAndDoesNotStopTheOthers) {
  const auto basis = BasisOf({4, 4});
  const double inf = std::numeric_limits<double>::infinity();
  const Flow flow(basis, DrawTheta(*basis, 0.5, 1));
  for (const double bad : {inf, -inf, std::nan("")}) {
    EXPECT_TRUE(flow(Eigen::Vector2d(bad, 0.5)).array().isNaN().all());
    EXPECT_TRUE(std::isnan(flow.LogDetJacobian(Eigen::Vector2d(0.5, bad))));
    EXPECT_TRUE(flow.Jacobian(Eigen::Vector2d(0.5, bad))
                    .dy_dtheta.array()
                    .isNaN()
                    .all());
    Eigen::VectorXd theta = DrawTheta(*basis, 0.5, 1);
    theta[3] = bad;
    EXPECT_TRUE(
        Flow(basis, theta)(Eigen::Vector2d(0.3, 0.5)).array().isNaN().all());
  }
  const Flow absurd(basis, DrawTheta(*basis, 1e200, 1));
  EXPECT_TRUE(absurd(Eigen::Vector2d(0.3, 0.5)).array().isNaN().all());
}

TEST(FlowEdgeCases, VelocityIsNanWhereThePointIsNotFinite) {
  for (const bool zero_boundary : {false, true}) {
    const auto basis = BasisOf({4, 4, zero_boundary});
    const VelocityField field(basis, DrawTheta(*basis, 0.5, 1));
    for (const double bad : {HUGE_VAL, -HUGE_VAL, std::nan("")}) {
      EXPECT_TRUE(field({bad, 0.5}).array().isNaN().all()) << bad;
      EXPECT_TRUE(field({0.3, bad}).array().isNaN().all()) << bad;
    }
  }
}

TEST(FlowEdgeCases, FarPointsFollowTheExtension) {
  const auto basis = BasisOf({4, 4});
  const Flow flow(basis, DrawTheta(*basis, 0.3, 2));
  const Flow inverse(basis, -DrawTheta(*basis, 0.3, 2));
  const Eigen::Matrix2Xd points = DrawPoints(100, -1e6, 1e6, 3);
  for (const auto& x : points.colwise()) {
    EXPECT_LT((inverse(flow(x)) - x).norm(), 1e-13 * 1e6 * 100);
  }
}

// The sum of their coordinates is not finite.
TEST(FlowEdgeCases, HeldPointsStayHoweverFar) {
  const auto basis = BasisOf({4, 4, /*zero_boundary=*/true});
  const Flow flow(basis, DrawTheta(*basis, 0.3, 2));
  const Eigen::Vector2d x = Eigen::Vector2d::Constant(1e308), dl_dy(1, 2);
  EXPECT_EQ(flow(x), x);
  EXPECT_EQ(flow.Jacobian(x).y, x);
  EXPECT_EQ(flow.Jacobian(x).dy_dx, Eigen::Matrix2d::Identity());
  EXPECT_EQ(flow.LogDetJacobian(x), 0);
  EXPECT_EQ(flow.Pullback<double>(x, dl_dy).points, dl_dy);
  EXPECT_EQ(flow.LogDetPullback(x, Eigen::VectorXd::Ones(1)).points,
            Eigen::Vector2d::Zero());
}

// Where many points go together, those outside, those that are not finite and
// those whose paths have too many arcs are apart.
TEST(FlowEdgeCases, ManyPointsHaveTheGradientsThatEachHas) {
  const auto basis = BasisOf({4, 4, /*zero_boundary=*/true});
  const Flow flow(basis, DrawTheta(*basis, 0.5, 2));
  Eigen::Matrix2Xd points = DrawPoints(1500, -0.5, 1.5, 3);
  points(1, 700) = std::nan("");
  const Eigen::Matrix2Xd dl_dy = DrawPoints(1500, -1, 1, 4);
  const FlowGradient<double> many = flow.Pullback<double>(points, dl_dy);
  CellCoefficients cells = CellCoefficients::Zero(many.cells.rows(), 6);
  const double bound =
      1e-13 * (1 + std::exp(test_util::GradientBound(flow.field().cells())));
  for (int n = 0; n < points.cols(); ++n) {
    const FlowGradient<double> alone =
        flow.Pullback<double>(points.col(n), dl_dy.col(n));
    if (n == 700) {
      EXPECT_TRUE(many.points.col(n).array().isNaN().all());
      continue;
    }
    EXPECT_LT((many.points.col(n) - alone.points).norm(), bound) << n;
    cells += alone.cells;
  }
  EXPECT_LT(
      (basis->ThetaFromCells(many.cells) - basis->ThetaFromCells(cells)).norm(),
      1500 * bound);

  const Flow absurd(basis, DrawTheta(*basis, 1e200, 1));
  const FlowGradient<double> none = absurd.Pullback<double>(points, dl_dy);
  EXPECT_TRUE(none.cells.array().isNaN().all());
  EXPECT_TRUE(none.points.array().isNaN().all());
}

// Their arcs are too many to be kept together.
TEST(FlowEdgeCases, ManyPointsOfAViolentFieldHaveTheGradientsThatEachHas) {
  const auto basis = BasisOf({4, 4});
  const Flow flow(basis, DrawTheta(*basis, 1e3, 1));
  const Eigen::Matrix2Xd points = DrawPoints(65, 0, 1, 3);
  const Eigen::Matrix2Xd dl_dy = DrawPoints(65, -1, 1, 4);
  const FlowGradient<double> many = flow.Pullback<double>(points, dl_dy);
  for (int n = 0; n < points.cols(); ++n) {
    const FlowGradient<double> alone =
        flow.Pullback<double>(points.col(n), dl_dy.col(n));
    EXPECT_EQ(many.points.col(n).array().isNaN().any(),
              alone.points.array().isNaN().any())
        << n;
  }
}

TEST(FlowEdgeCases, NoPointsAreFine) {
  const auto basis = BasisOf({4, 4});
  const Flow flow(basis, DrawTheta(*basis, 0.3, 2));
  const Eigen::Matrix2Xd none(2, 0);
  EXPECT_EQ(Transformed(flow, none).cols(), 0);
  EXPECT_EQ(flow.Pullback<double>(none, none).cells.norm(), 0);
  EXPECT_EQ(flow.Jacobians(none).dy_dtheta.rows(), 0);
}

}  // namespace
}  // namespace cpab
