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

// The affine flows of all cells of a field, and the regions to walk through.
class PathWalker {
 public:
  explicit PathWalker(const VelocityField& field);

  const Tessellation& tessellation() const { return *tessellation_; }
  const AffineFlow& flow(int cell) const { return flows_[cell]; }

  // Where the path from `point` is after unit time. Calls visit(const Arc&) for
  // each arc, in order. Outside the square, with zero_boundary, the arcs are
  // those of the nearest point, which slides along the border.
  template <typename Visitor>
  Eigen::Vector2d Walk(const Eigen::Vector2d& point, Visitor visit) const;

  MovedCoordinates Moved(const Eigen::Vector2d& x) const {
    return tessellation_->Nearest(x).array() == x.array();
  }

  // The end of an arc: after `duration` at `position`, either at the end of the
  // time given (region unchanged) or across an edge.
  struct Step {
    double duration;
    Eigen::Vector2d position;
    int region;
  };
  Step NextStep(int region, const Eigen::Vector2d& x, double time_left) const;

 private:
  std::shared_ptr<const Basis> basis_;  // Keeps the tessellation alive.
  const Tessellation* tessellation_;
  std::vector<AffineFlow> flows_;  // By cell.
};

template <typename Visitor>
Eigen::Vector2d PathWalker::Walk(const Eigen::Vector2d& point,
                                 Visitor visit) const {
  const Eigen::Vector2d nan =
      Eigen::Vector2d::Constant(std::numeric_limits<double>::quiet_NaN());
  if (!point.allFinite()) return nan;
  const Eigen::Vector2d start = tessellation_->Nearest(point);
  const bool outside = start != point;
  Eigen::Vector2d x = start;
  int region = tessellation_->FindRegion(x);
  double time_left = 1;
  for (int arcs = 0; time_left > 0; ++arcs) {
    if (arcs == kMaxArcs) return nan;
    const Step step = NextStep(region, x, time_left);
    visit(Arc{tessellation_->regions()[region].cell, x, step.duration});
    time_left -= step.duration;
    x = step.position;
    region = step.region;
    if (outside) {
      if (!x.allFinite()) return nan;
      // No rounding takes it off the border.
      x = Moved(point).select(x, start);
    }
  }
  return outside ? Moved(point).select(x, point) : x;
}

}  // namespace cpab

#endif  // CPAB_FLOW_PATH_H_
