#include "cpab/field/prior.h"

#include <utility>

#include "third_party/absl/status_macros.h"

namespace cpab {

absl::StatusOr<std::shared_ptr<const Prior>> Prior::Create(
    std::shared_ptr<const Basis> basis, const PriorOptions& options) {
  std::shared_ptr<Prior> prior(new Prior);
  RETURN_IF_ERROR(prior->Init(basis->tessellation().vertices(),
                              basis->vertex_basis(), options));
  prior->basis_ = std::move(basis);
  return prior;
}

}  // namespace cpab
