#include "cpab/flow/sensitivity_series.h"

namespace cpab {

// With q_k the coefficients of 1 / (1 - tr z + det z^2)^2, the generating
// functions of affine_flow.cc give, for the coefficients of t^(k + 2) / (k +
// 2)!
//
//   K11: q_{k-2},  K01: q_{k-1} - tr q_{k-2},
//   K00: q_k - 2 tr q_{k-1} + tr^2 q_{k-2}.
SensitivitySeries::SensitivitySeries(const AffineFlow& flow)
    : num_terms_(flow.num_terms()) {
  const double trace = flow.trace(), determinant = flow.determinant();
  double c0 = 0, c1 = 1;         // Of z / (1 - tr z + det z^2).
  double q1 = 0, q2 = 0;         // q_{k-1}, q_{k-2}.
  double inverse_factorial = 1;  // 1 / (k + 2)!
  for (int k = 0; k < num_terms_; ++k) {
    inverse_factorial *= kReciprocals[k + 2];
    const double q = c1 + trace * q1 - determinant * q2;
    terms_[k] = {(q - trace * (2 * q1 - trace * q2)) * inverse_factorial,
                 (q1 - trace * q2) * inverse_factorial, q2 * inverse_factorial};
    const double c = trace * c1 - determinant * c0;
    c0 = c1, c1 = c;
    q2 = q1, q1 = q;
  }
}

}  // namespace cpab
