// One step of a path against its definition: the distances from the edges of
// the region, looked at many times along the arc.
#include "cpab/cuda/exit_step.h"

#include <cstdint>
#include <random>
#include <vector>

#include "cpab/cuda/cell_flow.h"
#include "cpab/cuda/grid.h"
#include "cpab/cuda/host_device.h"
#include "gtest/gtest.h"

namespace cpab::kernels {
namespace {

constexpr Grid kGrid = {3, 2};

// A field and a place in the plane.
template <typename Real>
struct Draw {
  Draw(double magnitude, uint64_t seed) : velocities(2 * kGrid.num_vertices()) {
    std::mt19937_64 generator(seed);
    std::normal_distribution<double> normal(0, magnitude);
    for (Real& v : velocities) v = static_cast<Real>(normal(generator));
    std::uniform_real_distribution<double> uniform(-0.4, 1.4);
    const Real x = static_cast<Real>(uniform(generator));
    const Real y = static_cast<Real>(uniform(generator));
    place = FindPlace(kGrid, Vector<Real>{x, y});
  }

  std::vector<Real> velocities;
  Place<Real> place;
};

// The arc through a place's region, however far.
template <typename Real>
class LongArc {
 public:
  LongArc(const CellFlow<Real>& flow, const Place<Real>& place)
      : flow_(flow),
        place_(place),
        start_(flow, ToFrame(place.region.side, place.offset)) {}

  // From edge `e` at time t; negative outside.
  Real Distance(int e, Real t) const {
    return DistanceFrom(EdgeOf(kGrid, place_.region, flow_.size, e), start_,
                        Real(0))
        .Value(flow_.Integral(t));
  }
  // Rounding of such a distance, the overlap by which paths leave, and what the
  // solution of a crossing leaves: a slope that changes by a fifth over
  // kSeriesReach has a curvature that moves the distance by this much.
  Real Slack() const {
    const auto size = [](Vector<Real> v) { return Abs(v.x) + Abs(v.y); };
    const Real reach = Precision<Real>::kSeriesReach * flow_.max_duration;
    return 64 * Precision<Real>::kEpsilon *
               (1 + size(start_.position) + size(start_.velocity) +
                size(start_.acceleration)) +
           Real(5e-5) * reach * reach * size(start_.acceleration);
  }

