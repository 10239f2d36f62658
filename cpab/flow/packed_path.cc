// The four lanes of a Pack are four points in one region. A round takes each of
// them by NextStep's step, arc by arc:
//
//   1. h = min(time left, max_duration). For each of the three edges, s(0) and
//      s(h) of exit_time.h tell which are crossed: s(h) < 0.
//   2. An edge with s(0) >= 0 and s(h) >= 0 is crossed twice only if s' changes
//      from - to +. Then s lies above both its tangents wherever s'' >= 0 at
//      both ends, since s'' changes sign at most once. The tangents, s(0) +
//      s'(0) t and s(h) + s'(h) (t - h), meet at
//        t = (s(h) - s'(h) h - s(0)) / (s'(0) - s'(h)),
//      where their value is not negative if and only if
//        s(0) (s'(0) - s'(h)) + s'(0) (s(h) - s'(h) h - s(0)) <= 0,
//      the denominator being negative: MayDip. What remains is rare.
//   3. Of the crossed edges one at a time is solved, for all lanes together,
//      each lane its own edge; the earliest crossing is the exit.
//
// A lane that is rare (a possible dip, a point beyond an edge already, an
// iteration that has not ended) is given to NextStep itself, and points that
// slide along the border to Walk. A lane that is
// done keeps its time while others iterate, so that no result depends on the
// company.
#include "cpab/flow/packed_path.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "cpab/flow/exit_time.h"
#include "cpab/flow/max_arcs.h"
#include "cpab/flow/pack.h"

namespace cpab {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// A coordinate at the end of a path with zero_boundary, as WalkPath has it.
CPAB_INLINE double OnSquare(double x) {
  return std::isfinite(x) ? std::min(std::max(x, 0.0), 1.0) : x;
}

// Points, in lists by the region that they are in.
class Lists {
 public:
  static constexpr int kEnd = -1;

  Lists(int num_regions, int num_points)
      : first_(num_regions, kEnd), next_(num_points) {}

  CPAB_INLINE void Add(int region, int point) {
    if (first_[region] == kEnd) regions_.push_back(region);
    next_[point] = first_[region];
    first_[region] = point;
  }
  CPAB_INLINE int Next(int point) const { return next_[point]; }

  // Calls visit(region, first point) for every list, and empties them all.
  template <typename Visit>
  CPAB_INLINE void Drain(Visit visit) {
    for (const int region : regions_) {
      visit(region, first_[region]);
      first_[region] = kEnd;
    }
    regions_.clear();
  }

  bool empty() const { return regions_.empty(); }

