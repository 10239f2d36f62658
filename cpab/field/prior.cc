#include "cpab/field/prior.h"

#include <utility>

#include "third_party/absl/status_macros.h"

namespace cpab {

absl::StatusOr<std::shared_ptr<const Prior>> Prior::Create(
    std::shared_ptr<const Basis> basis, const PriorOptions& options) {
  RETURN_IF_ERROR(Validate(options));
  RETURN_IF_ERROR(
      CheckDense(basis->tessellation().vertices(), basis->vertex_basis()));
  return std::shared_ptr<const Prior>(new Prior(std::move(basis), options));
}

Prior::Prior(std::shared_ptr<const Basis> basis, const PriorOptions& options)
    : SmoothnessPrior(basis->tessellation().vertices(), basis->vertex_basis(),
                      options),
      basis_(std::move(basis)) {}

}  // namespace cpab
