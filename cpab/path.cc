#include "cpab/path.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace cpab {
namespace {

// To multiply by: the compiler may not turn a division into that by itself.
constexpr double kThird = 1.0 / 3;
constexpr double kEpsilon = std::numeric_limits<double>::epsilon();

// A path leaves a region when it is this far outside, relative to the size of
// its coordinates: four times the rounding error of a distance. So a path along
// an edge, or one that rounding throws to and fro across it, makes progress.
// The field is continuous, so that its value is off by no more than that
// either.
constexpr double kOverlap = 16 * kEpsilon;

// The signed distance from an edge along an arc,
//   s(t) = distance + f0(t) slope + f1(t) curvature,
// by AffineFlow's f0 and f1. Its derivative e0 slope + e1 curvature changes
// sign at most once within AffineFlow::max_duration().
struct EdgeDistance {
  double distance;
  double slope;
  double curvature;

  double Value(const MatrixFunction& integral) const {
    return distance + integral.identity * slope + integral.matrix * curvature;
  }
  double Slope(const MatrixFunction& exponential) const {
    return exponential.identity * slope + exponential.matrix * curvature;
  }
};

// Where s' is zero, if anywhere: e1 / e0 = -slope / curvature, rewritten with
// the trace-free part of M, whose exponential is cosh and sinh or cos and sin
// of omega t.
double TurningPoint(const AffineFlow& flow, const EdgeDistance& s) {
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
double BracketFirstZero(const AffineFlow& flow, const EdgeDistance& s, double h,
                        const MatrixFunction& integral,
                        const MatrixFunction& exponential) {
  if (s.Value(integral) < 0) return h;
  if (!(s.slope < 0 && s.Slope(exponential) > 0)) return -1;
  const double t = TurningPoint(flow, s);
  if (!(t > 0 && t < h)) return -1;
  return s.Value(flow.Integral(t)) < 0 ? t : -1;
}

// The state of a path and of an edge distance at a time, and what is needed to
// move both a little further by their Taylor series.
struct Expansion {
  Eigen::Vector2d x, velocity;
  double s[5];  // The distance and its derivatives.

  // s and s' a time dt later.
  double Value(double dt) const {
    const double half = 0.5 * dt, third = kThird * dt;
    return s[0] +
           dt * (s[1] + half * (s[2] + third * (s[3] + 0.25 * dt * s[4])));
  }
  double Slope(double dt) const {
    return s[1] + dt * (s[2] + 0.5 * dt * (s[3] + kThird * dt * s[4]));
  }
  Eigen::Vector2d Position(const AffineFlow& flow, double dt) const {
    const Eigen::Vector2d a = flow.Linear(velocity);
    const Eigen::Vector2d jerk =
        flow.trace() * a - flow.determinant() * velocity;
    const Eigen::Vector2d snap = flow.trace() * jerk - flow.determinant() * a;
    const double half = 0.5 * dt, third = kThird * dt;
    return x + dt * (velocity + half * (a + third * (jerk + 0.25 * dt * snap)));
  }
};

// A zero of s near dt = 0, by Halley's step and Newton's on the series.
double NearZero(const Expansion& e) {
  const double dt =
      -2 * e.s[0] * e.s[1] / (2 * e.s[1] * e.s[1] - e.s[0] * e.s[2]);
  return dt - e.Value(dt) / e.Slope(dt);
}

// About where s becomes negative: the first zero of the quadratic that touches
// s at 0, improved by one step of Newton's with the cubic. Anything, if the
// quadratic has no zero.
double GuessExit(const AffineFlow& flow, const EdgeDistance& s) {
  const double root = std::sqrt(
      std::max(0.0, s.slope * s.slope - 2 * s.curvature * s.distance));
  const double t = 2 * s.distance / (root - s.slope);
  const double third =
      flow.trace() * s.curvature - flow.determinant() * s.slope;
  const double half = 0.5 * t;
  const double value =
      s.distance + t * (s.slope + half * (s.curvature + kThird * t * third));
  const double slope = s.slope + t * (s.curvature + half * third);
  return t - value / slope;
}

struct Start {
  Eigen::Vector2d x, velocity, acceleration;
};

Expansion ExpandAt(const AffineFlow& flow, const Start& start,
                   const EdgeDistance& s, double t) {
  const MatrixFunction f = flow.Integral(t);
  const MatrixFunction e = flow.Exponential(f);
  const double trace = flow.trace(), determinant = flow.determinant();
  Expansion result;
  result.x =
      start.x + f.identity * start.velocity + f.matrix * start.acceleration;
  result.velocity = e.identity * start.velocity + e.matrix * start.acceleration;
  result.s[0] = s.Value(f);
  result.s[1] = s.Slope(e);
  result.s[2] = e.identity * s.curvature +
                e.matrix * (trace * s.curvature - determinant * s.slope);
  result.s[3] = trace * result.s[2] - determinant * result.s[1];
  result.s[4] = trace * result.s[3] - determinant * result.s[2];
  return result;
}

struct Exit {
  double time;
  Eigen::Vector2d position;
};

// The zero of s in [0, high], where s(0) >= 0 > s(high) and there is one only:
// Halley's iteration, kept between two times of opposite sign. It ends when the
// next step is so small that the Taylor series about the last time are exact to
// rounding.
Exit SolveExit(const AffineFlow& flow, const Start& start,
               const EdgeDistance& s, double high) {
  // (2e-3)^5 / 5! = 3e-16: the first term that Expansion leaves out.
  const double small = std::min(2e-3 * flow.max_duration(), high);
  double low = 0;
  double t = GuessExit(flow, s);
  if (!(t >= 0 && t < high)) t = high / 2;
  for (;;) {
    const Expansion e = ExpandAt(flow, start, s, t);
    (e.s[0] >= 0 ? low : high) = t;
    const double dt = NearZero(e);
    const bool inside = t + dt >= low && t + dt <= high;
    if (inside && std::abs(dt) <= small) {
      return {t + dt, e.Position(flow, dt)};
    }
    const double next = inside ? t + dt : low + (high - low) / 2;
    if (next <= low || next >= high) return {t, e.x};
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

PathWalker::Step PathWalker::NextStep(int region_index,
                                      const Eigen::Vector2d& x,
                                      double time_left) const {
  const Region& region = tessellation_->regions()[region_index];
  const AffineFlow& flow = flows_[region.cell];
  const double h = std::min(time_left, flow.max_duration());
  const MatrixFunction f = flow.Integral(h);
  const MatrixFunction e = flow.Exponential(f);
  const Eigen::Vector2d v = flow.Velocity(x);
  const Start start = {x, v, flow.Linear(v)};
  const double overlap = kOverlap * (1 + std::abs(x.x()) + std::abs(x.y()));

  Step first = {h, x + f.identity * v + f.matrix * start.acceleration,
                region_index};
  for (const Edge& edge : region.edges) {
    const EdgeDistance s = {edge.normal.dot(x) + edge.offset + overlap,
                            edge.normal.dot(v),
                            edge.normal.dot(start.acceleration)};
    // Beside a vertex a path can enter a region beyond one of its edges.
    if (s.distance < 0) return {0, x, edge.neighbour};
    const double high = BracketFirstZero(flow, s, h, f, e);
    if (high < 0) continue;
    const Exit exit = SolveExit(flow, start, s, high);
    if (exit.time < first.duration) {
      first = {exit.time, exit.position, edge.neighbour};
    }
  }
  return first;
}

}  // namespace cpab
