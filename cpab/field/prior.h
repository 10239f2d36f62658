// The smoothness prior over velocity fields of the plane.
//
// Source: [CPAB], its smoothness prior, with the kernel of smoothness_prior.h.
#ifndef CPAB_FIELD_PRIOR_H_
#define CPAB_FIELD_PRIOR_H_

#include <memory>

#include "absl/status/statusor.h"
#include "cpab/field/basis.h"
#include "cpab/field/smoothness_prior.h"

namespace cpab {

// The prior of cpab/field/smoothness_prior.h for the fields of a basis.
// Immutable; safe to use from many threads. Made once per basis and shared.
class Prior : public SmoothnessPrior {
 public:
  // InvalidArgument as SmoothnessPrior::Create().
  static absl::StatusOr<std::shared_ptr<const Prior>> Create(
      std::shared_ptr<const Basis> basis, const PriorOptions& options);

  const std::shared_ptr<const Basis>& basis() const { return basis_; }

 private:
  Prior() = default;

  std::shared_ptr<const Basis> basis_;
};

}  // namespace cpab

#endif  // CPAB_FIELD_PRIOR_H_
