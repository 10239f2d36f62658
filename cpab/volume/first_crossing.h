// The first time at which a polynomial becomes negative: exit times where the
// distance from a face has no simpler form.
//
// Private to //cpab.
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
