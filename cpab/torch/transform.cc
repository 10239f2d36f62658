#include "cpab/torch/transform.h"

#include <torch/torch.h>

#include <utility>
#include <vector>

#include "cpab/field/parallel.h"
#include "cpab/flow/flow.h"
#include "cpab/torch/aten_parallel.h"
#include "cpab/torch/kernel_device.h"
#include "cpab/torch/kernel_flow.h"
#include "cpab/torch/once_differentiable.h"
#include "cpab/torch/tensor_flow.h"
#include "third_party/absl/status_macros.h"

namespace cpab {
namespace {

// Calls body(b, parallel_for) for every element of a batch: one element to a
// thread, or all threads for the points of a single one.
template <typename Body>
void ForEachElement(int64_t batch, Body body) {
  if (batch == 1) {
    body(0, AtenParallelFor);
  } else {
    AtenParallelFor(batch, [&](int64_t b) { body(b, Serially); });
  }
}

// The flows of a batch of thetas, [B, d].
std::vector<Flow> MakeFlows(const std::shared_ptr<const Basis>& basis,
                            const torch::Tensor& theta) {
  const torch::Tensor values = theta.detach().to(torch::kFloat64).contiguous();
  std::vector<Flow> flows;
  flows.reserve(values.size(0));
  for (int64_t b = 0; b < values.size(0); ++b) {
    flows.emplace_back(
        basis, Eigen::Map<const Eigen::VectorXd>(values[b].data_ptr<double>(),
                                                 values.size(1)));
  }
  return flows;
}

template <typename Scalar>
using ConstMap = Eigen::Map<const Eigen::Matrix<Scalar, 2, Eigen::Dynamic>>;
template <typename Scalar>
using MutableMap = Eigen::Map<Eigen::Matrix<Scalar, 2, Eigen::Dynamic>>;

// Batch element b of [B, N, 2] points, or the shared [N, 2] points, as columns.
template <typename Scalar>
ConstMap<Scalar> PointsOf(const torch::Tensor& points, int64_t b) {
  const int64_t n = points.size(-2);
  const int64_t offset = points.dim() == 3 ? 2 * n * b : 0;
  return ConstMap<Scalar>(points.data_ptr<Scalar>() + offset, 2, n);
}

template <typename Scalar>
MutableMap<Scalar> MutablePointsOf(torch::Tensor& points, int64_t b) {
  const int64_t n = points.size(-2);
  return MutableMap<Scalar>(points.data_ptr<Scalar>() + 2 * n * b, 2, n);
}

// T by the walk through the cells, with its adjoint. CPU only.
class WalkFunction : public torch::autograd::Function<WalkFunction> {
 public:
  static torch::Tensor forward(torch::autograd::AutogradContext* context,
                               const torch::Tensor& theta,
                               const torch::Tensor& points,
                               const Transform& transform) {
    auto flows = std::make_shared<std::vector<Flow>>(
        MakeFlows(transform.basis(), theta));
    const torch::Tensor x = points.detach().contiguous();
    torch::Tensor y = torch::empty({theta.size(0), x.size(-2), 2}, x.options());
    AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "cpab::Transform", [&] {
      ForEachElement(
          theta.size(0), [&](int64_t b, const ParallelFor& parallel_for) {
            (*flows)[b].Transform<scalar_t>(PointsOf<scalar_t>(x, b),
                                            MutablePointsOf<scalar_t>(y, b),
                                            parallel_for);
          });
    });
    context->save_for_backward({theta, x});
    context->saved_data["flows"] = torch::IValue::make_capsule(
        c10::make_intrusive<FlowsHolder>(std::move(flows)));
    return y;
  }

  static torch::autograd::variable_list backward(
      torch::autograd::AutogradContext* context,
      const torch::autograd::variable_list& gradients) {
    CheckDifferentiatedOnce("cpab::Transform");
    const auto saved = context->get_saved_variables();
    const torch::Tensor &theta = saved[0], &points = saved[1];
    const auto holder = context->saved_data["flows"].toCapsule();
    const std::vector<Flow>& flows =
        *static_cast<const FlowsHolder&>(*holder).flows;
    const torch::Tensor dl_dy = gradients[0].contiguous();
    torch::Tensor dl_dtheta = torch::empty_like(
        theta, torch::dtype(torch::kFloat64)
                   .memory_format(torch::MemoryFormat::Contiguous));
    torch::Tensor dl_dx = torch::empty_like(dl_dy);
    AT_DISPATCH_FLOATING_TYPES(points.scalar_type(), "cpab::Transform", [&] {
      ForEachElement(theta.size(0), [&](int64_t b,
                                        const ParallelFor& parallel_for) {
        const FlowGradient<scalar_t> gradient = flows[b].Pullback<scalar_t>(
            PointsOf<scalar_t>(points, b), PointsOf<scalar_t>(dl_dy, b),
            parallel_for);
        Eigen::Map<Eigen::VectorXd>(
            dl_dtheta.data_ptr<double>() + b * theta.size(1), theta.size(1)) =
            flows[b].field().basis().ThetaFromCells(gradient.cells);
        MutablePointsOf<scalar_t>(dl_dx, b) = gradient.points;
      });
    });
    if (points.dim() == 2) dl_dx = dl_dx.sum(0);
    return {dl_dtheta.to(theta.scalar_type()), dl_dx, torch::Tensor()};
  }

 private:
  // Keeps the prepared flows from the forward to the backward pass.
  struct FlowsHolder : torch::CustomClassHolder {
    explicit FlowsHolder(std::shared_ptr<const std::vector<Flow>> f)
        : flows(std::move(f)) {}
    std::shared_ptr<const std::vector<Flow>> flows;
  };
};

void CheckArguments(const torch::Tensor& theta, const torch::Tensor& points,
                    int64_t theta_size) {
  TORCH_CHECK(theta.dim() == 2 && theta.size(1) == theta_size,
              "theta must be [B, ", theta_size, "], is ", theta.sizes());
  TORCH_CHECK(points.size(-1) == 2 &&
                  (points.dim() == 2 ||
                   (points.dim() == 3 && points.size(0) == theta.size(0))),
              "points must be [N, 2] or [", theta.size(0), ", N, 2], are ",
              points.sizes());
  TORCH_CHECK(theta.scalar_type() == torch::kFloat32 ||
                  theta.scalar_type() == torch::kFloat64,
              "theta must be float32 or float64, is ", theta.scalar_type());
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
    return WalkFunction::apply(theta, points, *this);
  }
  if (implementation == Implementation::kKernels ||
      (implementation == Implementation::kAutomatic &&
       HasKernelsFor(theta.device()))) {
    return KernelFlow(basis_, theta, points);
  }
  return TensorFlow(*basis_, theta, points);
}

}  // namespace cpab
