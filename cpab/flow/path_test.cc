#include "cpab/flow/path.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "Eigen/Core"
#include "cpab/field/basis.h"
#include "cpab/field/tessellation.h"
#include "cpab/field/velocity_field.h"
#include "cpab/flow/affine_flow.h"
#include "cpab/flow/exit_time.h"
#include "cpab/flow/max_arcs.h"
#include "cpab/testing/draws.h"
#include "gtest/gtest.h"

namespace cpab {
namespace {

using test_util::DrawPoints;
using test_util::DrawTheta;

PathWalker MakeWalker(const TessellationOptions& options, double magnitude,
                      uint64_t seed) {
  const auto basis = Basis::Create(options).value();
  return PathWalker(VelocityField(basis, DrawTheta(*basis, magnitude, seed)));
}

// The arc from x through a region, however far.
struct LongArc {
  LongArc(const PathWalker& path_walker, int region_index,
          const Eigen::Vector2d& x)
      : region(path_walker.tessellation().regions()[region_index]),
        flow(path_walker.flow(region.cell)),
        start(flow, {x.x(), x.y()}),
        overlap(kOverlap * (1 + std::abs(x.x()) + std::abs(x.y()))) {}

  // From an edge at time t; negative where a path has left.
  double Distance(const Edge& edge, double t) const {
    return DistanceFrom(edge, start, overlap).Value(flow.Integral(t));
  }
  // Rounding of such a distance, and what the solution of a crossing leaves of
  // it: see the head of exit_time.h.
  double Slack() const {
    const auto size = [](const Vector<double>& v) {
      return std::abs(v.x) + std::abs(v.y);
    };
    const double acceleration = size(start.acceleration);
    return 16 * kOverlap *
               (1 + size(start.x) + size(start.velocity) + acceleration) +
           2e-10 * acceleration;
  }

