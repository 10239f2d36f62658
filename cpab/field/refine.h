// The same velocity field on a finer tessellation.
//
// Source: [CPAB], its hierarchy of tessellations, each refining the one before.
#ifndef CPAB_FIELD_REFINE_H_
#define CPAB_FIELD_REFINE_H_

#include "Eigen/Core"
#include "absl/status/statusor.h"
#include "cpab/field/basis.h"

namespace cpab {

// The theta for `fine` whose field is that of `theta` on `coarse`, everywhere:
// 4x4 cells into 8x8 for coarse-to-fine optimisation. For every x,
//
//   T(x; RefineTheta(coarse, theta, fine)) = T(x; theta).
//
// InvalidArgument unless fine has k times the cells of coarse along both axes,
// for one integer k (only then does every fine triangle lie in a coarse one),
// and the same constraints.
absl::StatusOr<Eigen::VectorXd> RefineTheta(
    const Basis& coarse, const Eigen::Ref<const Eigen::VectorXd>& theta,
    const Basis& fine);

}  // namespace cpab

#endif  // CPAB_FIELD_REFINE_H_
