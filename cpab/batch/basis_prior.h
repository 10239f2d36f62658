// The prior of a basis of any dimensions: cpab/field/smoothness_prior.h, or
// cpab/field/sparse_prior.h where the basis is stored sparsely.
#ifndef CPAB_BATCH_BASIS_PRIOR_H_
#define CPAB_BATCH_BASIS_PRIOR_H_

#include <memory>

#include "Eigen/Core"
#include "absl/status/statusor.h"
#include "cpab/field/basis.h"
#include "cpab/field/smoothness_prior.h"
#include "cpab/field/sparse_prior.h"
#include "cpab/interval/interval_flow.h"
#include "cpab/volume/volume_basis.h"

namespace cpab {

// InvalidArgument if an option is out of range, or if the basis is not stored
// sparsely, as none of an interval is.
absl::StatusOr<std::shared_ptr<const SparsePrior>> SparsePriorOf(
    const IntervalBasis& basis, const PriorOptions& options);
absl::StatusOr<std::shared_ptr<const SparsePrior>> SparsePriorOf(
    const Basis& basis, const PriorOptions& options);
absl::StatusOr<std::shared_ptr<const SparsePrior>> SparsePriorOf(
    const VolumeBasis& basis, const PriorOptions& options);

// One of the two is null.
struct BasisPrior {
  std::shared_ptr<const SmoothnessPrior> dense;
  std::shared_ptr<const SparsePrior> sparse;

  double Energy(const Eigen::Ref<const Eigen::VectorXd>& theta) const {
    return dense != nullptr ? dense->Energy(theta) : sparse->Energy(theta);
  }
};

// InvalidArgument if an option is out of range.
absl::StatusOr<BasisPrior> BasisPriorOf(const IntervalBasis& basis,
                                        const PriorOptions& options);
absl::StatusOr<BasisPrior> BasisPriorOf(const Basis& basis,
                                        const PriorOptions& options);
absl::StatusOr<BasisPrior> BasisPriorOf(const VolumeBasis& basis,
                                        const PriorOptions& options);

}  // namespace cpab

#endif  // CPAB_BATCH_BASIS_PRIOR_H_
