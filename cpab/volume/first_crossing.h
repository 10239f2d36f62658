// The first time at which a polynomial becomes negative: exit times where the
// distance from a face has no simpler form.
//
// In Bernstein's basis of degree n,
//
//   p(u) = sum_k a_k u^k = sum_i b_i binom(n, i) u^i (1 - u)^(n - i),
//   b_i = sum_{k <= i} a_k binom(i, k) / binom(n, k),
//
// p lies between the least and the largest b_i, b_0 = p(0), b_n = p(1), and the
// number of zeros in (0, 1) is the number of sign changes of b_0 ... b_n, or
// less by an even number (Descartes). So no sign change is no crossing, one is
// exactly one, found by Newton's iteration within the bracket, and with more
// the interval is halved by de Casteljau's algorithm, which gives the b of both
// halves. The left half is searched first. Where p only touches zero the half
// around it keeps two sign changes, down to an interval of rounding's size, and
// there is no crossing. That is left out where p falls all the way by the most
// that the terms of its slope can add up to: then its sign at 1 decides.
//
// Private to //cpab/volume.
#ifndef CPAB_VOLUME_FIRST_CROSSING_H_
#define CPAB_VOLUME_FIRST_CROSSING_H_

#include "Eigen/Core"

namespace cpab {

// p(u) = sum of coefficients[k] u^k on [0, 1]: the first u at which p changes
// from not negative to negative, to rounding; 0 if p(0) < 0; above 1 if there
// is none. Zeros that p only touches do not count, unless within rounding.
double FirstCrossing(const Eigen::Ref<const Eigen::VectorXd>& coefficients);

}  // namespace cpab

#endif  // CPAB_VOLUME_FIRST_CROSSING_H_
