// The laws of all maps, and what sets each apart.
#include "tools/studio/warp/point_map.h"

#include <memory>
#include <string>
#include <vector>

#include "Eigen/Core"
#include "cpab/field/basis.h"
#include "cpab/testing/draws.h"
#include "gtest/gtest.h"
#include "tools/studio/warp/affine_map.h"
#include "tools/studio/warp/flow_map.h"
#include "tools/studio/warp/thin_plate_map.h"

namespace studio {
namespace {

using cpab::test_util::DrawPoints;

struct Pairs {
  Eigen::Matrix2Xd from, to;
};

// A gentle motion: no map of it folds.
Pairs DrawPairs(int count, uint64_t seed) {
  Pairs pairs;
  pairs.from = DrawPoints(count, 0.1, 0.9, seed);
  pairs.to = pairs.from + DrawPoints(count, -0.03, 0.03, seed + 1);
  return pairs;
}

cpab::Flow DrawFlow(double magnitude) {
  const auto basis = cpab::Basis::Create({3, 4}).value();
  return {basis, cpab::test_util::DrawTheta(*basis, magnitude, 5)};
}

struct Kind {
  std::string name;
  std::shared_ptr<const PointMap> map, still;
};

// One of each, and those that move nothing.
std::vector<Kind> Kinds() {
  const Pairs pairs = DrawPairs(7, 3);
  const auto make_spline = [](const auto& from, const auto& to) {
    return std::make_shared<ThinPlateMap>(ThinPlateMap::Fit(from, to));
  };
  const auto make_inverse = [](const auto& from, const auto& to) {
    return std::make_shared<InverseThinPlateMap>(
        InverseThinPlateMap::Fit(from, to));
  };
  const auto make_affine = [](const auto& from, const auto& to) {
    return std::make_shared<AffineMap>(AffineMap::Fit(from, to));
  };
  return {{"flow", std::make_shared<FlowMap>(DrawFlow(0.3)),
           std::make_shared<FlowMap>(DrawFlow(0))},
          {"spline", make_spline(pairs.from, pairs.to),
           make_spline(pairs.from, pairs.from)},
          {"inverse spline", make_inverse(pairs.from, pairs.to),
           make_inverse(pairs.from, pairs.from)},
          {"affine", make_affine(pairs.from, pairs.to),
           make_affine(pairs.from, pairs.from)}};
}

TEST(PointMapTest, ReturnsPointsBitForBitIfNothingMoves) {
  const Eigen::Matrix2Xd points = DrawPoints(100, -0.2, 1.2, 8);
  for (const Kind& kind : Kinds()) {
    EXPECT_EQ(kind.still->Apply(points), points) << kind.name;
    EXPECT_EQ(kind.still->Determinants(points), Eigen::VectorXd::Ones(100))
        << kind.name;
  }
}

// Central differences err by the step squared times third derivatives, and
// by rounding over the step; a flow's differences also where a step crosses an
// edge of cells, which at these points none does.
TEST(PointMapTest, DeterminantsAreThoseOfDifferences) {
  constexpr double kStep = 1e-5;
  const Eigen::Matrix2Xd points = DrawPoints(50, 0, 1, 9);
  const Eigen::Vector2d dx(kStep, 0), dy(0, kStep);
  for (const Kind& kind : Kinds()) {
    const auto slope = [&](const Eigen::Vector2d& step) -> Eigen::Matrix2Xd {
      return (kind.map->Apply(points.colwise() + step) -
              kind.map->Apply(points.colwise() - step)) /
             (2 * kStep);
    };
    const Eigen::Matrix2Xd by_x = slope(dx), by_y = slope(dy);
    const Eigen::VectorXd determinants = kind.map->Determinants(points);
    for (int n = 0; n < points.cols(); ++n) {
      const double expected = by_x(0, n) * by_y(1, n) - by_x(1, n) * by_y(0, n);
      EXPECT_NEAR(determinants[n], expected, 1e-4)
          << kind.name << " at " << points.col(n).transpose();
    }
  }
}

TEST(AffineMapTest, FindsTheAffineMapOfItsPairs) {
  const Eigen::Matrix2Xd from = DrawPoints(6, 0, 1, 1);
  Eigen::Matrix2d linear;
  linear << 1.2, 0.1, -0.3, 0.8;
  const Eigen::Matrix2Xd to =
      (linear * from).colwise() + Eigen::Vector2d(0.1, -0.2);
  const AffineMap map = AffineMap::Fit(from, to);
  EXPECT_LT((map.Apply(from) - to).norm(), 1e-14);
  const Eigen::Matrix2Xd points = DrawPoints(20, -1, 2, 2);
  EXPECT_LT((map.Inverse().Apply(map.Apply(points)) - points).norm(), 1e-13);
}

TEST(AffineMapTest, OnePairIsATranslation) {
  const AffineMap map =
      AffineMap::Fit(Eigen::Vector2d(0.3, 0.4), Eigen::Vector2d(0.5, 0.3));
  EXPECT_LT(
      (map.Apply(Eigen::Vector2d(1, 0)) - Eigen::Vector2d(1.2, -0.1)).norm(),
      1e-15);
}

// Of all maps that meet two pairs, across the line between them nothing moves.
TEST(AffineMapTest, TwoPairsStretchAlongTheirLineOnly) {
  Eigen::Matrix2Xd from(2, 2), to(2, 2);
  from << 0.25, 0.75, 0.5, 0.5;
  to << 0, 1, 0.5, 0.5;
  const AffineMap map = AffineMap::Fit(from, to);
  EXPECT_LT((map.Apply(from) - to).norm(), 1e-15);
  EXPECT_LT(
      (map.Apply(Eigen::Vector2d(0.5, 0.9)) - Eigen::Vector2d(0.5, 0.9)).norm(),
      1e-15);
}

TEST(AffineMapTest, ASingularMapHasNoInverse) {
  Eigen::Matrix2Xd from(2, 3), to(2, 3);
  from << 0, 1, 0, 0, 0, 1;
  to << 0, 1, 0.5, 0, 0, 0;  // onto one line
  const AffineMap inverse = AffineMap::Fit(from, to).Inverse();
  EXPECT_FALSE(inverse.Apply(Eigen::Vector2d(0.5, 0.5)).allFinite());
}

// Also with as few pairs as leave the affine part open.
TEST(ThinPlateMapTest, MeetsAllPairs) {
  for (const int count : {1, 2, 3, 4, 16, 64}) {
    const Pairs pairs = DrawPairs(count, 10 + count);
    const ThinPlateMap map = ThinPlateMap::Fit(pairs.from, pairs.to);
    // The Gram matrix of 64 random points has a condition of up to 1e7.
    EXPECT_LT((map.Apply(pairs.from) - pairs.to).norm(), 1e-8) << count;
  }
}

TEST(ThinPlateMapTest, MeetsPairsOnALine) {
  Eigen::Matrix2Xd from(2, 5), to;
  from << 0.1, 0.3, 0.5, 0.7, 0.9, 0.1, 0.3, 0.5, 0.7, 0.9;
  to = from + DrawPoints(5, -0.02, 0.02, 3);
  const ThinPlateMap map = ThinPlateMap::Fit(from, to);
  EXPECT_LT((map.Apply(from) - to).norm(), 1e-12);
}

TEST(ThinPlateMapTest, IsAffineForAffinePairs) {
  const Eigen::Matrix2Xd from = DrawPoints(8, 0, 1, 1);
  Eigen::Matrix2d linear;
  linear << 1.2, 0.1, -0.3, 0.8;
  const Eigen::Matrix2Xd to = linear * from;
  const Eigen::Matrix2Xd points = DrawPoints(30, -1, 2, 4);
  EXPECT_LT((ThinPlateMap::Fit(from, to).Apply(points) - linear * points)
                .cwiseAbs()
                .maxCoeff(),
            1e-12);
}

TEST(InverseThinPlateMapTest, UndoesASplineThatDoesNotFold) {
  Eigen::Matrix2Xd from(2, 9);
  for (int k = 0; k < 9; ++k)
    from.col(k) << 0.2 + 0.3 * (k % 3), 0.2 + 0.3 * (k / 3);
  const Eigen::Matrix2Xd to = from + DrawPoints(9, -0.06, 0.06, 21);
  const auto inverse = InverseThinPlateMap::Fit(from, to);
  const Eigen::Matrix2Xd points = DrawPoints(200, 0, 1, 22);
  ASSERT_GT(inverse.spline().Determinants(points).minCoeff(), 0.2);
  EXPECT_LT((inverse.Apply(inverse.spline().Apply(points)) - points)
                .cwiseAbs()
                .maxCoeff(),
            1e-8);
}

// Two points that pass each other within a short distance.
TEST(ThinPlateMapTest, FoldsWhereAFlowDoesNot) {
  Eigen::Matrix2Xd from(2, 2), to(2, 2);
  from << 0.45, 0.55, 0.5, 0.5;
  to << 0.6, 0.4, 0.45, 0.55;
  Eigen::Matrix2Xd all_from(2, 6), all_to(2, 6);
  Eigen::Matrix2Xd corners(2, 4);
  corners << 0, 1, 0, 1, 0, 0, 1, 1;
  all_from << from, corners;
  all_to << to, corners;
  const ThinPlateMap map = ThinPlateMap::Fit(all_from, all_to);
  EXPECT_LT(map.Determinants(DrawPoints(500, 0.3, 0.7, 1)).minCoeff(), 0);
}

}  // namespace
}  // namespace studio
