#include "cpab/torch/transform.h"

#include <torch/types.h>

#include <utility>

#include "cpab/flow/flow.h"
#include "cpab/torch/flow_function.h"
#include "cpab/torch/kernel_device.h"
#include "cpab/torch/kernel_flow.h"
#include "cpab/torch/tensor_flow.h"
#include "third_party/absl/status_macros.h"

namespace cpab {
namespace {

void CheckArguments(const torch::Tensor& theta, const torch::Tensor& points,
                    int64_t theta_size) {
  CheckTheta(theta, theta_size);
  TORCH_CHECK(points.size(-1) == 2 &&
                  (points.dim() == 2 ||
                   (points.dim() == 3 && points.size(0) == theta.size(0))),
              "points must be [N, 2] or [", theta.size(0), ", N, 2], are ",
              points.sizes());
  TORCH_CHECK(points.scalar_type() == theta.scalar_type() &&
                  points.device() == theta.device(),
              "theta is ", theta.scalar_type(), " on ", theta.device(),
              ", points are ", points.scalar_type(), " on ", points.device());
}

}  // namespace

absl::StatusOr<Transform> Transform::Create(
    const TessellationOptions& options) {
  ASSIGN_OR_RETURN(std::shared_ptr<const Basis> basis, Basis::Create(options));
  return Transform(std::move(basis));
}

Transform::Transform(std::shared_ptr<const Basis> basis)
    : basis_(std::move(basis)) {}

torch::Tensor Transform::Apply(const torch::Tensor& theta,
                               const torch::Tensor& points,
                               Implementation implementation) const {
  CheckArguments(theta, points, theta_size());
  if (theta.is_cpu() && implementation == Implementation::kAutomatic) {
    return FlowFunction<2, Flow>::apply(
        theta, points.dim() == 2 ? points.unsqueeze(0) : points, basis_);
  }
  if (implementation == Implementation::kKernels ||
      (implementation == Implementation::kAutomatic &&
       HasKernelsFor(theta.device()))) {
    return KernelFlow(basis_, theta, points);
  }
  return TensorFlow(*basis_, theta, points);
}

}  // namespace cpab
