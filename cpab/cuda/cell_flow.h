// The flow of the affine velocity field of one cell, in the cell's frame: the
// formulas of cpab/flow/affine_flow.h, whose comments derive them.
//
// A cell is prepared where it is used, from the velocities at its three
// vertices: that takes a few operations, less than loading prepared series from
// memory would. For the same reason the terms of the series come from their
// recurrence.
//
// Private to //cpab/cuda.
#ifndef CPAB_CUDA_CELL_FLOW_H_
#define CPAB_CUDA_CELL_FLOW_H_

#include "cpab/cuda/grid.h"
#include "cpab/cuda/host_device.h"

namespace cpab::kernels {

// Weights of I and M.
template <typename Real>
struct MatrixFunction {
  Real identity, matrix;
};

// v(u) = M u + b, u = (a, o).
template <typename Real>
struct CellFlow {
  // velocities: [vertices, 2] by the axes of the square.
  CPAB_HOST_DEVICE CellFlow(Grid grid, const Real* velocities, Region region)
      : size(grid, region.side) {
    const CellVertices vertices(grid, region);
    const int side = region.side;
    const Vector<Real> from = VelocityAt(velocities, vertices.from, side);
    const Vector<Real> to = VelocityAt(velocities, vertices.to, side);
    b = VelocityAt(velocities, vertices.centre, side);
    const Real along = 1 / (2 * size.w), outwards = 1 / size.h;
    m_a = along * (to - from);
    m_o = outwards * (Real(0.5) * (from + to) - b);
    trace = m_a.x + m_o.y;
    determinant = m_a.x * m_o.y - m_o.x * m_a.y;
    const Real radius = SpectralRadius();
    max_duration = radius > 1 ? 1 / radius : Real(1);
    num_terms = NumTerms(Min(radius, Real(1)));
  }

  // M v and M^T v.
  CPAB_HOST_DEVICE Vector<Real> Linear(Vector<Real> v) const {
    return v.x * m_a + v.y * m_o;
  }
  CPAB_HOST_DEVICE Vector<Real> Transposed(Vector<Real> v) const {
    return {Dot(m_a, v), Dot(m_o, v)};
  }
  CPAB_HOST_DEVICE Vector<Real> Velocity(Vector<Real> u) const {
    return Linear(u) + b;
  }

  // (f0, f1) at t, at most max_duration.
  CPAB_HOST_DEVICE MatrixFunction<Real> Integral(Real t) const {
    Real previous = 0, current = 1, power = t;  // t^k / k!
    Real e1 = 0, f1 = 0;
    CPAB_UNROLL
    for (int k = 1; k <= Precision<Real>::kMaxTerms; ++k) {
      if (k % 4 == 1 && k > num_terms) break;
      e1 += current * power;
      f1 += previous * power;
      const Real next = trace * current - determinant * previous;
      previous = current;
      current = next;
      power *= t * (Real(1) / Real(k + 1));
    }
    return {e1 - trace * f1, f1};
  }
  // (e0, e1) at the time whose (f0, f1) is `f`.
  CPAB_HOST_DEVICE MatrixFunction<Real> Exponential(
      MatrixFunction<Real> f) const {
    return {1 - determinant * f.matrix, f.identity + trace * f.matrix};
  }

  CellSize<Real> size;
  Vector<Real> m_a, m_o;  // The columns of M.
  Vector<Real> b;
  Real trace, determinant;
  Real max_duration;  // At most 1.
  int num_terms;

 private:
  CPAB_HOST_DEVICE static Vector<Real> VelocityAt(const Real* velocities,
                                                  int vertex, int side) {
    return ToFrame(
        side, Vector<Real>{velocities[2 * vertex], velocities[2 * vertex + 1]});
  }
  CPAB_HOST_DEVICE Real SpectralRadius() const {
    const Real half = trace / 2;
    const Real discriminant = half * half - determinant;
    if (discriminant < 0) return std::sqrt(determinant);
    return Abs(half) + std::sqrt(discriminant);
  }
  CPAB_HOST_DEVICE static int NumTerms(Real x) {
    if (x <= Precision<Real>::kFourTerms) return 4;
    if (x <= Precision<Real>::kEightTerms) return 8;
    if (x <= Precision<Real>::kTwelveTerms) return 12;
    if (x <= Precision<Real>::kSixteenTerms) return 16;
    return Precision<Real>::kMaxTerms;
  }
};

// How the end of an arc depends on its cell: changing row r of [M b] by c^T
// moves it by (c . X) e_r + (c . Y) M e_r.
template <typename Real>
struct ArcSensitivity {
  CPAB_HOST_DEVICE ArcSensitivity(const CellFlow<Real>& flow,
                                  Vector<Real> start, Real t) {
    const Real trace = flow.trace, determinant = flow.determinant;
    Real c0 = 0, c1 = 1, q0 = 0, q1 = 0;
    Real power = Real(0.5) * t * t;  // t^(k + 2) / (k + 2)!
    Real Q2 = 0, Q3 = 0, Q4 = 0;
    CPAB_UNROLL
    for (int k = 0; k < Precision<Real>::kMaxTerms; ++k) {
      if (k % 4 == 0 && k >= flow.num_terms) break;
      const Real q = c1 + trace * q1 - determinant * q0;
      const Real power3 = power * t * (Real(1) / Real(k + 3));
      Q2 += q * power;
      Q3 += q * power3;
      Q4 += q * power3 * t * (Real(1) / Real(k + 4));
      power = power3;
      const Real c = trace * c1 - determinant * c0;
      c0 = c1;
      c1 = c;
      q0 = q1;
      q1 = q;
    }
    const Real K11 = Q4, K01 = Q3 - trace * Q4;
    const Real K00 = Q2 - trace * (2 * Q3 - trace * Q4);
    const MatrixFunction<Real> f = flow.Integral(t);
    const Vector<Real> v = flow.Velocity(start), a = flow.Linear(v);
    X = f.identity * start + K00 * v + K01 * a;
    Y = f.matrix * start + K01 * v + K11 * a;
    X_one = f.identity;
    Y_one = f.matrix;
    exponential = flow.Exponential(f);
  }

  // By the velocity of a vertex: that adds e_r s^T to [M b], s the vertex's
  // shape. Returns the weights of e_r and M e_r.
  CPAB_HOST_DEVICE MatrixFunction<Real> OfSideEnd(const CellFlow<Real>& flow,
                                                  Real sign) const {
    const Real a = sign / (2 * flow.size.w), o = 1 / (2 * flow.size.h);
    return {a * X.x + o * X.y, a * Y.x + o * Y.y};
  }
  CPAB_HOST_DEVICE MatrixFunction<Real> OfCentre(
      const CellFlow<Real>& flow) const {
    const Real o = 1 / flow.size.h;
    return {X_one - o * X.y, Y_one - o * Y.y};
  }

  Vector<Real> X, Y;
  Real X_one, Y_one;                 // Their third, homogeneous components.
  MatrixFunction<Real> exponential;  // How the end depends on the start.
};

}  // namespace cpab::kernels

#endif  // CPAB_CUDA_CELL_FLOW_H_
