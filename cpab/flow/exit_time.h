// When and where the path of an affine flow crosses an edge: the formulas, for
// one path (Real = double) or four (Real = Pack).
//
// With n the edge's unit normal, which points inwards, and o its offset, the
// signed distance of the path x(t) = x + f0(t) v + f1(t) a of affine_flow.h is
//
//   s(t)  = n.x(t) + o = distance + f0(t) slope + f1(t) curvature,
//           distance = n.x + o,  slope = n.v,  curvature = n.a = n.(M v)
//   s'(t) = e0(t) slope + e1(t) curvature                (f0' = e0, f1' = e1)
//   s''   = e0 curvature + e1 (tr(M) curvature - det(M) slope)
//   s^(k) = tr(M) s^(k-1) - det(M) s^(k-2)               (Cayley-Hamilton)
//
// s' is e^(tr t / 2) times a combination of cosh and sinh, or of cos and sin,
// of omega t, where omega = |eigenvalue difference| / 2; with omega t <= 1,
// which AffineFlow::max_duration() ensures, it changes sign at most once, and
// so does s'' for the same reason. Hence, with s(0) >= 0:
//
//   s(h) < 0                            exactly one crossing in (0, h]
//   s(h) >= 0, s'(0) < 0 < s'(h)        one minimum, where e1 / e0 =
//                                       -slope / curvature; a crossing before
//                                       it if s is negative there
//   otherwise                           none
//
// The zero t* in such a bracket: GuessExit starts from the quadratic that
// touches s at 0. At each iterate Expansion has s to its fourth derivative by
// the recursion above. Halley's step -2 s s' / (2 s'^2 - s s'') and one step of
// Newton's on the quartic give dt; once dt is within kSeriesReach the series
// leave out less than rounding, and t + dt is the exit without another call of
// f0 and f1. With k = s'' dt / (2 s'), Halley's step is off by k^2 dt and the
// two together by k^5 dt. Where a path grazes the edge, s' is almost zero and k
// is not small, so |k| <= 0.1 is asked for, too: what is left is 2e-8 of the
// time, spent at most 2e-10 from the edge, where both cells have the same
// velocity.
//
// The same formulas stand in cpab/cuda/exit_step.h, which nvcc compiles, and in
// cpab/torch/tensor_flow.cc, on tensors. What changes here changes there, too.
//
// Private to //cpab/flow.
#ifndef CPAB_FLOW_EXIT_TIME_H_
#define CPAB_FLOW_EXIT_TIME_H_

#include <limits>

#include "cpab/field/tessellation.h"
#include "cpab/flow/affine_flow.h"
#include "cpab/flow/pack.h"

namespace cpab {

// To multiply by: the compiler may not turn a division into that by itself.
constexpr double kThird = 1.0 / 3;

// A path leaves a region when it is this far outside, relative to the size of
// its coordinates: four times the rounding error of a distance. So a path along
// an edge, or one that rounding throws to and fro across it, makes progress.
// The field is continuous, so that its value is off by no more than that
// either.
constexpr double kOverlap = 16 * std::numeric_limits<double>::epsilon();

// Times up to this one, in units of AffineFlow::max_duration(), are reached by
// Expansion's series: (2e-3)^5 / 5! = 3e-16 is the first term that it leaves
// out.
constexpr double kSeriesReach = 2e-3;

template <typename Real>
struct Vector {
  Real x, y;
};

// M v.
template <typename Real>
CPAB_INLINE Vector<Real> Linear(const AffineFlow& flow, const Vector<Real>& v) {
  return {flow.m00() * v.x + flow.m01() * v.y,
          flow.m10() * v.x + flow.m11() * v.y};
}

// Where a path begins.
template <typename Real>
struct Start {
  CPAB_INLINE Start(const AffineFlow& flow, const Vector<Real>& position)
      : x(position) {
    const Vector<Real> m = Linear(flow, x);
    velocity = {m.x + flow.b0(), m.y + flow.b1()};
    acceleration = Linear(flow, velocity);
  }

  // After the time whose integrals are f.
  CPAB_INLINE Vector<Real> After(const MatrixFunctionOf<Real>& f) const {
    return {x.x + f.identity * velocity.x + f.matrix * acceleration.x,
            x.y + f.identity * velocity.y + f.matrix * acceleration.y};
  }

  Vector<Real> x, velocity, acceleration;
};

// The signed distance from an edge along an arc,
//   s(t) = distance + f0(t) slope + f1(t) curvature,
// by AffineFlow's f0 and f1. Its derivatives change sign at most once within
// AffineFlow::max_duration().
template <typename Real>
struct EdgeDistance {
  Real distance;
  Real slope;
  Real curvature;

