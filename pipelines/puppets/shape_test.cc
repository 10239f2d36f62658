#include "pipelines/puppets/shape.h"

#include <cmath>
#include <limits>

#include "gtest/gtest.h"

namespace pipelines::puppets {
namespace {

constexpr double kPi = 3.14159265358979323846;

// A handful of roundings of numbers near 1.
constexpr double kTolerance = 1e-14;

TEST(SignedDistance, OfADisc) {
  const Piece disc{{{1, 2}}, 0.5};
  EXPECT_NEAR(SignedDistance(disc, {1, 3}), 0.5, kTolerance);
  EXPECT_NEAR(SignedDistance(disc, {1, 2}), -0.5, kTolerance);
}

TEST(SignedDistance, OfACapsule) {
  const Piece capsule{{{0, 0}, {2, 0}}, 0.25};
  EXPECT_NEAR(SignedDistance(capsule, {1, 1}), 0.75, kTolerance);
  EXPECT_NEAR(SignedDistance(capsule, {3, 0}), 0.75, kTolerance);
  EXPECT_NEAR(SignedDistance(capsule, {1, 0.1}), -0.15, kTolerance);
}

TEST(SignedDistance, OfAPolygonDoesNotDependOnTheTurningSense) {
  const Piece square{{{0, 0}, {1, 0}, {1, 1}, {0, 1}}, 0.1};
  const Piece reversed{{{0, 0}, {0, 1}, {1, 1}, {1, 0}}, 0.1};
  for (const Piece& piece : {square, reversed}) {
    EXPECT_NEAR(SignedDistance(piece, {0.5, 0.7}), -0.4, kTolerance);
    EXPECT_NEAR(SignedDistance(piece, {0.5, 1.3}), 0.2, kTolerance);
    EXPECT_NEAR(SignedDistance(piece, {1.3, 1.4}), 0.4, kTolerance);
  }
}

TEST(SignedDistance, OfAUnionIsTheLeast) {
  const Outline outline = {{{{0, 0}}, 1}, {{{3, 0}}, 1}};
  EXPECT_NEAR(SignedDistance(outline, {2.5, 0}), -0.5, kTolerance);
  EXPECT_EQ(SignedDistance(Outline(), {0, 0}),
            std::numeric_limits<double>::infinity());
}

TEST(BoundingDisc, HoldsTheWholeOutline) {
  const Outline outline = {{{{0, 0}, {2, 0.5}}, 0.3}, {{{-1, 1}}, 0.7}};
  const Disc disc = BoundingDisc(outline);
  for (int i = 0; i < 360; ++i) {
    const double angle = i * kPi / 180;
    const Point2 beyond =
        disc.centre +
        (disc.radius + 1e-9) * Point2{std::cos(angle), std::sin(angle)};
    EXPECT_GT(SignedDistance(outline, beyond), 0) << "at " << i << " degrees";
  }
}

TEST(Affine2, SimilarityTurnsClockwiseOnScreen) {
  const Point2 p = Similarity(2, kPi / 2, {1, 1})({1, 0});
  EXPECT_NEAR(p.x, 1, kTolerance);
  EXPECT_NEAR(p.y, 3, kTolerance);
}

TEST(Affine2, ComposesFromRightToLeftAndInverts) {
  const Affine2 turn = Similarity(1.5, 0.3, {0.2, -0.1});
  const Affine2 shear{1, 0.4, -0.3, 0.2, 0.9, 0.5};
  const Point2 p{0.7, -0.6};
  const Point2 composed = (turn * shear)(p);
  const Point2 in_turn = turn(shear(p));
  EXPECT_NEAR(composed.x, in_turn.x, kTolerance);
  EXPECT_NEAR(composed.y, in_turn.y, kTolerance);
  const Point2 back = Inverse(turn * shear)(composed);
  EXPECT_NEAR(back.x, p.x, kTolerance);
  EXPECT_NEAR(back.y, p.y, kTolerance);
}

}  // namespace
}  // namespace pipelines::puppets