 private:
  const CellFlow<Real>& flow_;
  const Place<Real> place_;
  const Start<Real> start_;
};

template <typename Real>
Vector<Real> PositionOf(const Place<Real>& place) {
  return {(place.region.i + Real(0.5)) / kGrid.nx + place.offset.x,
          (place.region.j + Real(0.5)) / kGrid.ny + place.offset.y};
}

template <typename Real>
class NextStepTest : public ::testing::Test {
 protected:
  static constexpr double kMagnitudes[] = {0.05, 0.5, 5};
  static constexpr int kDraws = 300;
};
using Reals = ::testing::Types<float, double>;
TYPED_TEST_SUITE(NextStepTest, Reals);

TYPED_TEST(NextStepTest, StaysInItsRegionToTheEndOfTheStep) {
  using Real = TypeParam;
  for (const double magnitude : TestFixture::kMagnitudes) {
    for (uint64_t seed = 0; seed < TestFixture::kDraws; ++seed) {
      const Draw<Real> draw(magnitude, seed);
      const CellFlow<Real> flow(kGrid, draw.velocities.data(),
                                draw.place.region);
      const Step<Real> step = NextStep(kGrid, flow, draw.place, Real(0.9));
      ASSERT_GE(step.duration, 0);
      ASSERT_LE(step.duration, Min(Real(0.9), flow.max_duration));
      const LongArc<Real> arc(flow, draw.place);
      for (int e = 0; e < 3; ++e) {
        for (int k = 0; k <= 200; ++k) {
          const Real t = step.duration * static_cast<Real>(k) / 200;
          ASSERT_GE(arc.Distance(e, t), -arc.Slack())
              << magnitude << " " << seed << " edge " << e << " at " << t;
        }
      }
    }
  }
}

TYPED_TEST(NextStepTest, EndsAtAnEdgeOrWhenItsTimeIsUp) {
  using Real = TypeParam;
  int exits = 0, arrivals = 0;
  for (const double magnitude : TestFixture::kMagnitudes) {
    for (uint64_t seed = 0; seed < TestFixture::kDraws; ++seed) {
      const Draw<Real> draw(magnitude, seed);
      const Region& region = draw.place.region;
      const CellFlow<Real> flow(kGrid, draw.velocities.data(), region);
      const Step<Real> step = NextStep(kGrid, flow, draw.place, Real(0.9));
      if (SameRegion(step.place.region, region)) {
        ++arrivals;
        EXPECT_EQ(step.duration, Min(Real(0.9), flow.max_duration)) << seed;
        continue;
      }
      ++exits;
      const LongArc<Real> arc(flow, draw.place);
      int crossed = 0;
      for (int e = 0; e < 3; ++e) {
        const Place<Real> beyond = Across(kGrid, draw.place, e);
        if (!SameRegion(beyond.region, step.place.region)) continue;
        crossed += Abs(arc.Distance(e, step.duration)) <= arc.Slack();
      }
      EXPECT_EQ(crossed, 1) << magnitude << " " << seed;
    }
  }
  EXPECT_GT(exits, 100);
  EXPECT_GT(arrivals, 100);
}

TYPED_TEST(NextStepTest, SaysTheDisplacementByTheAxesOfTheSquare) {
  using Real = TypeParam;
  for (uint64_t seed = 0; seed < TestFixture::kDraws; ++seed) {
    const Draw<Real> draw(0.5, seed);
    const CellFlow<Real> flow(kGrid, draw.velocities.data(), draw.place.region);
    const Step<Real> step = NextStep(kGrid, flow, draw.place, Real(0.9));
    const Vector<Real> from = PositionOf(draw.place);
    const Vector<Real> to = PositionOf(step.place);
    // Sums of numbers below 4.
    const double tolerance = 16 * Precision<Real>::kEpsilon;
    EXPECT_NEAR(to.x, from.x + step.displacement.x, tolerance) << seed;
    EXPECT_NEAR(to.y, from.y + step.displacement.y, tolerance) << seed;
    // v t, but for half of a t^2.
    const Vector<Real> v = FromFrame(
        draw.place.region.side,
        flow.Velocity(ToFrame(draw.place.region.side, draw.place.offset)));
    const Step<Real> brief = NextStep(kGrid, flow, draw.place, Real(1e-3));
    EXPECT_NEAR(brief.displacement.x, brief.duration * v.x, 1e-4) << seed;
    EXPECT_NEAR(brief.displacement.y, brief.duration * v.y, 1e-4) << seed;
  }
}

// Rounding leaves points a little beyond an edge of the region that they are
// in: the step takes no time there and changes the region only.
TYPED_TEST(NextStepTest, TakesNoTimeWhereItBeginsOutside) {
  using Real = TypeParam;
  const Draw<Real> draw(0.5, 1);
  for (int side = 0; side < 4; ++side) {
    const Region region = {1, 0, side, false};
    const CellFlow<Real> flow(kGrid, draw.velocities.data(), region);
    const Vector<Real> beyond = {0, flow.size.h + Real(1e-3)};
    const Place<Real> place = {region, FromFrame(side, beyond)};
    const Step<Real> step = NextStep(kGrid, flow, place, Real(1));
    EXPECT_EQ(step.duration, 0);
    EXPECT_EQ(step.displacement.x, 0);
    EXPECT_EQ(step.displacement.y, 0);
    EXPECT_TRUE(SameRegion(step.place.region, Across(kGrid, place, 0).region))
        << side;
  }
}

// Where the arc from u leaves through `edge` though it would come back within
// h, what the wrong time costs: the distance from the edge, where the
// velocities of both cells are the same but for this times their gradient,
// times the time. Negative if there is no such exit.
template <typename Real>
Real CostOfGrazing(const CellFlow<Real>& flow, const Place<Real>& place,
                   int edge, Real h) {
  const Step<Real> step = NextStep(kGrid, flow, place, h);
  const LongArc<Real> arc(flow, place);
  const Region beyond = Across(kGrid, place, edge).region;
  if (!SameRegion(step.place.region, beyond) || arc.Distance(edge, h) < 0) {
    return -1;
  }
  // The lowest distance, then the zero before it.
  Real low = 0, high = h;
  for (int i = 0; i < 100; ++i) {
    const Real first = low + (high - low) / 3, second = high - (high - low) / 3;
    if (arc.Distance(edge, first) < arc.Distance(edge, second)) {
      high = second;
    } else {
      low = first;
    }
  }
  if (arc.Distance(edge, high) >= 0) return -1;  // By less than rounding.
  low = 0;
  for (int i = 0; i < 100; ++i) {
    const Real middle = low + (high - low) / 2;
    (arc.Distance(edge, middle) < 0 ? high : low) = middle;
  }
  const Real gradient =
      Abs(flow.m_a.x) + Abs(flow.m_a.y) + Abs(flow.m_o.x) + Abs(flow.m_o.y);
  return Abs(arc.Distance(edge, step.duration)) * Abs(step.duration - high) *
         gradient;
}

// Between a place from which an arc leaves and comes back and one from which it
// stays inside, halving by halving: closer and closer to a double zero.
TYPED_TEST(NextStepTest, SolvesCrossingsOfPathsThatGrazeAnEdge) {
  using Real = TypeParam;
  int grazing = 0;
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    const Draw<Real> draw(0.5, seed);
    const Region region = {1, 0, static_cast<int>(seed % 4), false};
    const CellFlow<Real> flow(kGrid, draw.velocities.data(), region);
    const Real h = Min(Real(0.9), flow.max_duration);
    const int edge = static_cast<int>(seed % 3);
    // From the cell's middle to beside the edge.
    const auto place_at = [&](Real share) {
      const Real o = flow.size.h * (edge == 0 ? Real(0.5) + share / 2 : 0.5F);
      const Real a = edge == 0 ? 0 : (edge == 1 ? share : -share) * o;
      const Vector<Real> u = {a * flow.size.w / flow.size.h, o};
      return Place<Real>{region, FromFrame(region.side, u)};
    };
    Real inside = 0, outside = Real(0.99);
    for (int halving = 0; halving < 40; ++halving) {
      const Real share = (inside + outside) / 2;
      const Step<Real> step = NextStep(kGrid, flow, place_at(share), h);
      (SameRegion(step.place.region, region) ? inside : outside) = share;
      const Real cost = CostOfGrazing(flow, place_at(outside), edge, h);
      if (cost < 0) continue;
      ++grazing;
      EXPECT_LE(cost, 16 * Precision<Real>::kEpsilon) << seed << " " << halving;
    }
  }
  EXPECT_GT(grazing, 1000);
}

}  // namespace
}  // namespace cpab::kernels