 private:
  std::vector<int> first_;  // By region.
  std::vector<int> next_;   // By point.
  std::vector<int> regions_;
};

// One step of four paths in one region.
struct PackedStep {
  Pack duration;
  Vector<Pack> position;
  Pack region;  // Doubles hold these numbers exactly.
};

// Where s may become negative and rise again before `h`, although it is
// positive then. Its second derivative changes sign at most once too: with
// both ends curved upwards the whole arc is, and lies above its tangents.
CPAB_INLINE Mask MayDip(const AffineFlow& flow, const EdgeDistance<Pack>& s,
                        Pack h, Pack value_at_end,
                        const MatrixFunctionOf<Pack>& exponential) {
  const Pack slope = s.Slope(exponential);
  const Mask turns = (s.slope < 0.0) & (slope > 0.0);
  if (!Any(turns)) return turns;
  const Mask convex =
      (s.curvature >= 0.0) & (s.Curvature(flow, exponential) >= 0.0);
  // The tangents of both ends meet above 0.
  const Mask clear = s.distance * (s.slope - slope) +
                         s.slope * (value_at_end - slope * h - s.distance) <=
                     0.0;
  return turns & ~(convex & clear);
}

// SolveExit of path.cc without its bracket, which is hardly ever needed.
// Clears the lanes of `wanted` that are not solved.
CPAB_INLINE PackedStep SolveExits(const AffineFlow& flow,
                                  const Start<Pack>& start,
                                  const EdgeDistance<Pack>& s, Pack h,
                                  Mask* wanted) {
  constexpr int kMaxIterations = 4;
  const Pack small = Min(kSeriesReach * flow.max_duration(), h);
  const Pack guess = GuessExit(flow, s);
  Pack t = Select((guess >= 0.0) & (guess < h), guess, 0.5 * h);
  for (int i = 1;; ++i) {
    const Expansion<Pack> e(flow, start, s, t);
    const Pack dt = e.NearZero();
    const Pack next = t + dt;
    const Mask inside = (next >= 0.0) & (next <= h);
    const Mask done = inside & (Abs(dt) <= small);
    if (i == kMaxIterations || !Any(*wanted & ~done)) {
      *wanted = *wanted & done;
      return {next, e.Position(dt), 0.0};
    }
    // Lanes that are done stay where they are: their results must not depend
    // on their company.
    t = Select(inside & ~done, next, t);
  }
}

// NextStep for four points. Sets `rare` where it has no answer.
CPAB_INLINE PackedStep NextSteps(const Region& region, int region_index,
                                 const AffineFlow& flow, Vector<Pack> x,
                                 Pack time_left, Mask* rare) {
  const Pack h = Min(time_left, flow.max_duration());
  const MatrixFunctionOf<Pack> f = flow.Integral(h);
  const MatrixFunctionOf<Pack> e = flow.Exponential(f);
  const Start<Pack> start(flow, x);
  const Pack overlap = kOverlap * (1.0 + Abs(x.x) + Abs(x.y));

  EdgeDistance<Pack> s[3];
  Mask crosses[3];
  *rare = Pack(0.0) < 0.0;
  for (int i = 0; i < 3; ++i) {
    s[i] = DistanceFrom(region.edges[i], start, overlap);
    const Pack value = s[i].Value(f);
    crosses[i] = value < 0.0;
    *rare = *rare | (s[i].distance < 0.0) |
            (~crosses[i] & MayDip(flow, s[i], h, value, e));
  }

  PackedStep first = {h, start.After(f), static_cast<double>(region_index)};
  for (;;) {
    // One of each path's crossings.
    const Mask wanted = crosses[0] | crosses[1] | crosses[2];
    if (!Any(wanted)) return first;
    EdgeDistance<Pack> picked = s[0];
    Pack neighbour = static_cast<double>(region.edges[0].neighbour);
    Mask free = ~crosses[0];
    crosses[0] = crosses[0] & ~wanted;
    for (int i = 1; i < 3; ++i) {
      const Mask pick = crosses[i] & free;
      picked.distance = Select(pick, s[i].distance, picked.distance);
      picked.slope = Select(pick, s[i].slope, picked.slope);
      picked.curvature = Select(pick, s[i].curvature, picked.curvature);
      neighbour = Select(pick, static_cast<double>(region.edges[i].neighbour),
                         neighbour);
      free = free & ~pick;
      crosses[i] = crosses[i] & ~pick;
    }
    Mask solved = wanted;
    const PackedStep exit = SolveExits(flow, start, picked, h, &solved);
    *rare = *rare | (wanted & ~solved);
    const Mask earlier = solved & (exit.duration < first.duration);
    first.duration = Select(earlier, exit.duration, first.duration);
    first.position.x = Select(earlier, exit.position.x, first.position.x);
    first.position.y = Select(earlier, exit.position.y, first.position.y);
    first.region = Select(earlier, neighbour, first.region);
  }
}

// All paths: where they are, and how much time they have left.
class Paths {
 public:
  // `arcs` may be null.
  Paths(const PathWalker& walker, Eigen::Matrix2Xd* points,
        std::vector<PackedArc>* arcs)
      : walker_(walker),
        zero_boundary_(walker.tessellation().options().zero_boundary),
        arcs_(arcs),
        x_(points->data()),
        time_left_(points->cols(), 1.0),
        now_(walker.tessellation().num_regions(), points->cols()),
        later_(now_) {
    for (Eigen::Index n = 0; n < points->cols(); ++n) {
      const Eigen::Vector2d x = points->col(n);
      if (!x.allFinite()) {
        points->col(n).setConstant(kNaN);
      } else if (walker.Moved(x).all()) {
        now_.Add(walker.tessellation().FindRegion(x), n);
      } else if (arcs == nullptr) {
        points->col(n) = walker.Walk(x, [](const Arc&) {});
      }
    }
  }

