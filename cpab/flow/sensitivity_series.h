// AffineFlow::SensitivityAt for four arcs in one cell at a time.
//
// With f0, f1, e0, e1 of affine_flow.h and K_ij(t) = int_0^t e_i(t - s) f_j(s)
// ds, a path from x with v = M x + b and a = M v has
//
//   X = (f0 x + K00 v + K01 a, f0),    Y = (f1 x + K01 v + K11 a, f1).
//
// SensitivityAt sums the K_ij's power series term by term. Here their
// coefficients are prepared once for each cell, which pays from a few arcs on.
//
// Private to //cpab/flow.
#ifndef CPAB_FLOW_SENSITIVITY_SERIES_H_
#define CPAB_FLOW_SENSITIVITY_SERIES_H_

#include "cpab/flow/affine_flow.h"
#include "cpab/flow/pack.h"

namespace cpab {

class SensitivitySeries {
 public:
  explicit SensitivitySeries(const AffineFlow& flow);

  struct Integrals {
    Pack K00, K01, K11;
  };
  // For times up to the flow's max_duration().
  CPAB_INLINE Integrals At(Pack t) const {
    const Pack t2 = t * t, t4 = t2 * t2;
    const Term* term = terms_ + num_terms_ - 4;
    Pack K00[4], K01[4], K11[4];
    for (int i = 0; i < 4; ++i) {
      K00[i] = term[i].K00, K01[i] = term[i].K01, K11[i] = term[i].K11;
    }
    while (term != terms_) {
      term -= 4;
      for (int i = 0; i < 4; ++i) {
        K00[i] = K00[i] * t4 + term[i].K00;
        K01[i] = K01[i] * t4 + term[i].K01;
        K11[i] = K11[i] * t4 + term[i].K11;
      }
    }
    return {((K00[0] + K00[1] * t) + (K00[2] + K00[3] * t) * t2) * t2,
            ((K01[0] + K01[1] * t) + (K01[2] + K01[3] * t) * t2) * t2,
            ((K11[0] + K11[1] * t) + (K11[2] + K11[3] * t) * t2) * t2};
  }

 private:
  // K_ij = sum over k of terms_[k].Kij t^(k + 2).
  struct Term {
    double K00, K01, K11;
  };
  int num_terms_;  // A multiple of four.
  Term terms_[AffineFlow::kMaxTerms];
};

}  // namespace cpab

#endif  // CPAB_FLOW_SENSITIVITY_SERIES_H_