  CPAB_INLINE Real Value(const MatrixFunctionOf<Real>& integral) const {
    return distance + integral.identity * slope + integral.matrix * curvature;
  }
  CPAB_INLINE Real Slope(const MatrixFunctionOf<Real>& exponential) const {
    return exponential.identity * slope + exponential.matrix * curvature;
  }
  CPAB_INLINE Real Curvature(const AffineFlow& flow,
                             const MatrixFunctionOf<Real>& exponential) const {
    return exponential.identity * curvature +
           exponential.matrix *
               (flow.trace() * curvature - flow.determinant() * slope);
  }
};

// `overlap`: kOverlap in units of the coordinates.
template <typename Real>
CPAB_INLINE EdgeDistance<Real> DistanceFrom(const Edge& edge,
                                            const Start<Real>& start,
                                            Real overlap) {
  const double x = edge.normal.x(), y = edge.normal.y();
  return {x * start.x.x + y * start.x.y + edge.offset + overlap,
          x * start.velocity.x + y * start.velocity.y,
          x * start.acceleration.x + y * start.acceleration.y};
}

// The state of a path and of an edge distance at a time, and what is needed to
// move both a little further by their Taylor series.
template <typename Real>
class Expansion {
 public:
  CPAB_INLINE Expansion(const AffineFlow& flow, const Start<Real>& start,
                        const EdgeDistance<Real>& distance, Real t)
      : flow_(flow) {
    const MatrixFunctionOf<Real> f = flow.Integral(t);
    const MatrixFunctionOf<Real> e = flow.Exponential(f);
    x_ = start.After(f);
    velocity_ = {
        e.identity * start.velocity.x + e.matrix * start.acceleration.x,
        e.identity * start.velocity.y + e.matrix * start.acceleration.y};
    s_[0] = distance.Value(f);
    s_[1] = distance.Slope(e);
    s_[2] = distance.Curvature(flow, e);
    s_[3] = flow.trace() * s_[2] - flow.determinant() * s_[1];
    s_[4] = flow.trace() * s_[3] - flow.determinant() * s_[2];
  }

  // The distance now.
  CPAB_INLINE Real distance() const { return s_[0]; }
  CPAB_INLINE Vector<Real> x() const { return x_; }

  // A zero of the distance nearby, by Halley's step and Newton's on the series.
  CPAB_INLINE Real NearZero() const {
    const Real dt =
        -2.0 * s_[0] * s_[1] / (2.0 * s_[1] * s_[1] - s_[0] * s_[2]);
    return dt - Value(dt) / Slope(dt);
  }

  // Whether the slope changes little within dt; see the head of this file.
  CPAB_INLINE auto IsNearlyStraight(Real dt) const {
    return Abs(s_[2] * dt) <= 0.2 * Abs(s_[1]);
  }

  // The position a time dt later.
  CPAB_INLINE Vector<Real> Position(Real dt) const {
    const Vector<Real> a = Linear(flow_, velocity_);
    return {Component(x_.x, velocity_.x, a.x, dt),
            Component(x_.y, velocity_.y, a.y, dt)};
  }

 private:
  // The distance and its slope a time dt later.
  CPAB_INLINE Real Value(Real dt) const {
    const Real half = 0.5 * dt, third = kThird * dt;
    return s_[0] +
           dt * (s_[1] + half * (s_[2] + third * (s_[3] + 0.25 * dt * s_[4])));
  }
  CPAB_INLINE Real Slope(Real dt) const {
    return s_[1] + dt * (s_[2] + 0.5 * dt * (s_[3] + kThird * dt * s_[4]));
  }
  CPAB_INLINE Real Component(Real x, Real velocity, Real a, Real dt) const {
    const Real jerk = flow_.trace() * a - flow_.determinant() * velocity;
    const Real snap = flow_.trace() * jerk - flow_.determinant() * a;
    const Real half = 0.5 * dt, third = kThird * dt;
    return x + dt * (velocity + half * (a + third * (jerk + 0.25 * dt * snap)));
  }

  const AffineFlow& flow_;
  Vector<Real> x_, velocity_;
  Real s_[5];  // The distance and its derivatives.
};

// About where s becomes negative: the first zero of the quadratic that touches
// s at 0, improved by one step of Newton's with the cubic. Anything, if the
// quadratic has no zero.
template <typename Real>
CPAB_INLINE Real GuessExit(const AffineFlow& flow,
                           const EdgeDistance<Real>& s) {
  const Real root =
      Sqrt(Max(0.0, s.slope * s.slope - 2.0 * s.curvature * s.distance));
  const Real t = 2.0 * s.distance / (root - s.slope);
  const Real third = flow.trace() * s.curvature - flow.determinant() * s.slope;
  const Real half = 0.5 * t;
  const Real value =
      s.distance + t * (s.slope + half * (s.curvature + kThird * t * third));
  const Real slope = s.slope + t * (s.curvature + half * third);
  return t - value / slope;
}

}  // namespace cpab

#endif  // CPAB_FLOW_EXIT_TIME_H_