  // Every round is one arc of every path that has time left.
  CPAB_INLINE void Run() {
    for (int arcs = 0; !now_.empty() && arcs < kMaxArcs; ++arcs) {
      if (arcs_ != nullptr && arcs_->size() > kMaxPackedArcs) return;
      now_.Drain([this](int region, int first) __attribute__((always_inline)) {
        while (first != Lists::kEnd) first = StepPack(region, first);
      });
      std::swap(now_, later_);
    }
    now_.Drain([this](int, int first) {
      for (int p = first; p != Lists::kEnd; p = now_.Next(p)) {
        x_[2 * p] = x_[2 * p + 1] = kNaN;
      }
    });
  }

 private:
  // Moves the first four points of a list, or all of them, by one arc. Returns
  // the rest of the list.
  CPAB_INLINE int StepPack(int region_index, int point) {
    std::array<int, Pack::kSize> lanes;
    int count = 0;
    Vector<Pack> x;
    Pack time_left;
    for (int i = 0; i < Pack::kSize; ++i) {
      lanes[i] = point != Lists::kEnd ? point : lanes[0];
      count += point != Lists::kEnd;
      x.x.Set(i, x_[2 * lanes[i]]);
      x.y.Set(i, x_[2 * lanes[i] + 1]);
      time_left.Set(i, time_left_[lanes[i]]);
      if (point != Lists::kEnd) point = now_.Next(point);
    }
    const Region& region = walker_.tessellation().regions()[region_index];
    Mask rare;
    PackedStep step = NextSteps(region, region_index, walker_.flow(region.cell),
                                x, time_left, &rare);
    const Pack left = time_left - step.duration;
    const bool any_rare = Any(rare);
    for (int i = 0; i < count; ++i) {
      if (any_rare && rare.lanes[i]) {
        step.duration.Set(i, StepAlone(region_index, lanes[i]));
      } else {
        Move(lanes[i], step.position.x[i], step.position.y[i], left[i],
             static_cast<int>(step.region[i]));
      }
    }
    if (arcs_ != nullptr) {
      for (int i = count; i < Pack::kSize; ++i) {
        step.duration.Set(i, step.duration[0]);
      }
      arcs_->push_back({region.cell, count, lanes, x, step.duration});
    }
    return point;
  }

  // Returns the arc's duration.
  __attribute__((noinline)) double StepAlone(int region, int point) {
    const Tessellation& tessellation = walker_.tessellation();
    const PathStep step = NextStep(
        tessellation, region, walker_.flow(tessellation.regions()[region].cell),
        {x_[2 * point], x_[2 * point + 1]}, time_left_[point]);
    Move(point, step.position.x(), step.position.y(),
         time_left_[point] - step.duration, step.region);
    return step.duration;
  }

  CPAB_INLINE void Move(int point, double x, double y, double time_left,
                        int region) {
    const bool ends = !(time_left > 0);
    x_[2 * point] = ends && zero_boundary_ ? OnSquare(x) : x;
    x_[2 * point + 1] = ends && zero_boundary_ ? OnSquare(y) : y;
    time_left_[point] = time_left;
    if (!ends) later_.Add(region, point);
  }

  const PathWalker& walker_;
  const bool zero_boundary_;
  std::vector<PackedArc>* arcs_;
  double* x_;  // [2, points]
  std::vector<double> time_left_;
  Lists now_, later_;
};

}  // namespace

void WalkTogether(const PathWalker& walker, Eigen::Matrix2Xd* points) {
  Paths paths(walker, points, nullptr);
  RunVectorised(&paths);
}

bool WalkAndRecordTogether(const PathWalker& walker, Eigen::Matrix2Xd* points,
                           std::vector<PackedArc>* arcs) {
  arcs->clear();
  Paths paths(walker, points, arcs);
  RunVectorised(&paths);
  return arcs->size() <= kMaxPackedArcs;
}

}  // namespace cpab
