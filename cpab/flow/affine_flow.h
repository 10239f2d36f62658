// The flow of one affine velocity field v(x) = M x + b, in closed form.
//
// By Cayley-Hamilton the matrix exponential and its integral are combinations
// of I and M,
//
//   e^{tM}              = e0(t) I + e1(t) M
//   int_0^t e^{sM} ds   = f0(t) I + f1(t) M,    e0 = 1 - det(M) f1,
//                                               e1 = f0 + tr(M) f1,
//
// so a path is x(t) = x(0) + f0(t) v + f1(t) a with v = M x(0) + b and a = M v.
// f0 and f1 are entire functions of t, tr M and det M, whatever the
// eigenvalues: distinct, repeated, zero or complex. They are evaluated by their
// power series up to t = 1 / |largest eigenvalue|, where twenty terms at most
// are exact to rounding, with no case distinction; longer times take several
// steps.
//
// Private to //cpab/flow.
#ifndef CPAB_FLOW_AFFINE_FLOW_H_
#define CPAB_FLOW_AFFINE_FLOW_H_

#include <array>
#include <cstddef>

#include "Eigen/Core"
#include "cpab/flow/pack.h"

namespace cpab {

// Weights of I and M, for one time or four.
template <typename Real>
struct MatrixFunctionOf {
  Real identity;
  Real matrix;
};
using MatrixFunction = MatrixFunctionOf<double>;

class AffineFlow {
 public:
  // Terms of the power series, a multiple of four; fewer for small eigenvalues.
  static constexpr int kMaxTerms = 20;

  AffineFlow() = default;
  // `coefficients`: M00 M01 b0 M10 M11 b1.
  explicit AffineFlow(const double* coefficients);

  // The longest time that the functions below take: at most 1.
  double max_duration() const { return max_duration_; }
  double trace() const { return trace_; }
  double determinant() const { return determinant_; }
  // Of the power series: a multiple of four.
  int num_terms() const { return num_terms_; }
  double m00() const { return m00_; }
  double m01() const { return m01_; }
  double m10() const { return m10_; }
  double m11() const { return m11_; }
  double b0() const { return b0_; }
  double b1() const { return b1_; }

  Eigen::Vector2d Velocity(const Eigen::Vector2d& x) const {
    return Eigen::Vector2d(m00_ * x.x() + m01_ * x.y() + b0_,
                           m10_ * x.x() + m11_ * x.y() + b1_);
  }
  // M v.
  Eigen::Vector2d Linear(const Eigen::Vector2d& v) const {
    return Eigen::Vector2d(m00_ * v.x() + m01_ * v.y(),
                           m10_ * v.x() + m11_ * v.y());
  }
  // M^T v.
  Eigen::Vector2d Transposed(const Eigen::Vector2d& v) const {
    return Eigen::Vector2d(m00_ * v.x() + m10_ * v.y(),
                           m01_ * v.x() + m11_ * v.y());
  }

  // (f0, f1) at t.
  MatrixFunction Integral(double t) const {
    // Estrin's scheme: four interleaved chains instead of one, for the
    // processor's pipelines.
    const double t2 = t * t, t4 = t2 * t2;
    const Eigen::Array2d* c = series_ + num_terms_ - 4;
    Eigen::Array2d s0 = c[0], s1 = c[1], s2 = c[2], s3 = c[3];
    while (c != series_) {
      c -= 4;
      s0 = s0 * t4 + c[0];
      s1 = s1 * t4 + c[1];
      s2 = s2 * t4 + c[2];
      s3 = s3 * t4 + c[3];
    }
    const Eigen::Array2d sum = ((s0 + s1 * t) + (s2 + s3 * t) * t2) * t;
    return {sum[0], sum[1]};
  }
  // The same for four times: here two functions are eight chains by
  // themselves.
  CPAB_INLINE MatrixFunctionOf<Pack> Integral(Pack t) const {
    const Pack t2 = t * t, t4 = t2 * t2;
    const Eigen::Array2d* c = series_ + num_terms_ - 4;
    Pack f[4], g[4];
    for (int i = 0; i < 4; ++i) f[i] = c[i][0], g[i] = c[i][1];
    while (c != series_) {
      c -= 4;
      for (int i = 0; i < 4; ++i) {
        f[i] = f[i] * t4 + c[i][0];
        g[i] = g[i] * t4 + c[i][1];
      }
    }
    return {((f[0] + f[1] * t) + (f[2] + f[3] * t) * t2) * t,
            ((g[0] + g[1] * t) + (g[2] + g[3] * t) * t2) * t};
  }
  // (e0, e1) at the time whose (f0, f1) is `integral`.
  template <typename Real>
  CPAB_INLINE MatrixFunctionOf<Real> Exponential(
      const MatrixFunctionOf<Real>& integral) const {
    return {1.0 - determinant_ * integral.matrix,
            integral.identity + trace_ * integral.matrix};
  }

  // Sensitivity of the end x(t) of a path to the coefficients, as two rows
  // X and Y in homogeneous coordinates: changing row r of [M b] by c^T moves
  // x(t) by (c^T X) e_r + (c^T Y) M e_r. Here
  //   X = int_0^t e0(t - s) (x(s), 1) ds,  Y = int_0^t e1(t - s) (x(s), 1) ds.
  struct Sensitivity {
    Eigen::Vector3d X;
    Eigen::Vector3d Y;
    MatrixFunction exponential;  // At t: how x(t) depends on x(0).
  };
  Sensitivity SensitivityAt(double t, const Eigen::Vector2d& start) const;

 private:
  double m00_, m01_, b0_, m10_, m11_, b1_;
  double trace_, determinant_;
  double max_duration_;
  int num_terms_;
  // (f0, f1) = sum over k of series_[k] t^(k + 1).
  Eigen::Array2d series_[kMaxTerms];
};

// 1 / n, for the factorials of the series: a division takes as long as ten
// products.
inline constexpr auto kReciprocals = [] {
  std::array<double, AffineFlow::kMaxTerms + 4> reciprocals{};
  for (size_t n = 1; n < reciprocals.size(); ++n) reciprocals[n] = 1.0 / n;
  return reciprocals;
}();

}  // namespace cpab

#endif  // CPAB_FLOW_AFFINE_FLOW_H_
