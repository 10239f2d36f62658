#include "cpab/volume/first_crossing.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace cpab {
namespace {

// scale times the product of (1 - u / zero).
Eigen::VectorXd WithZeros(const std::vector<double>& zeros, double scale) {
  Eigen::VectorXd p = Eigen::VectorXd::Zero(zeros.size() + 1);
  p[0] = scale;
  for (const double zero : zeros) {
    for (Eigen::Index k = p.size() - 1; k > 0; --k) p[k] -= p[k - 1] / zero;
  }
  return p;
}

TEST(FirstCrossing, IsTheSmallestZeroOfManyPolynomials) {
  std::mt19937_64 generator(1);
  std::uniform_real_distribution<double> anywhere(-1, 3);
  for (int draw = 0; draw < 2000; ++draw) {
    std::vector<double> zeros(1 + draw % 6);
    for (double& zero : zeros) zero = anywhere(generator);
    double first = 2;
    double gap = 1;
    for (const double zero : zeros) {
      if (zero > 0) first = std::min(first, zero);
    }
    for (const double zero : zeros) {
      if (zero != first) gap = std::min(gap, std::abs(zero - first));
    }
    const double found = FirstCrossing(WithZeros(zeros, 0.7));
    if (first > 1) {
      EXPECT_GT(found, 1) << draw;
    } else {
      // Coefficients of up to (1 / zero)^6 and their rounding, over a slope of
      // about the gap.
      EXPECT_NEAR(found, first, 1e-9 / gap) << draw;
    }
  }
}

TEST(FirstCrossing, FollowsTheSignsAtTheEnds) {
  EXPECT_EQ(FirstCrossing(Eigen::Vector2d(-1e-20, 1)), 0);
  EXPECT_GT(FirstCrossing(Eigen::Vector2d(0, 1)), 1);
  EXPECT_EQ(FirstCrossing(Eigen::Vector3d(1, 0, 0)),
            std::numeric_limits<double>::infinity());
  EXPECT_LT(FirstCrossing(Eigen::Vector2d(0, -1)), 1e-15);
  EXPECT_NEAR(FirstCrossing(Eigen::Vector2d(0.5, -1)), 0.5, 2e-16);
}

TEST(FirstCrossing, DipsCountHoweverShortAndTouchesDoNot) {
  // (u - 1/2)^2 - depth.
  const auto dip = [](double depth) {
    return FirstCrossing(Eigen::Vector3d(0.25 - depth, -1, 1));
  };
  for (const double depth : {1e-2, 1e-6, 1e-12}) {
    // The constant is rounded to 3e-17, and its root is taken.
    EXPECT_NEAR(dip(depth), 0.5 - std::sqrt(depth), 1e-16 / std::sqrt(depth));
  }
  EXPECT_GT(dip(0), 1);
  EXPECT_GT(dip(-1e-9), 1);
}

}  // namespace
}  // namespace cpab
