#include "cpab/flow/path.h"

#include <algorithm>
#include <cmath>

#include "cpab/flow/exit_time.h"

namespace cpab {
namespace {

// Where s' is zero, if anywhere: e1 / e0 = -slope / curvature, rewritten with
// the trace-free part of M, whose exponential is cosh and sinh or cos and sin
// of omega t.
double TurningPoint(const AffineFlow& flow, const EdgeDistance<double>& s) {
  const double half = flow.trace() / 2;
  const double discriminant = half * half - flow.determinant();
  const double ratio = -s.slope / (s.curvature - half * s.slope);
  const double omega = std::sqrt(std::abs(discriminant));
  const double z = omega * ratio;
  // A relative error of z^2 / 3 moves the minimum by its square only.
  if (std::abs(z) < 1e-4) return ratio;
  return (discriminant > 0 ? std::atanh(z) : std::atan(z)) / omega;
}

// A time before which s becomes negative, at most `h`, with s monotone from
// there on backwards to its first zero; or a negative number if s stays
// positive up to h.
double BracketFirstZero(const AffineFlow& flow, const EdgeDistance<double>& s,
                        double h, const MatrixFunction& integral,
                        const MatrixFunction& exponential) {
  if (s.Value(integral) < 0) return h;
  if (!(s.slope < 0 && s.Slope(exponential) > 0)) return -1;
  const double t = TurningPoint(flow, s);
  if (!(t > 0 && t < h)) return -1;
  return s.Value(flow.Integral(t)) < 0 ? t : -1;
}

struct Exit {
  double time;
  Vector<double> position;
};

// The zero of s in [0, high], where s(0) >= 0 > s(high) and there is one only:
// Halley's iteration, kept between two times of opposite sign. It ends when the
// next step is so small that the Taylor series about the last time are exact to
// rounding.
Exit SolveExit(const AffineFlow& flow, const Start<double>& start,
               const EdgeDistance<double>& s, double high) {
  const double small = std::min(kSeriesReach * flow.max_duration(), high);
  double low = 0;
  double t = GuessExit(flow, s);
  if (!(t >= 0 && t < high)) t = high / 2;
  for (;;) {
    const Expansion<double> e(flow, start, s, t);
    (e.distance() >= 0 ? low : high) = t;
    const double dt = e.NearZero();
    const bool inside = t + dt >= low && t + dt <= high;
    if (inside && std::abs(dt) <= small && e.IsNearlyStraight(dt)) {
      return {t + dt, e.Position(dt)};
    }
    const double next = inside ? t + dt : low + (high - low) / 2;
    if (next <= low || next >= high) return {t, e.x()};
    t = next;
  }
}

}  // namespace

PathWalker::PathWalker(const VelocityField& field)
    : basis_(field.shared_basis()), tessellation_(&basis_->tessellation()) {
  flows_.reserve(field.cells().rows());
  for (Eigen::Index cell = 0; cell < field.cells().rows(); ++cell) {
    flows_.emplace_back(field.cells().row(cell).data());
  }
}

FewPathsWalker::FewPathsWalker(const VelocityField& field)
    : field_(field), place_(field.cells().rows(), -1) {
  constexpr size_t kFewCells = 16;
  flows_.reserve(std::min(place_.size(), kFewCells));
}

const AffineFlow& FewPathsWalker::flow(int cell) {
  if (place_[cell] < 0) {
    place_[cell] = static_cast<int>(flows_.size());
    flows_.emplace_back(field_.cells().row(cell).data());
  }
  return flows_[place_[cell]];
}

PathStep NextStep(const Tessellation& tessellation, int region_index,
                  const AffineFlow& flow, const Eigen::Vector2d& x,
                  double time_left) {
  const Region& region = tessellation.regions()[region_index];
  const double h = std::min(time_left, flow.max_duration());
  const MatrixFunction f = flow.Integral(h);
  const MatrixFunction e = flow.Exponential(f);
  const Start<double> start(flow, {x.x(), x.y()});
  const double overlap = kOverlap * (1 + std::abs(x.x()) + std::abs(x.y()));

  Exit first = {h, start.After(f)};
  int next_region = region_index;
  for (const Edge& edge : region.edges) {
    const EdgeDistance<double> s = DistanceFrom(edge, start, overlap);
    // Beside a vertex a path can enter a region beyond one of its edges.
    if (s.distance < 0) return {0, x, edge.neighbour};
    const double high = BracketFirstZero(flow, s, h, f, e);
    if (high < 0) continue;
    const Exit exit = SolveExit(flow, start, s, high);
    if (exit.time < first.time) {
      first = exit;
      next_region = edge.neighbour;
    }
  }
  return {first.time, {first.position.x, first.position.y}, next_region};
}

}  // namespace cpab
