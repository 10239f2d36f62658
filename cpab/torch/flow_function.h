// The CPU's paths of point tensors as a differentiable operation, and what
// operations like it share.
//
// Private to //cpab/torch. Tested by transform_test.cc and
// batch_transform_test.cc.
#ifndef CPAB_TORCH_FLOW_FUNCTION_H_
#define CPAB_TORCH_FLOW_FUNCTION_H_

#include <torch/autograd.h>
#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "Eigen/Core"
#include "cpab/batch/flow_batch.h"
#include "cpab/batch/point_array.h"
#include "cpab/torch/aten_parallel.h"
#include "cpab/torch/once_differentiable.h"

namespace cpab {

// theta: [B, theta_size] float32 or float64, else TORCH_CHECK.
inline void CheckTheta(const torch::Tensor& theta, int64_t theta_size) {
  TORCH_CHECK(theta.dim() == 2 && theta.size(1) == theta_size,
              "theta must be [B, ", theta_size, "], is ", theta.sizes());
  TORCH_CHECK(theta.scalar_type() == torch::kFloat32 ||
                  theta.scalar_type() == torch::kFloat64,
              "theta must be float32 or float64, is ", theta.scalar_type());
}

// What forward() keeps for backward().
template <typename T>
struct Kept : torch::CustomClassHolder {
  explicit Kept(T v) : value(std::move(v)) {}
  T value;
};

template <typename T>
void Keep(torch::autograd::AutogradContext* context, T value) {
  context->saved_data["kept"] = torch::IValue::make_capsule(
      c10::make_intrusive<Kept<T>>(std::move(value)));
}
template <typename T>
const T& KeptOf(torch::autograd::AutogradContext* context) {
  const auto capsule = context->saved_data["kept"].toCapsule();
  return static_cast<const Kept<T>&>(*capsule).value;
}

// [B, N, D] points, where a batch of one goes for every element.
template <typename Scalar>
PointArray<const Scalar> PointsOf(const torch::Tensor& points) {
  return {points.data_ptr<Scalar>(), points.size(0) == 1 ? 0 : points.stride(0),
          points.stride(2), points.stride(1)};
}
template <typename Scalar>
PointArray<Scalar> MutablePointsOf(torch::Tensor& points) {
  return {points.data_ptr<Scalar>(), points.stride(0), points.stride(2),
          points.stride(1)};
}

// The flows of [B, d].
template <typename AnyFlow, typename AnyBasis>
std::vector<AnyFlow> MakeFlows(const std::shared_ptr<const AnyBasis>& basis,
                               const torch::Tensor& theta) {
  const torch::Tensor values = theta.detach().to(torch::kFloat64).contiguous();
  std::vector<AnyFlow> flows;
  flows.reserve(values.size(0));
  for (int64_t b = 0; b < values.size(0); ++b) {
    flows.emplace_back(basis, Eigen::Map<const Eigen::VectorXd>(
                                  values.data_ptr<double>() + b * theta.size(1),
                                  theta.size(1)));
  }
  return flows;
}

// T of points [B, N, D] or [1, N, D], on the CPU.
template <int D, typename AnyFlow>
class FlowFunction
    : public torch::autograd::Function<FlowFunction<D, AnyFlow>> {
 public:
  using Flows = std::shared_ptr<const std::vector<AnyFlow>>;

  template <typename AnyBasis>
  static torch::Tensor forward(torch::autograd::AutogradContext* context,
                               const torch::Tensor& theta,
                               const torch::Tensor& points,
                               const std::shared_ptr<const AnyBasis>& basis) {
    const Flows flows = std::make_shared<const std::vector<AnyFlow>>(
        MakeFlows<AnyFlow>(basis, theta));
    const torch::Tensor x = points.detach();
    torch::Tensor y = torch::empty({theta.size(0), x.size(1), D},
                                   x.options().requires_grad(false));
    AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "cpab::FlowFunction", [&] {
      TransformBatch<D>(*flows, x.size(1), PointsOf<scalar_t>(x),
                        MutablePointsOf<scalar_t>(y), AtenParallelFor);
    });
    context->save_for_backward({theta, x});
    Keep(context, flows);
    return y;
  }

  static torch::autograd::variable_list backward(
      torch::autograd::AutogradContext* context,
      const torch::autograd::variable_list& gradients) {
    CheckDifferentiatedOnce("a CPAB transform");
    const auto saved = context->get_saved_variables();
    const torch::Tensor &theta = saved[0], &x = saved[1];
    const Flows flows = KeptOf<Flows>(context);
    const torch::Tensor dl_dy = gradients[0].contiguous();
    torch::Tensor dl_dx = torch::empty_like(dl_dy);
    RowMajorMatrix dl_dtheta(theta.size(0), theta.size(1));
    AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "cpab::FlowFunction", [&] {
      PullbackBatch<D>(*flows, x.size(1), PointsOf<scalar_t>(x),
                       PointsOf<scalar_t>(dl_dy), dl_dtheta,
                       MutablePointsOf<scalar_t>(dl_dx), AtenParallelFor);
    });
    if (x.size(0) == 1) dl_dx = dl_dx.sum(0, /*keepdim=*/true);
    const torch::Tensor to_theta =
        torch::from_blob(dl_dtheta.data(), {theta.size(0), theta.size(1)},
                         torch::kFloat64)
            .to(theta.options().requires_grad(false), /*non_blocking=*/false,
                /*copy=*/true);
    return {to_theta, dl_dx, torch::Tensor()};
  }
};

}  // namespace cpab

#endif  // CPAB_TORCH_FLOW_FUNCTION_H_
