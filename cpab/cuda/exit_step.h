// One arc of a path: when and where it leaves its region. The formulas and the
// reasoning are those of cpab/flow/exit_time.h and cpab/flow/path.cc.
//
// All three edges are looked at before any crossing is solved, and crossings
// are solved one after another, each lane its own edge first: as a rule there
// is one, and threads that run together solve together, whichever edge it is.
//
// Private to //cpab/cuda.
#ifndef CPAB_CUDA_EXIT_STEP_H_
#define CPAB_CUDA_EXIT_STEP_H_

#include "cpab/cuda/cell_flow.h"
#include "cpab/cuda/grid.h"
#include "cpab/cuda/host_device.h"

namespace cpab::kernels {

// The beginning of an arc, in the cell's frame.
template <typename Real>
struct Start {
  CPAB_HOST_DEVICE Start(const CellFlow<Real>& flow, Vector<Real> u)
      : position(u),
        velocity(flow.Velocity(u)),
        acceleration(flow.Linear(velocity)) {}

  Vector<Real> position, velocity, acceleration;
};

// The signed distance from an edge along the arc.
template <typename Real>
struct EdgeDistance {
  Real distance, slope, curvature;

  CPAB_HOST_DEVICE Real Value(MatrixFunction<Real> f) const {
    return distance + f.identity * slope + f.matrix * curvature;
  }
  CPAB_HOST_DEVICE Real Slope(MatrixFunction<Real> e) const {
    return e.identity * slope + e.matrix * curvature;
  }
};

// `overlap`: a path leaves when it is this far outside.
template <typename Real>
CPAB_HOST_DEVICE EdgeDistance<Real> DistanceFrom(Edge<Real> edge,
                                                 const Start<Real>& start,
                                                 Real overlap) {
  const Vector<Real> n = {edge.normal_a, edge.normal_o};
  return {Dot(n, start.position) + edge.offset + overlap,
          Dot(n, start.velocity), Dot(n, start.acceleration)};
}

template <typename Real>
CPAB_HOST_DEVICE Real TurningPoint(const CellFlow<Real>& flow,
                                   const EdgeDistance<Real>& s) {
  const Real half = flow.trace / 2;
  const Real discriminant = half * half - flow.determinant;
  const Real ratio = -s.slope / (s.curvature - half * s.slope);
  const Real omega = std::sqrt(Abs(discriminant));
  const Real z = omega * ratio;
  if (Abs(z) < Real(1e-4)) return ratio;
  return (discriminant > 0 ? std::atanh(z) : std::atan(z)) / omega;
}

// A time before which s becomes negative, with one zero of s before it; or a
// negative number.
template <typename Real>
CPAB_HOST_DEVICE Real BracketFirstZero(const CellFlow<Real>& flow,
                                       const EdgeDistance<Real>& s, Real h,
                                       MatrixFunction<Real> f,
                                       MatrixFunction<Real> e) {
  if (s.Value(f) < 0) return h;
  if (!(s.slope < 0 && s.Slope(e) > 0)) return -1;
  const Real t = TurningPoint(flow, s);
  if (!(t > 0 && t < h)) return -1;
  return s.Value(flow.Integral(t)) < 0 ? t : Real(-1);
}

// From the quadratic that touches s at 0, improved by a step of Newton's with
// the cubic.
template <typename Real>
CPAB_HOST_DEVICE Real GuessExit(const CellFlow<Real>& flow,
                                const EdgeDistance<Real>& s) {
  const Real root =
      std::sqrt(Max(Real(0), s.slope * s.slope - 2 * s.curvature * s.distance));
  const Real t = 2 * s.distance / (root - s.slope);
  const Real third = flow.trace * s.curvature - flow.determinant * s.slope;
  const Real half = t / 2, sixth = t * (Real(1) / 3);
  const Real value =
      s.distance + t * (s.slope + half * (s.curvature + sixth * third));
  const Real slope = s.slope + t * (s.curvature + half * third);
  return t - value / slope;
}

// The distance and its four derivatives at a time, and what follows from them a
// little later.
template <typename Real>
struct Expansion {
  CPAB_HOST_DEVICE Expansion(const CellFlow<Real>& flow,
                             const EdgeDistance<Real>& s, Real t) {
    const MatrixFunction<Real> f = flow.Integral(t);
    const MatrixFunction<Real> e = flow.Exponential(f);
    s0 = s.Value(f);
    s1 = s.Slope(e);
    s2 = e.identity * s.curvature +
         e.matrix * (flow.trace * s.curvature - flow.determinant * s.slope);
    s3 = flow.trace * s2 - flow.determinant * s1;
    s4 = flow.trace * s3 - flow.determinant * s2;
  }

