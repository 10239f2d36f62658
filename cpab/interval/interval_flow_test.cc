#include "cpab/interval/interval_flow.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "cpab/field/parallel.h"
#include "cpab/testing/draws.h"
#include "cpab/testing/flow_laws.h"
#include "cpab/testing/golden_file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"

namespace cpab {
namespace {

using test_util::DrawNormal;
using ::testing::HasSubstr;

// Inside, outside, and all vertices.
std::vector<double> Points(int num_cells, bool inside) {
  std::vector<double> points;
  for (int i = 0; i <= 60; ++i) {
    points.push_back(inside ? i / 60.0 : -0.5 + 2.0 * i / 60);
  }
  for (int c = 0; c <= num_cells; ++c) points.push_back(double(c) / num_cells);
  return points;
}

// Paths cross into other cells with velocities that agree to 1e-15 of the
// coefficients, at most twenty times.
constexpr double kArcRounding = 1e-13;

class IntervalFlowTest : public ::testing::TestWithParam<IntervalOptions> {
 protected:
  static constexpr int kDraws = 30;
  // From gentle to violent.
  Eigen::VectorXd Theta(int draw) const {
    const double magnitude = 0.02 * std::pow(100, draw / (kDraws - 1.0));
    return DrawNormal(basis_->theta_size(), magnitude, draw);
  }
  IntervalFlow Draw(int draw) const {
    return IntervalFlow(basis_, Theta(draw));
  }
  double GradientBound(const Eigen::VectorXd& theta) const {
    return basis_->CellsFromTheta(theta).col(0).cwiseAbs().maxCoeff();
  }
  test_util::FlowUnderTest UnderTest() const {
    return {
        [this](const Eigen::VectorXd& theta,
               const Eigen::MatrixXd& points) -> Eigen::MatrixXd {
          return points.unaryExpr(IntervalFlow(basis_, theta));
        },
        [this](const Eigen::VectorXd& theta) { return GradientBound(theta); },
        [](const Eigen::VectorXd&) { return kArcRounding; }};
  }
  const std::shared_ptr<const IntervalBasis> basis_ =
      IntervalBasis::Create(GetParam()).value();
  const std::vector<double> points_ =
      Points(GetParam().num_cells, GetParam().zero_boundary);
};

INSTANTIATE_TEST_SUITE_P(
    Kinds, IntervalFlowTest,
    ::testing::Values(IntervalOptions{1}, IntervalOptions{2},
                      IntervalOptions{5}, IntervalOptions{20},
                      IntervalOptions{2, true}, IntervalOptions{10, true},
                      IntervalOptions{5, false, true}),
    [](const auto& info) {
      return std::to_string(info.param.num_cells) +
             (info.param.zero_boundary ? "_zb1" : "_zb0") +
             (info.param.volume_preserving ? "_vp1" : "_vp0");
    });

TEST_P(IntervalFlowTest, BasisIsOrthonormal) {
  const int d = basis_->theta_size();
  for (int k = 0; k < d; ++k) {
    const Eigen::VectorXd unit = Eigen::VectorXd::Unit(d, k);
    EXPECT_LT((basis_->ThetaFromCells(basis_->CellsFromTheta(unit)) - unit)
                  .cwiseAbs()
                  .maxCoeff(),
              1e-12);
  }
}

TEST_P(IntervalFlowTest, FieldsAreContinuous) {
  const IntervalFlow flow = Draw(20);
  for (int c = 1; c < GetParam().num_cells; ++c) {
    const double x = double(c) / GetParam().num_cells;
    EXPECT_NEAR(flow.Velocity(x - 1e-13), flow.Velocity(x + 1e-13), 1e-11);
  }
}

TEST_P(IntervalFlowTest, ObeysTheLawsOfAFlow) {
  const Eigen::MatrixXd points =
      Eigen::Map<const Eigen::RowVectorXd>(points_.data(), points_.size());
  for (int draw = 0; draw < kDraws; ++draw) {
    SCOPED_TRACE(draw);
    test_util::ExpectFlowLaws(UnderTest(), {Theta(draw), points});
    if (GetParam().zero_boundary) {
      test_util::ExpectCubeOntoItself(UnderTest(), {Theta(draw), points});
    }
  }
}

TEST_P(IntervalFlowTest, PowersAreFlowsOfScaledFields) {
  for (int draw = 0; draw < kDraws; ++draw) {
    const IntervalFlow flow = Draw(draw);
    for (const double t : {-1.0, 0.5, 1.3}) {
      const IntervalFlow scaled(basis_, t * Theta(draw));
      for (const double x : points_) {
        const double y = scaled(x);
        const double stretch =
            std::exp(std::abs(t) * GradientBound(Theta(draw)));
        EXPECT_NEAR(flow.Power(t)(x), y,
                    kArcRounding * (1 + std::abs(y)) * stretch);
      }
    }
    EXPECT_NEAR(flow.Inverse()(0.4), flow.Power(-1)(0.4), 0);
  }
}

TEST_P(IntervalFlowTest, KeepsTheOrderOfPoints) {
  for (int draw = 0; draw < kDraws; ++draw) {
    const IntervalFlow flow = Draw(draw);
    for (const double x : points_) {
      EXPECT_LE(flow(x), flow(x + 1e-9) + 1e-13 * std::abs(flow(x)));
    }
  }
}

// Velocities of opposite signs on both sides of a vertex, or of rounding's.
TEST(IntervalFlow, PathsEndInSinksAndStayInSources) {
  const auto basis = IntervalBasis::Create({3}).value();
  for (const double sign : {1.0, -1.0}) {
    for (const double at_vertex : {0.0, 1e-17, -1e-17}) {
      const Eigen::Vector4d velocities(sign, at_vertex, -sign, -sign);
      const IntervalFlow flow(basis, basis->ThetaFromVertices(velocities));
      EXPECT_NEAR(flow(1.0 / 3), 1.0 / 3, 1e-14);
      // dx/dt = 3 sign (1/3 - x) on the left.
      EXPECT_NEAR(flow(0.3), 1.0 / 3 - (1.0 / 3 - 0.3) * std::exp(-3 * sign),
                  1e-13);
    }
  }
}

// v = +-8 at all inner vertices of n cells: slopes of +-8 n at the ends, to
// where e^slope is infinite.
TEST(IntervalFlow, EndPointsStayInSteepCells) {
  for (const int num_cells : {5, 100}) {
    const auto basis =
        IntervalBasis::Create({num_cells, /*zero_boundary=*/true}).value();
    for (const double speed : {-8.0, 8.0}) {
      Eigen::VectorXd velocities =
          Eigen::VectorXd::Constant(num_cells + 1, speed);
      velocities[0] = velocities[num_cells] = 0;
      const IntervalFlow flow(basis, basis->ThetaFromVertices(velocities));
      const Eigen::RowVector2d ends(0, 1);
      Eigen::RowVectorXd y(2);
      flow.Transform<double>(ends, y);
      EXPECT_EQ(y, ends);
      const auto gradient = flow.Pullback<double>(ends, ends);
      EXPECT_TRUE(gradient.cells.allFinite());
      EXPECT_EQ(gradient.points[0], 0);
      const auto of_log_det =
          flow.LogDetPullback(ends, Eigen::Vector2d::Ones());
      EXPECT_TRUE(of_log_det.cells.allFinite());
      EXPECT_TRUE(of_log_det.points.allFinite());
      for (int end = 0; end < 2; ++end) {
        const IntervalFlow::Derivatives at = flow.Differentiate(end);
        EXPECT_EQ(at.y, end);
        EXPECT_EQ(flow(end), end);
        const double slope = (end == 0 ? speed : -speed) * num_cells;
        EXPECT_NEAR(at.log_det, slope, 1e-12 * std::abs(slope));
        EXPECT_EQ(flow.LogDerivative(end), at.log_det);
        EXPECT_TRUE(at.dy_dtheta.allFinite());
      }
    }
  }
}

// Vertices at rest, where rounding gives the velocity either sign: a path that
// comes to one has stopped, or goes on into the next cell, but never turns
// round, however steep the cell.
TEST(IntervalFlow, PathsNeverTurnRound) {
  constexpr int kCells = 11;
  const auto basis =
      IntervalBasis::Create({kCells, /*zero_boundary=*/true}).value();
  for (int draw = 0; draw < 200; ++draw) {
    Eigen::VectorXd velocities = DrawNormal(kCells + 1, 8, draw);
    velocities[0] = velocities[6] = velocities[kCells] = 0;
    const IntervalFlow flow(basis, basis->ThetaFromVertices(velocities));
    const Eigen::RowVectorXd x = Eigen::RowVectorXd::LinSpaced(90, 0, 1);
    Eigen::RowVectorXd y(x.cols());
    flow.Transform<double>(x, y);
    for (int i = 0; i < x.cols(); ++i) {
      for (const double image : {y[i], flow(x[i])}) {
        const double way = image - x[i];
        EXPECT_GE(flow.Velocity(x[i]) > 0 ? way : -way, -1e-12)
            << draw << ", " << x[i];
        EXPECT_GE(image, -1e-12) << draw << ", " << x[i];
        EXPECT_LE(image, 1 + 1e-12) << draw << ", " << x[i];
      }
    }
  }
}

// A slow, obvious twin: Runge-Kutta with small steps, fourth order within
// cells and of order h^2 where a step straddles two.
TEST_P(IntervalFlowTest, SolvesTheDifferentialEquation) {
  const IntervalFlow flow = Draw(15);
  for (const double start : points_) {
    double x = start;
    constexpr int kSteps = 4000;
    const double h = 1.0 / kSteps;
    for (int step = 0; step < kSteps; ++step) {
      const double k1 = flow.Velocity(x), k2 = flow.Velocity(x + h / 2 * k1);
      const double k3 = flow.Velocity(x + h / 2 * k2);
      const double k4 = flow.Velocity(x + h * k3);
      x += h / 6 * (k1 + 2 * k2 + 2 * k3 + k4);
    }
    EXPECT_NEAR(flow(start), x, 1e-7);
  }
}

TEST_P(IntervalFlowTest, DerivativesAreThoseOfDifferences) {
  const double h = 1e-6;
  const Eigen::VectorXd theta = DrawNormal(basis_->theta_size(), 0.4, 3);
  const Eigen::VectorXd direction = DrawNormal(basis_->theta_size(), 1, 4);
  const IntervalFlow flow(basis_, theta);
  const IntervalFlow ahead(basis_, theta + h * direction);
  const IntervalFlow behind(basis_, theta - h * direction);
  for (const double x : points_) {
    const auto derivatives = flow.Differentiate(x);
    EXPECT_EQ(derivatives.y, flow(x));
    // Kinks of the second derivative: an error of order h.
    EXPECT_NEAR(derivatives.dy_dtheta.dot(direction),
                (ahead(x) - behind(x)) / (2 * h), 1e-4);
    EXPECT_NEAR(std::exp(derivatives.log_det),
                (flow(x + h) - flow(x - h)) / (2 * h), 1e-4);
  }
}

test_util::FlowOfMany OfMany(const IntervalFlow& flow) {
  return {
      [&flow](const Eigen::MatrixXd& x, const ParallelFor& parallel_for) {
        IntervalPoints<double> y(x.cols());
        flow.Transform<double>(x.row(0), y, parallel_for);
        return Eigen::MatrixXd(y);
      },
      [&flow](const Eigen::MatrixXd& x, const Eigen::MatrixXd& dl_dy,
              const ParallelFor& parallel_for) {
        const auto gradient =
            flow.Pullback<double>(x.row(0), dl_dy.row(0), parallel_for);
        return test_util::FlowOfMany::Gradient{gradient.cells, gradient.points};
      }};
}

test_util::FlowOfMany LogDerivativeOfMany(const IntervalFlow& flow) {
  return {
      [&flow](const Eigen::MatrixXd& x, const ParallelFor&) {
        return test_util::ValuesAt(x, [&flow](const auto& point) {
          return flow.LogDerivative(point[0]);
        });
      },
      [&flow](const Eigen::MatrixXd& x, const Eigen::MatrixXd& weights,
              const ParallelFor& parallel_for) {
        const auto gradient = flow.LogDetPullback(
            x.row(0), weights.row(0).transpose(), parallel_for);
        return test_util::FlowOfMany::Gradient{gradient.cells, gradient.points};
      }};
}

TEST_P(IntervalFlowTest, ObeysTheLawsOfManyPoints) {
  const Eigen::Map<const Eigen::RowVectorXd> points(points_.data(),
                                                    points_.size());
  for (int draw = 0; draw < kDraws; draw += 5) {
    SCOPED_TRACE(draw);
    const IntervalFlow flow = Draw(draw);
    test_util::ExpectLawsOfMany(OfMany(flow), points);
  }
}

TEST_P(IntervalFlowTest, ObeysTheLawsOfNonFinite) {
  const Eigen::Map<const Eigen::RowVectorXd> points(points_.data(),
                                                    points_.size());
  const IntervalFlow flow = Draw(5);
  const IntervalFlow broken(
      basis_, Eigen::VectorXd::Constant(basis_->theta_size(), std::nan("")));
  test_util::ExpectLawsOfNonFinite(OfMany(flow), OfMany(broken), points);
  test_util::ExpectLawsOfNonFinite(LogDerivativeOfMany(flow),
                                   LogDerivativeOfMany(broken), points);
}

// The walk of one point is the slow, obvious twin of those of many.
TEST_P(IntervalFlowTest, ManyPointsFlowAsTheWalkOfOne) {
  const Eigen::Map<const Eigen::RowVectorXd> points(points_.data(),
                                                    points_.size());
  for (int draw = 0; draw < kDraws; ++draw) {
    for (const IntervalFlow& flow : {Draw(draw), Draw(draw).Inverse()}) {
      IntervalPoints<double> y(points.size());
      flow.Transform<double>(points, y);
      for (int n = 0; n < points.size(); ++n) {
        ASSERT_EQ(y[n], flow(points[n])) << draw << " " << points[n];
      }
    }
  }
}

TEST_P(IntervalFlowTest, PullbackIsTheTransposeOfTheDerivatives) {
  const Eigen::Map<const Eigen::RowVectorXd> points(points_.data(),
                                                    points_.size());
  for (int draw = 0; draw < kDraws; ++draw) {
    const IntervalFlow flow = Draw(draw);
    const Eigen::RowVectorXd dl_dy = DrawNormal(points.size(), 1, 100 + draw);
    const auto gradient = flow.Pullback<double>(points, dl_dy);
    Eigen::RowVectorXd dl_dtheta =
        Eigen::RowVectorXd::Zero(basis_->theta_size());
    double size = 0;
    for (int n = 0; n < points.size(); ++n) {
      const auto derivatives = flow.Differentiate(points[n]);
      const double dy_dx = std::exp(derivatives.log_det);
      EXPECT_NEAR(gradient.points[n], dl_dy[n] * dy_dx,
                  1e-13 * (1 + dy_dx) * (1 + dl_dy.norm()));
      EXPECT_NEAR(flow.LogDerivative(points[n]), derivatives.log_det, 1e-12);
      dl_dtheta += dl_dy[n] * derivatives.dy_dtheta;
      size += std::abs(dl_dy[n]) * derivatives.dy_dtheta.norm();
    }
    // Both sum the same terms in another order.
    EXPECT_LT(
        (basis_->ThetaFromCells(gradient.cells).transpose() - dl_dtheta).norm(),
        1e-12 * (1 + size));
  }
}

TEST(IntervalFlow, AffineFieldsFlowByTheExponential) {
  const auto basis = IntervalBasis::Create({7}).value();
  for (const double a : {-3.0, -1e-9, 0.0, 1e-14, 2.0}) {
    Eigen::VectorXd velocities(8);
    for (int v = 0; v < 8; ++v) velocities[v] = a * v / 7.0 + 0.4;
    const IntervalFlow flow(basis, basis->ThetaFromVertices(velocities));
    for (const double x : {-1.0, 0.0, 0.3, 4.0 / 7, 1.0, 1.7}) {
      const double shift = a == 0 ? 0.4 : 0.4 * std::expm1(a) / a;
      EXPECT_NEAR(flow(x), std::exp(a) * x + shift, 1e-13);
    }
  }
}

TEST(IntervalFlow, PointsThatAreNotFiniteAreNan) {
  const auto basis = IntervalBasis::Create({4}).value();
  const IntervalFlow flow(basis, DrawNormal(5, 1, 1));
  for (const double x : {std::numeric_limits<double>::infinity(),
                         std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_TRUE(std::isnan(flow(x)));
    EXPECT_TRUE(std::isnan(flow.Velocity(x)));
    EXPECT_TRUE(std::isnan(flow.Differentiate(x).log_det));
    EXPECT_TRUE(std::isnan(flow.LogDerivative(x)));
    IntervalPoints<double> points(2);
    points << 0.5, x;
    flow.Transform<double>(points, points);
    EXPECT_TRUE(std::isfinite(points[0]));
    EXPECT_TRUE(std::isnan(points[1]));
  }
}

// They leave it by e^a in unit time, which denormal numbers round.
TEST(IntervalFlow, PointsBesideARestingEndStayBesideIt) {
  const auto basis = IntervalBasis::Create({5, true}).value();
  Eigen::VectorXd velocities(6);
  velocities << 0, 0.2, 0.1, 0.3, 0.1, 0;
  const IntervalFlow flow(basis, basis->ThetaFromVertices(velocities));
  for (const double x : {5e-324, 1e-320, 1e-310, 1e-309, 2e-308, 1e-300}) {
    EXPECT_NEAR(flow(x), x * std::exp(1), 1e-14 * x + 1e-323) << x;
    EXPECT_NEAR(flow.Differentiate(x).log_det, 1, 1e-14) << x;
  }
}

TEST(IntervalFlow, FarPointsComeBack) {
  const auto basis = IntervalBasis::Create({4}).value();
  const IntervalFlow flow(basis, DrawNormal(5, 1, 1));
  for (const double x : {-1e6, -1e3, 1e3, 1e6}) {
    EXPECT_NEAR(flow.Inverse()(flow(x)), x, 1e-12 * std::abs(x)) << x;
  }
}

// dx/dt = -3 (x - 1) there, which is -infinity at 8e307.
TEST(IntervalFlow, PointsWhoseVelocityOverflowsAreNan) {
  const auto basis = IntervalBasis::Create({5, true}).value();
  Eigen::VectorXd velocities = Eigen::VectorXd::Zero(6);
  velocities[4] = 0.6;
  const IntervalFlow flow(basis, basis->ThetaFromVertices(velocities));
  EXPECT_NEAR(flow(5e307), 5e307 * std::exp(-3), 1e-13 * 5e307);
  IntervalPoints<double> points(1), y(1);
  points << 8e307;
  EXPECT_TRUE(std::isnan(flow(points[0])));
  EXPECT_TRUE(std::isnan(flow.Differentiate(points[0]).log_det));
  EXPECT_TRUE(std::isnan(flow.LogDerivative(points[0])));
  flow.Transform<double>(points, y);
  EXPECT_TRUE(std::isnan(y[0]));
  for (const auto& gradient :
       {flow.Pullback<double>(points, points),
        flow.LogDetPullback(points, Eigen::VectorXd::Ones(1))}) {
    EXPECT_TRUE(std::isnan(gradient.points[0]));
    EXPECT_TRUE(gradient.cells.array().isNaN().all());
  }
}

// The rows of the original library's table in one dimension. It fails for one
// unconstrained cell, where we do not.
TEST(IntervalBasis, ThetaIsAsLongAsLibcpabs) {
  const std::vector<test_util::GoldenDimension> rows =
      test_util::ReadGoldenDimensions(1);
  EXPECT_EQ(rows.size(), 19u);
  for (const test_util::GoldenDimension& row : rows) {
    const IntervalOptions options = {row.cells[0], row.zero_boundary,
                                     row.volume_preserving};
    SCOPED_TRACE(::testing::Message()
                 << row.cells[0] << " cells, " << row.zero_boundary
                 << row.volume_preserving);
    test_util::ExpectThetaSize(IntervalBasis::Create(options), row);
  }
  EXPECT_THAT(IntervalBasis::Create({0}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("interval.num_cells is 0; use 1 to 1000")));
}

}  // namespace
}  // namespace cpab
