#include "cpab/cuda/point_path.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "cpab/cuda/grid.h"
#include "cpab/cuda/host_device.h"
#include "gtest/gtest.h"

namespace cpab::kernels {
namespace {

// Velocities with the given standard deviation at every vertex, [vertices, 2].
template <typename Real>
std::vector<Real> DrawVelocities(Grid grid, double magnitude, uint64_t seed) {
  std::mt19937_64 generator(seed);
  std::normal_distribution<double> normal(0, magnitude);
  std::vector<Real> velocities(2 * grid.num_vertices());
  for (Real& v : velocities) v = static_cast<Real>(normal(generator));
  return velocities;
}

// A rotation about the centre of the square by `angle`.
template <typename Real>
std::vector<Real> Rotation(Grid grid, double angle) {
  std::vector<Real> velocities(2 * grid.num_vertices());
  int v = 0;
  const auto put = [&](double x, double y) {
    velocities[2 * v] = static_cast<Real>(-angle * (y - 0.5));
    velocities[2 * v + 1] = static_cast<Real>(angle * (x - 0.5));
    ++v;
  };
  for (int j = 0; j <= grid.ny; ++j) {
    for (int i = 0; i <= grid.nx; ++i)
      put(double(i) / grid.nx, double(j) / grid.ny);
  }
  for (int j = 0; j < grid.ny; ++j) {
    for (int i = 0; i < grid.nx; ++i)
      put((i + 0.5) / grid.nx, (j + 0.5) / grid.ny);
  }
  return velocities;
}

template <typename Real>
class PointPathTest : public ::testing::Test {};
using Reals = ::testing::Types<float, double>;
TYPED_TEST_SUITE(PointPathTest, Reals);

// The tape of a path of any length has the arcs of a walk that notes all.
TYPED_TEST(PointPathTest, TapeHasEveryArcToTheSameBits) {
  using Real = TypeParam;
  size_t longest = 0;
  for (const int side : {2, 8, 64}) {
    const Grid grid = {side, side + 1};
    for (const double angle : {0.3, 3.0, 12.0}) {
      const std::vector<Real> velocities = Rotation<Real>(grid, angle);
      const Field<Real> field = {grid, velocities.data()};
      const Vector<Real> x = {Real(0.31), Real(0.87)};
      std::vector<PathState<Real>> starts;
      std::vector<Real> durations;
      PathState<Real> path(grid, x);
      while (path.time_left > 0) {
        starts.push_back(path);
        durations.push_back(AdvanceAlike(field, &path).duration);
      }
      const PathTape<Real> tape(field, x);
      ASSERT_EQ(tape.size(), static_cast<int>(starts.size()));
      longest = std::max(longest, starts.size());
      for (int i = 0; i < tape.size(); ++i) {
        const Arc<Real> arc = tape.arc(i);
        const Place<Real>& start = starts[i].place;
        EXPECT_TRUE(SameRegion(arc.region, start.region)) << i;
        EXPECT_EQ(arc.start.x, start.offset.x) << i;
        EXPECT_EQ(arc.start.y, start.offset.y) << i;
        EXPECT_EQ(arc.duration, durations[i]) << i;
      }
      const Vector<Real> y = TransformPoint(field, x);
      EXPECT_EQ(tape.end().x, y.x);
      EXPECT_EQ(tape.end().y, y.y);
    }
  }
  // Some were thinned more than once.
  EXPECT_GT(longest, 64u);
}

// Rotations are carried along exactly: the path of a float is off by its 500
// arcs' rounding of the displacement, each half an epsilon of 0.5 at most, by
// that of the velocities (half an epsilon of 6 in unit time) and by the time
// that overlaps leave uncertain.
TYPED_TEST(PointPathTest, LongPathsEndWhereTheyShould) {
  using Real = TypeParam;
  const Grid grid = {64, 64};
  const double angle = 12;
  const std::vector<Real> velocities = Rotation<Real>(grid, angle);
  const Field<Real> field = {grid, velocities.data()};
  const Vector<Real> x = {Real(0.31), Real(0.87)};
  const Vector<Real> y = TransformPoint(field, x);
  const double c = std::cos(angle), s = std::sin(angle);
  const double dx = x.x - 0.5, dy = x.y - 0.5;
  const double tolerance = 200 * Precision<Real>::kEpsilon;
  EXPECT_NEAR(y.x, 0.5 + c * dx - s * dy, tolerance);
  EXPECT_NEAR(y.y, 0.5 + s * dx + c * dy, tolerance);
}

// Beyond 4096 arcs: NaN, in a time that is bounded.
TYPED_TEST(PointPathTest, PathsWithoutEndAreNan) {
  using Real = TypeParam;
  const Grid grid = {16, 16};
  for (const double magnitude : {1e5, 1e30}) {
    const std::vector<Real> velocities = Rotation<Real>(grid, magnitude);
    const Field<Real> field = {grid, velocities.data()};
    const Vector<Real> x = {Real(0.3), Real(0.4)};
    EXPECT_TRUE(std::isnan(TransformPoint(field, x).x)) << magnitude;
    const PathTape<Real> tape(field, x);
    EXPECT_TRUE(std::isnan(tape.end().x)) << magnitude;
    EXPECT_LE(tape.size(), 1) << magnitude;
  }
}

// The sum of their coordinates is not finite.
TYPED_TEST(PointPathTest, HeldPointsStayHoweverFar) {
  using Real = TypeParam;
  const Grid grid = {4, 3, /*zero_boundary=*/true};
  const std::vector<Real> velocities = DrawVelocities<Real>(grid, 0.3, 1);
  const Field<Real> field = {grid, velocities.data()};
  const Real far = std::numeric_limits<Real>::max();
  const Vector<Real> x = {far, far}, dl_dy = {1, 2};
  const Vector<Real> y = TransformPoint(field, x);
  EXPECT_EQ(y.x, far);
  EXPECT_EQ(y.y, far);
  const Vector<Real> dl_dx =
      PullbackPoint(field, x, dl_dy, [](int, Vector<Real>) {});
  EXPECT_EQ(dl_dx.x, dl_dy.x);
  EXPECT_EQ(dl_dx.y, dl_dy.y);
}

// However little the velocities at the border point outwards, as they do by
// rounding.
TYPED_TEST(PointPathTest, PointsOfTheSquareStayInIt) {
  using Real = TypeParam;
  const Grid grid = {4, 3, /*zero_boundary=*/true};
  for (const Real scale : {Real(1e-9), Real(0.3)}) {
    const std::vector<Real> velocities = DrawVelocities<Real>(grid, scale, 1);
    const Field<Real> field = {grid, velocities.data()};
    for (int i = 0; i <= 20; ++i) {
      const Real at = Real(i) / 20;
      for (const Vector<Real> x : {Vector<Real>{0, at}, {1, at}, {at, 0}}) {
        const Vector<Real> y = TransformPoint(field, x);
        EXPECT_EQ(HeldAt(grid, y).sides, 0) << scale << " " << i;
        EXPECT_EQ(HeldAt(grid, PathTape<Real>(field, x).end()).sides, 0);
      }
    }
  }
}

// By central differences of double, with respect to one velocity at a time. The
// vertices that the path does not touch have no share.
TEST(PullbackPointTest, IsThatOfDifferencesOnAFineGrid) {
  const Grid grid = {48, 40};
  std::vector<double> velocities = Rotation<double>(grid, 2.0);
  const std::vector<double> noise = DrawVelocities<double>(grid, 0.02, 1);
  for (size_t i = 0; i < noise.size(); ++i) velocities[i] += noise[i];
  const Vector<double> x = {0.31, 0.77}, dl_dy = {0.6, -0.8};
  const Field<double> field = {grid, velocities.data()};
  ASSERT_GT(PathTape<double>(field, x).size(), 32);
  std::vector<double> gradient(velocities.size());
  const Vector<double> dl_dx = PullbackPoint(
      field, x, dl_dy, [&gradient](int vertex, Vector<double> share) {
        gradient[2 * vertex] += share.x;
        gradient[2 * vertex + 1] += share.y;
      });
  const auto loss = [&](Vector<double> from) {
    return Dot(dl_dy, TransformPoint(field, from));
  };
  // The third derivative is of order 1e4 on cells of this size, where none of
  // the paths passes through a vertex: h^2 of it, and 1e-15 / h of rounding.
  constexpr double kStep = 1e-7, kTolerance = 1e-6;
  int touched = 0;
  for (size_t i = 0; i < velocities.size(); ++i) {
    const double velocity = velocities[i];
    velocities[i] = velocity + kStep;
    const double ahead = loss(x);
    velocities[i] = velocity - kStep;
    const double behind = loss(x);
    velocities[i] = velocity;
    EXPECT_NEAR(gradient[i], (ahead - behind) / (2 * kStep), kTolerance) << i;
    touched += gradient[i] != 0;
  }
  EXPECT_GT(touched, 60);
  EXPECT_LT(touched, 400);
  EXPECT_NEAR(
      dl_dx.x,
      (loss({x.x + kStep, x.y}) - loss({x.x - kStep, x.y})) / (2 * kStep),
      kTolerance);
  EXPECT_NEAR(
      dl_dx.y,
      (loss({x.x, x.y + kStep}) - loss({x.x, x.y - kStep})) / (2 * kStep),
      kTolerance);
}

}  // namespace
}  // namespace cpab::kernels