  // Whether the slope changes little within dt.
  CPAB_HOST_DEVICE bool IsNearlyStraight(Real dt) const {
    return Abs(s2 * dt) <= Real(0.2) * Abs(s1);
  }

  // How much later a zero is: Halley's step, then Newton's on the quartic.
  CPAB_HOST_DEVICE Real NearZero() const {
    const Real dt = -2 * s0 * s1 / (2 * s1 * s1 - s0 * s2);
    const Real half = dt / 2, third = dt * (Real(1) / 3);
    const Real value =
        s0 + dt * (s1 + half * (s2 + third * (s3 + dt / 4 * s4)));
    const Real slope = s1 + dt * (s2 + half * (s3 + third * s4));
    return dt - value / slope;
  }

  Real s0, s1, s2, s3, s4;
};

// The zero of s in [0, high], where s(0) >= 0 > s(high) and there is only one.
template <typename Real>
CPAB_HOST_DEVICE Real SolveExit(const CellFlow<Real>& flow,
                                const EdgeDistance<Real>& s, Real high) {
  const Real small =
      Min(Precision<Real>::kSeriesReach * flow.max_duration, high);
  Real low = 0;
  Real t = GuessExit(flow, s);
  if (!(t >= 0 && t < high)) t = high / 2;
  for (;;) {
    const Expansion<Real> e(flow, s, t);
    if (e.s0 >= 0) {
      low = t;
    } else {
      high = t;
    }
    const Real next = t + e.NearZero();
    const bool inside = next >= low && next <= high;
    if (inside && Abs(next - t) <= small && e.IsNearlyStraight(next - t)) {
      return next;
    }
    const Real middle = low + (high - low) / 2;
    const Real candidate = inside ? next : middle;
    if (candidate <= low || candidate >= high) return t;
    t = candidate;
  }
}

// What a step does to a path.
template <typename Real>
struct Step {
  Real duration;
  Vector<Real> displacement;  // By the axes of the square.
  Place<Real> place;          // Afterwards.
};

// Follows the path from `place` through its region for at most `time_left`.
template <typename Real>
CPAB_HOST_DEVICE Step<Real> NextStep(Grid grid, const CellFlow<Real>& flow,
                                     Place<Real> place, Real time_left) {
  const int side = place.region.side;
  const Real h = Min(time_left, flow.max_duration);
  const MatrixFunction<Real> f = flow.Integral(h);
  const MatrixFunction<Real> e = flow.Exponential(f);
  const Start<Real> start(flow, ToFrame(side, place.offset));
  const Vector<Real> u = start.position;
  const Real overlap = 16 * Precision<Real>::kEpsilon *
                       (flow.size.w + flow.size.h + Abs(u.x) + Abs(u.y));

  EdgeDistance<Real> s[3];
  Real high[3];
  CPAB_UNROLL
  for (int i = 0; i < 3; ++i) {
    s[i] =
        DistanceFrom(EdgeOf(grid, place.region, flow.size, i), start, overlap);
    // Beside a vertex a path can enter a region beyond one of its edges.
    if (s[i].distance < 0) return {0, {0, 0}, Across(grid, place, i)};
    high[i] = BracketFirstZero(flow, s[i], h, f, e);
  }

  Real duration = h;
  int exit = -1;
  for (;;) {
    // The first of the crossings that are left.
    int edge = -1;
    EdgeDistance<Real> picked = s[0];
    Real bracket = -1;
    CPAB_UNROLL
    for (int i = 2; i >= 0; --i) {
      if (high[i] >= 0) {
        edge = i;
        picked = s[i];
        bracket = high[i];
      }
    }
    if (edge < 0) break;
    CPAB_UNROLL
    for (int i = 0; i < 3; ++i) {
      if (i == edge) high[i] = -1;
    }
    const Real t = SolveExit(flow, picked, bracket);
    if (t < duration) {
      duration = t;
      exit = edge;
    }
  }
  const MatrixFunction<Real> g = exit < 0 ? f : flow.Integral(duration);
  const Vector<Real> moved = FromFrame(
      side, g.identity * start.velocity + g.matrix * start.acceleration);
  place.offset = place.offset + moved;
  return {duration, moved, exit < 0 ? place : Across(grid, place, exit)};
}

}  // namespace cpab::kernels

#endif  // CPAB_CUDA_EXIT_STEP_H_