  const Region& region;
  const AffineFlow& flow;
  const Start<double> start;
  const double overlap;
};

// Arc by arc, from gentle fields to strong ones, in the square and outside.
TEST(PathWalker, StaysInTheCellOfEachArc) {
  int exits = 0;
  for (const double magnitude : {0.05, 0.5, 2.0}) {
    const PathWalker walker = MakeWalker({3, 2}, magnitude, 1);
    const Eigen::Matrix2Xd points = DrawPoints(100, -0.4, 1.4, 2);
    for (int n = 0; n < points.cols(); ++n) {
      Eigen::Vector2d x = points.col(n);
      int region = walker.tessellation().FindRegion(x);
      double time_left = 1;
      while (time_left > 0) {
        const LongArc arc(walker, region, x);
        const PathStep step =
            NextStep(walker.tessellation(), region, arc.flow, x, time_left);
        ASSERT_GE(step.duration, 0);
        ASSERT_LE(step.duration, std::min(time_left, arc.flow.max_duration()));
        for (const Edge& edge : arc.region.edges) {
          for (int k = 0; k <= 50 && step.duration > 0; ++k) {
            ASSERT_GE(arc.Distance(edge, step.duration * k / 50), -arc.Slack())
                << magnitude << " " << n;
          }
          if (step.region != region && edge.neighbour == step.region &&
              step.duration > 0) {
            ++exits;
            EXPECT_NEAR(arc.Distance(edge, step.duration), 0, arc.Slack());
          }
        }
        if (step.region == region) {
          EXPECT_EQ(step.duration,
                    std::min(time_left, arc.flow.max_duration()));
        }
        time_left -= step.duration;
        x = step.position;
        region = step.region;
      }
    }
  }
  EXPECT_GT(exits, 200);
}

// Where an arc from x leaves its cell though it would come back within h, what
// the wrong time costs: the distance from the edge, where the velocities of
// both cells are the same but for this times their gradient, times the time.
// Negative if there is no such exit.
double CostOfGrazing(const PathWalker& walker, int cell,
                     const Eigen::Vector2d& x) {
  const LongArc arc(walker, cell, x);
  const PathStep step = NextStep(walker.tessellation(), cell, arc.flow, x, 1);
  const double h = std::min(1.0, arc.flow.max_duration());
  for (const Edge& edge : arc.region.edges) {
    if (edge.neighbour != step.region || arc.Distance(edge, h) < 0) continue;
    // The lowest distance, then the zero before it.
    double low = 0, high = h;
    for (int i = 0; i < 100; ++i) {
      const double a = low + (high - low) / 3, b = high - (high - low) / 3;
      if (arc.Distance(edge, a) < arc.Distance(edge, b)) {
        high = b;
      } else {
        low = a;
      }
    }
    if (arc.Distance(edge, high) >= 0) return -1;  // By less than rounding.
    low = 0;
    for (int i = 0; i < 100; ++i) {
      const double middle = (low + high) / 2;
      (arc.Distance(edge, middle) < 0 ? high : low) = middle;
    }
    const double gradient = std::abs(arc.flow.m00()) +
                            std::abs(arc.flow.m01()) +
                            std::abs(arc.flow.m10()) + std::abs(arc.flow.m11());
    return std::abs(arc.Distance(edge, step.duration)) *
           std::abs(step.duration - high) * gradient;
  }
  return -1;
}

// Between a point from which an arc leaves its cell and comes back and one from
// which it stays, halving by halving: closer and closer to a double zero.
TEST(PathWalker, SolvesCrossingsOfPathsThatGrazeAnEdge) {
  int grazing = 0;
  double worst = 0;
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    const PathWalker walker = MakeWalker({2, 2}, 1, seed);
    const int cell = static_cast<int>(seed % 16);
    const auto& corners = walker.tessellation().cells()[cell];
    const Eigen::Matrix2Xd& vertices = walker.tessellation().vertices();
    // From the cell's middle to beside the middle of its first side.
    const Eigen::Vector2d side =
        (vertices.col(corners[0]) + vertices.col(corners[1])) / 2;
    const Eigen::Vector2d middle = (2 * side + vertices.col(corners[2])) / 3;
    const auto point_at = [&](double share) -> Eigen::Vector2d {
      return middle + share * (side - middle);
    };
    double inside = 0, outside = 0.999;
    for (int halving = 0; halving < 40; ++halving) {
      const double share = (inside + outside) / 2;
      const bool stays = NextStep(walker.tessellation(), cell,
                                  walker.flow(cell), point_at(share), 1)
                             .region == cell;
      (stays ? inside : outside) = share;
      const double cost = CostOfGrazing(walker, cell, point_at(outside));
      grazing += cost >= 0;
      worst = std::max(worst, cost);
    }
  }
  EXPECT_GT(grazing, 1000);
  EXPECT_LT(worst, 1e-15);
}

TEST(PathWalker, VisitsArcsThatFollowEachOtherForUnitTime) {
  const PathWalker walker = MakeWalker({4, 4}, 0.5, 3);
  const Eigen::Matrix2Xd points = DrawPoints(100, -0.2, 1.2, 4);
  for (int n = 0; n < points.cols(); ++n) {
    std::vector<Arc> arcs;
    const Eigen::Vector2d end = walker.Walk(
        points.col(n), [&](const Arc& arc) { arcs.push_back(arc); });
    ASSERT_FALSE(arcs.empty());
    EXPECT_EQ(arcs[0].start, points.col(n));
    double time = 0;
    for (size_t i = 0; i < arcs.size(); ++i) {
      time += arcs[i].duration;
      const AffineFlow& flow = walker.flow(arcs[i].cell);
      const Start<double> start(flow, {arcs[i].start.x(), arcs[i].start.y()});
      const Vector<double> after = start.After(flow.Integral(arcs[i].duration));
      const Eigen::Vector2d next =
          i + 1 < arcs.size() ? arcs[i + 1].start : end;
      // By the series at a time nearby, or by the integral itself.
      EXPECT_NEAR(after.x, next.x(), 1e-14 * (1 + next.norm()));
      EXPECT_NEAR(after.y, next.y(), 1e-14 * (1 + next.norm()));
    }
    EXPECT_NEAR(time, 1, 1e-14);
  }
}

TEST(PathWalker, EndsWhatHasNoEnd) {
  const auto basis = Basis::Create({4, 4}).value();
  const Eigen::VectorXd theta = DrawTheta(*basis, 1e5, 5);
  const PathWalker walker(VelocityField(basis, theta));
  int arcs = 0;
  const auto count = [&arcs](const Arc&) { ++arcs; };
  EXPECT_TRUE(walker.Walk({0.4, 0.3}, count).array().isNaN().all());
  EXPECT_EQ(arcs, kMaxArcs);
  arcs = 0;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_TRUE(walker.Walk({nan, 0.3}, count).array().isNaN().all());
  EXPECT_TRUE(walker.Walk({0.3, -infinity}, count).array().isNaN().all());
  EXPECT_EQ(arcs, 0);
}

// They differ in when a cell is prepared, and in nothing else.
TEST(FewPathsWalker, WalksAsPathWalkerDoes) {
  const auto basis = Basis::Create({3, 2}).value();
  const VelocityField field(basis, test_util::DrawTheta(*basis, 0.5, 1));
  const PathWalker all(field);
  FewPathsWalker few(field);
  const Eigen::Matrix2Xd points = DrawPoints(100, -0.4, 1.4, 2);
  for (const Eigen::Vector2d x : points.colwise()) {
    std::vector<double> durations;
    const auto keep = [&](const Arc& arc) {
      durations.push_back(arc.duration);
    };
    EXPECT_EQ(few.Walk(x, keep), all.Walk(x, keep));
    const size_t half = durations.size() / 2;
    EXPECT_TRUE(std::equal(durations.begin(), durations.begin() + half,
                           durations.begin() + half, durations.end()));
  }
}

}  // namespace
}  // namespace cpab
