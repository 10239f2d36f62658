// Walks the path of a point through the cells, arc by arc.
//
// Private to //cpab: cpab/flow/flow.h is the front door. The reasoning
// behind the exit times is in cpab/README.md.
#ifndef CPAB_FLOW_PATH_H_
#define CPAB_FLOW_PATH_H_

#include <limits>
#include <memory>
#include <vector>

#include "Eigen/Core"
#include "cpab/field/tessellation.h"
#include "cpab/field/velocity_field.h"
#include "cpab/flow/affine_flow.h"
#include "cpab/flow/max_arcs.h"

namespace cpab {

// Which of a point's coordinates its path moves: with zero_boundary those in
// [0, 1], without it both.
using MovedCoordinates = Eigen::Array<bool, 2, 1>;

inline MovedCoordinates Moved(const Tessellation& tessellation,
                              const Eigen::Vector2d& x) {
  return tessellation.Nearest(x).array() == x.array();
}

// The divergence of the velocity along them.
inline double Divergence(const AffineFlow& flow,
                         const MovedCoordinates& moved) {
  return (moved[0] ? flow.m00() : 0) + (moved[1] ? flow.m11() : 0);
}

// A piece of a path inside one cell.
struct Arc {
  int cell;
  Eigen::Vector2d start;
  double duration;
};

// The end of an arc: after `duration` at `position`, either at the end of the
// time given (region unchanged) or across an edge.
struct PathStep {
  double duration;
  Eigen::Vector2d position;
  int region;
};
// `flow` is that of the region's cell.
PathStep NextStep(const Tessellation& tessellation, int region,
                  const AffineFlow& flow, const Eigen::Vector2d& x,
                  double time_left);

// Where the path from `point` is after unit time. flow_of(cell) is an
// AffineFlow. Calls visit(const Arc&) for each arc, in order. Outside the
// square, with zero_boundary, the arcs are those of the nearest point, which
// slides along the border.
template <typename FlowOf, typename Visitor>
Eigen::Vector2d WalkPath(const Tessellation& tessellation, FlowOf flow_of,
                         const Eigen::Vector2d& point, Visitor visit) {
  const Eigen::Vector2d nan =
      Eigen::Vector2d::Constant(std::numeric_limits<double>::quiet_NaN());
  if (!point.allFinite()) return nan;
  const Eigen::Vector2d start = tessellation.Nearest(point);
  const bool outside = start != point;
  Eigen::Vector2d x = start;
  int region = tessellation.FindRegion(x);
  double time_left = 1;
  for (int arcs = 0; time_left > 0; ++arcs) {
    if (arcs == kMaxArcs) return nan;
    const int cell = tessellation.regions()[region].cell;
    const PathStep step =
        NextStep(tessellation, region, flow_of(cell), x, time_left);
    visit(Arc{cell, x, step.duration});
    time_left -= step.duration;
    x = step.position;
    region = step.region;
    if (outside) {
      if (!x.allFinite()) return nan;
      // No rounding takes it off the border.
      x = Moved(tessellation, point).select(x, start);
    }
  }
  // Where rounding takes it off the square, the next flow would have it
  // outside, where derivatives are others.
  const Eigen::Vector2d end = x.allFinite() ? tessellation.Nearest(x) : x;
  return outside ? Moved(tessellation, point).select(end, point) : end;
}

// The affine flows of all cells of a field, for many paths. Immutable; safe to
// use from many threads.
class PathWalker {
 public:
  explicit PathWalker(const VelocityField& field);

  const Tessellation& tessellation() const { return *tessellation_; }
  const AffineFlow& flow(int cell) const { return flows_[cell]; }
  MovedCoordinates Moved(const Eigen::Vector2d& x) const {
    return cpab::Moved(*tessellation_, x);
  }

  template <typename Visitor>
  Eigen::Vector2d Walk(const Eigen::Vector2d& point, Visitor visit) const {
    return WalkPath(
        *tessellation_,
        [this](int cell) -> const AffineFlow& { return flows_[cell]; }, point,
        visit);
  }

 private:
  std::shared_ptr<const Basis> basis_;  // Keeps the tessellation alive.
  const Tessellation* tessellation_;
  std::vector<AffineFlow> flows_;  // By cell.
};

// The same for a few paths, which visit a few cells: a flow is prepared when it
// is first asked for. `field` outlives it.
class FewPathsWalker {
 public:
  explicit FewPathsWalker(const VelocityField& field);
  explicit FewPathsWalker(VelocityField&&) = delete;

  // Valid until the next call.
  const AffineFlow& flow(int cell);
  MovedCoordinates Moved(const Eigen::Vector2d& x) const {
    return cpab::Moved(field_.tessellation(), x);
  }

  template <typename Visitor>
  Eigen::Vector2d Walk(const Eigen::Vector2d& point, Visitor visit) {
    return WalkPath(
        field_.tessellation(),
        [this](int cell) -> const AffineFlow& { return flow(cell); }, point,
        visit);
  }

 private:
  const VelocityField& field_;
  std::vector<int> place_;  // In flows_, by cell; -1 where there is none yet.
  std::vector<AffineFlow> flows_;
};

}  // namespace cpab

#endif  // CPAB_FLOW_PATH_H_
