#include "cpab/flow/affine_flow.h"

#include <algorithm>
#include <cmath>

namespace cpab {
namespace {

double SpectralRadius(double trace, double determinant) {
  const double half = trace / 2;
  const double discriminant = half * half - determinant;
  if (discriminant < 0) return std::sqrt(determinant);
  return std::abs(half) + std::sqrt(discriminant);
}

// Terms after which the series of AffineFlow are exact to rounding for
// |eigenvalue t| <= x <= 1: the first one left out is about x^n / n!.
int NumTerms(double x, int max_terms) {
  double next = 1;
  int n = 0;
  while (n < max_terms && (n % 4 != 0 || n == 0 || next > 1e-17)) {
    next *= x * kReciprocals[++n];
  }
  return n;
}

}  // namespace

// M^k = c_k M - det(M) c_{k-1} I with c_0 = 0, c_1 = 1 and
// c_{k+1} = tr(M) c_k - det(M) c_{k-1}, hence
// e1 = sum c_k t^k / k!,  f1 = sum c_{k-1} t^k / k!,  f0 = e1 - tr(M) f1.
AffineFlow::AffineFlow(const double* coefficients)
    : m00_(coefficients[0]),
      m01_(coefficients[1]),
      b0_(coefficients[2]),
      m10_(coefficients[3]),
      m11_(coefficients[4]),
      b1_(coefficients[5]),
      trace_(m00_ + m11_),
      determinant_(m00_ * m11_ - m01_ * m10_) {
  const double radius = SpectralRadius(trace_, determinant_);
  max_duration_ = radius > 1 ? 1 / radius : 1;
  num_terms_ = NumTerms(std::min(radius, 1.0), kMaxTerms);
  double previous = 0, current = 1, inverse_factorial = 1;
  for (int k = 1; k <= num_terms_; ++k) {
    inverse_factorial *= kReciprocals[k];
    series_[k - 1] << (current - trace_ * previous) * inverse_factorial,
        previous * inverse_factorial;
    const double next = trace_ * current - determinant_ * previous;
    previous = current;
    current = next;
  }
}

// The integrals K_ij = int_0^t e_i(t - s) f_j(s) ds have, in powers t^k / k!,
// the generating functions z^2 / P^2 times (1 - tr z)^2 for K_00,
// z (1 - tr z) for K_01 = K_10 and z^2 for K_11, where
// P = 1 - tr z + det z^2. With q_k the coefficients of 1 / P^2 and
// Q_n = sum q_k t^(k + n) / (k + n)!, they are combinations of Q_2, Q_3, Q_4.
AffineFlow::Sensitivity AffineFlow::SensitivityAt(
    double t, const Eigen::Vector2d& start) const {
  double c0 = 0, c1 = 1;  // Of z / P: q = (c_1, c_2, ...) / P.
  double q0 = 0, q1 = 0;
  double power = t * t / 2;  // t^(k + 2) / (k + 2)!
  double Q2 = 0, Q3 = 0, Q4 = 0;
  for (int k = 0; k < num_terms_; ++k) {
    // The product with the last q comes last, since all wait for it.
    const double q = (c1 - determinant_ * q0) + trace_ * q1;
    const double power3 = power * (t * kReciprocals[k + 3]);
    Q2 += q * power;
    Q3 += q * power3;
    Q4 += q * power3 * (t * kReciprocals[k + 4]);
    power = power3;
    const double c = trace_ * c1 - determinant_ * c0;
    c0 = c1, c1 = c;
    q0 = q1, q1 = q;
  }
  const double K11 = Q4;
  const double K01 = Q3 - trace_ * Q4;
  const double K00 = Q2 - trace_ * (2 * Q3 - trace_ * Q4);

  const MatrixFunction f = Integral(t);
  const Eigen::Vector2d v = Velocity(start), a = Linear(v);
  Sensitivity result;
  result.X << f.identity * start + K00 * v + K01 * a, f.identity;
  result.Y << f.matrix * start + K01 * v + K11 * a, f.matrix;
  result.exponential = Exponential(f);
  return result;
}

}  // namespace cpab
