#include "cpab/testing/flow_laws.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "gtest/gtest.h"

namespace cpab::test_util {
namespace {

double MaxDifference(const Eigen::MatrixXd& a, const Eigen::MatrixXd& b) {
  return (a - b).cwiseAbs().maxCoeff();
}

double SizeOf(const Eigen::MatrixXd& points) {
  return 1 + points.cwiseAbs().maxCoeff();
}

// Law (1).
void ExpectIdentity(const FlowUnderTest& flow, const FlowDraw& draw) {
  EXPECT_EQ(
      flow.transform(Eigen::VectorXd::Zero(draw.theta.size()), draw.points),
      draw.points)
      << "T(x; 0) is not x";
}

// Law (2): s + t = 1, and the inverse.
void ExpectOneParameterGroup(const FlowUnderTest& flow, const FlowDraw& draw) {
  const double bound = flow.gradient_bound(draw.theta);
  const double error = flow.error(draw.theta);
  const Eigen::MatrixXd once = flow.transform(draw.theta, draw.points);
  for (const double s : {0.5, 0.3, -0.4}) {
    const Eigen::MatrixXd middle = flow.transform(s * draw.theta, draw.points);
    const double amplified = std::exp((std::abs(s) + std::abs(1 - s)) * bound);
    EXPECT_LE(MaxDifference(flow.transform((1 - s) * draw.theta, middle), once),
              2 * error * amplified * std::max(SizeOf(middle), SizeOf(once)))
        << "T(T(x; s theta); (1 - s) theta) is not T(x; theta), s = " << s;
  }
  EXPECT_LE(MaxDifference(flow.transform(-draw.theta, once), draw.points),
            2 * error * std::exp(bound) * SizeOf(once))
      << "-theta does not undo theta";
}

// Law (3), for pairs 1e-7 apart, which lie on both sides of every edge that a
// point is on. Points of the cube stay in it.
void ExpectLipschitz(const FlowUnderTest& flow, const FlowDraw& draw) {
  std::mt19937_64 generator(draw.points.size());
  std::uniform_real_distribution<double> uniform(-1e-7, 1e-7);
  Eigen::MatrixXd moved = draw.points;
  for (double& x : moved.reshaped()) {
    const bool inside = x >= 0 && x <= 1;
    x += uniform(generator);
    if (inside) x = std::clamp(x, 0.0, 1.0);
  }
  const Eigen::MatrixXd from = flow.transform(draw.theta, draw.points);
  const Eigen::MatrixXd to = flow.transform(draw.theta, moved);
  const double stretch = std::exp(flow.gradient_bound(draw.theta));
  const double error =
      2 * flow.error(draw.theta) * stretch * std::max(SizeOf(from), SizeOf(to));
  for (Eigen::Index n = 0; n < from.cols(); ++n) {
    EXPECT_LE((to - from).col(n).norm(),
              stretch * (moved - draw.points).col(n).norm() + error)
        << "point " << n;
  }
}

}  // namespace

void ExpectFlowLaws(const FlowUnderTest& flow, const FlowDraw& draw) {
  ExpectIdentity(flow, draw);
  ExpectOneParameterGroup(flow, draw);
  ExpectLipschitz(flow, draw);
}

// Where the normal velocity is 0, the flow does not amplify an error of the
// normal coordinate on its way along the side.
void ExpectCubeOntoItself(const FlowUnderTest& flow, const FlowDraw& draw) {
  const Eigen::MatrixXd images = flow.transform(draw.theta, draw.points);
  const double tolerance = flow.error(draw.theta);
  EXPECT_GE(images.minCoeff(), -tolerance);
  EXPECT_LE(images.maxCoeff(), 1 + tolerance);
  for (Eigen::Index i = 0; i < images.size(); ++i) {
    const double x = draw.points.data()[i];
    if (x == 0 || x == 1) {
      EXPECT_NEAR(images.data()[i], x, tolerance);
    }
  }
}

void ExpectLawsOfMany(const FlowOfMany& flow, const Eigen::MatrixXd& points) {
  const Eigen::MatrixXd dl_dy = (1.3 * points.array() + 0.7).sin();
  const Eigen::MatrixXd images = flow.transform(points, Serially);
  const FlowOfMany::Gradient gradient = flow.pullback(points, dl_dy, Serially);
  EXPECT_EQ(flow.transform(points.rowwise().reverse(), Serially),
            images.rowwise().reverse());
  for (Eigen::Index n = 0; n < points.cols(); ++n) {
    EXPECT_EQ(flow.transform(points.col(n), Serially), images.col(n))
        << "point " << n;
    EXPECT_EQ(flow.pullback(points.col(n), dl_dy.col(n), Serially).points,
              gradient.points.col(n))
        << "point " << n;
  }
  const ParallelFor threads = OnThreads(3);
  // Enough for several of the parts that threads take.
  const Eigen::MatrixXd many = points.replicate(1, 10000 / points.cols() + 1);
  EXPECT_EQ(flow.transform(many, threads), flow.transform(many, Serially));
  const FlowOfMany::Gradient serial = flow.pullback(many, many, Serially);
  const FlowOfMany::Gradient parallel = flow.pullback(many, many, threads);
  EXPECT_EQ(parallel.field, serial.field);
  EXPECT_EQ(parallel.points, serial.points);
}

void ExpectLawsOfNonFinite(const FlowOfMany& flow, const FlowOfMany& broken,
                           const Eigen::MatrixXd& points) {
  const Eigen::Index count = points.cols();
  const Eigen::MatrixXd dl_dy = (1.3 * points.array() + 0.7).sin();
  const FlowOfMany::Gradient expected = flow.pullback(points, dl_dy, Serially);
  // The sum over points may run in another order with one more.
  const double tolerance = 1e-11 * (1 + expected.field.cwiseAbs().maxCoeff());
  Eigen::MatrixXd more(points.rows(), count + 1), dl_dmore = more;
  dl_dmore << dl_dy, dl_dy.col(0);
  for (const double bad : {HUGE_VAL, -HUGE_VAL, std::nan("")}) {
    for (Eigen::Index a = 0; a < points.rows(); ++a) {
      more << points, points.col(0);
      more(a, count) = bad;
      EXPECT_TRUE(
          flow.transform(more, Serially).col(count).array().isNaN().all());
      const FlowOfMany::Gradient gradient =
          flow.pullback(more, dl_dmore, Serially);
      EXPECT_TRUE(gradient.points.col(count).array().isNaN().all());
      EXPECT_TRUE(gradient.points.leftCols(count).allFinite());
      // Not by maxCoeff(), which may pass over NaN.
      EXPECT_TRUE(
          ((gradient.field - expected.field).array().abs() <= tolerance).all());
    }
  }
  EXPECT_TRUE(broken.transform(points, Serially).array().isNaN().all());
  const FlowOfMany::Gradient gradient =
      broken.pullback(points, dl_dy, Serially);
  EXPECT_TRUE(gradient.points.array().isNaN().colwise().any().all());
  EXPECT_TRUE(gradient.field.hasNaN());
}

}  // namespace cpab::test_util
