#include "cpab/flow/exit_time.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <random>

#include "gtest/gtest.h"

namespace cpab {
namespace {

// Affine fields and starts at random, and an edge whose normal is turned.
struct Draw {
  explicit Draw(std::mt19937_64* generator) {
    std::normal_distribution<double> normal(0, 2);
    std::uniform_real_distribution<double> uniform(0, 1);
    std::array<double, 6> coefficients;
    for (double& c : coefficients) c = normal(*generator);
    flow = AffineFlow(coefficients.data());
    start = {uniform(*generator), uniform(*generator)};
    const double angle = 2 * M_PI * uniform(*generator);
    edge.normal = Eigen::Vector2d(std::cos(angle), std::sin(angle));
    // At a distance that some paths come to.
    edge.offset = -(edge.normal.x() * start.x + edge.normal.y() * start.y) +
                  0.2 * uniform(*generator);
  }

  AffineFlow flow;
  Vector<double> start;
  Edge edge;
};

// s(t) by its definition, n.x(t) + o.
TEST(ExitTime, DistanceIsThatOfThePath) {
  std::mt19937_64 generator(1);
  for (int i = 0; i < 200; ++i) {
    const Draw draw(&generator);
    const Start<double> start(draw.flow, draw.start);
    const auto s = DistanceFrom<double>(draw.edge, start, 0);
    const double t = 0.7 * std::min(1.0, draw.flow.max_duration());
    const auto f = draw.flow.Integral(t);
    const Vector<double> x = start.After(f);
    EXPECT_NEAR(s.Value(f),
                draw.edge.normal.x() * x.x + draw.edge.normal.y() * x.y +
                    draw.edge.offset,
                1e-13);
    // Its derivatives are those of differences.
    const double h = 1e-5 * draw.flow.max_duration();
    const auto value = [&](double time) {
      return s.Value(draw.flow.Integral(time));
    };
    const auto e = draw.flow.Exponential(f);
    const double size = std::abs(s.slope) + std::abs(s.curvature) + 1;
    EXPECT_NEAR(s.Slope(e), (value(t + h) - value(t - h)) / (2 * h),
                1e-6 * size);
    EXPECT_NEAR(s.Curvature(draw.flow, e),
                (value(t + h) - 2 * value(t) + value(t - h)) / (h * h),
                1e-2 * size / draw.flow.max_duration());
  }
}

// From a bracketed zero's guess one or two steps lead to the zero.
TEST(ExitTime, ExpansionFindsTheZeroNearby) {
  std::mt19937_64 generator(2);
  int found = 0;
  for (int i = 0; i < 500; ++i) {
    const Draw draw(&generator);
    const Start<double> start(draw.flow, draw.start);
    const auto s = DistanceFrom<double>(draw.edge, start, 0);
    const double h = std::min(1.0, draw.flow.max_duration());
    if (!(s.distance > 0) || !(s.Value(draw.flow.Integral(h)) < 0)) continue;
    ++found;
    // The zero by bisection.
    double low = 0, high = h;
    for (int k = 0; k < 60; ++k) {
      const double middle = (low + high) / 2;
      (s.Value(draw.flow.Integral(middle)) < 0 ? high : low) = middle;
    }
    const double zero = low;
    const double near = zero + 1e-3 * draw.flow.max_duration();
    const Expansion<double> expansion(draw.flow, start, s, near);
    const double dt = expansion.NearZero();
    EXPECT_NEAR(near + dt, zero, 1e-12);
    const Vector<double> x = expansion.Position(dt);
    const Vector<double> expected = start.After(draw.flow.Integral(zero));
    EXPECT_NEAR(x.x, expected.x, 1e-11);
    EXPECT_NEAR(x.y, expected.y, 1e-11);
  }
  EXPECT_GT(found, 100);
}

// Exact for a constant velocity, whose distance is linear.
TEST(ExitTime, GuessIsTheZeroOfALinearDistance) {
  const std::array<double, 6> coefficients = {0, 0, 0.5, 0, 0, 0};
  const AffineFlow flow(coefficients.data());
  Edge edge;
  edge.normal = Eigen::Vector2d(-1, 0);
  edge.offset = 0.4;
  const Start<double> start(flow, Vector<double>{0.1, 0.3});
  const auto s = DistanceFrom<double>(edge, start, 0);
  EXPECT_NEAR(GuessExit(flow, s), 0.6, 1e-15);
}

}  // namespace
}  // namespace cpab
