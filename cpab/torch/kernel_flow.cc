#include "cpab/torch/kernel_flow.h"

#include <ATen/Context.h>
#include <c10/core/DeviceGuard.h>
#include <torch/autograd.h>
#include <torch/types.h>

#include <utility>

#include "cpab/cuda/flow_arrays.h"
#include "cpab/cuda/flow_kernels.h"
#include "cpab/field/tessellation.h"
#include "cpab/torch/current_stream.h"
#include "cpab/torch/device_constants.h"
#include "cpab/torch/kernel_device.h"
#include "cpab/torch/once_differentiable.h"
#include "cpab/torch/sparse_velocities.h"

namespace cpab {
namespace {

using torch::Tensor;

// W, [2 vertices, d], where theta is.
Tensor VertexBasis(const std::shared_ptr<const Basis>& basis,
                   torch::Device device) {
  const RowMajorMatrix& w = basis->vertex_basis();
  return OnDevice(basis, w.data(), w.rows(), w.cols(), device);
}

// u = W theta, [B, 2 vertices] float64. In float64 whatever follows, so that no
// choice of fast products (TF32, autocast) rounds the field.
Tensor Velocities(const std::shared_ptr<const Basis>& basis,
                  const Tensor& theta) {
  if (basis->is_sparse()) return SparseVelocities(*basis, theta);
  return theta.detach()
      .to(torch::kFloat64)
      .matmul(VertexBasis(basis, theta.device()).t());
}

// dL/dtheta of dL/du, [B, d] float64.
Tensor ThetaGradient(const std::shared_ptr<const Basis>& basis,
                     const Tensor& dl_du) {
  if (basis->is_sparse()) return SparseThetaGradient(*basis, dl_du);
  return dl_du.matmul(VertexBasis(basis, dl_du.device()));
}

template <typename Real>
kernels::FlowBatch<Real> BatchOf(const Basis& basis, const Tensor& velocities,
                                 const Tensor& points) {
  const TessellationOptions& options = basis.tessellation().options();
  return {{options.nx, options.ny, options.zero_boundary},
          velocities.size(0),
          points.size(-2),
          velocities.data_ptr<Real>(),
          points.data_ptr<Real>(),
          points.dim() == 2};
}

void CheckLaunch(kernels::LaunchError error) {
  TORCH_CHECK(error == nullptr, "CPAB kernel: ", error);
}

Tensor RunTransform(const Basis& basis, const Tensor& velocities,
                    const Tensor& points) {
  const c10::DeviceGuard guard(points.device());
  Tensor y =
      torch::empty({velocities.size(0), points.size(-2), 2}, points.options());
  AT_DISPATCH_FLOATING_TYPES(points.scalar_type(), "cpab::KernelFlow", [&] {
    const auto flows = BatchOf<scalar_t>(basis, velocities, points);
    if (KernelsRunOnHost(points.device())) {
      kernels::TransformOnHost(flows, y.data_ptr<scalar_t>());
    } else {
      CheckLaunch(kernels::LaunchTransform(flows, y.data_ptr<scalar_t>(),
                                           CurrentStream(points.device())));
    }
  });
  return y;
}

struct Gradients {
  Tensor points;      // [B, N, 2]
  Tensor velocities;  // [B, 2 vertices] float64
};

Gradients RunPullback(const Basis& basis, const Tensor& velocities,
                      const Tensor& points, const Tensor& dl_dy) {
  const c10::DeviceGuard guard(points.device());
  const Gradients gradients = {
      torch::empty_like(dl_dy),
      torch::empty(velocities.sizes(),
                   velocities.options().dtype(torch::kFloat64))};
  AT_DISPATCH_FLOATING_TYPES(points.scalar_type(), "cpab::KernelFlow", [&] {
    const auto flows = BatchOf<scalar_t>(basis, velocities, points);
    const auto* const of_y = dl_dy.data_ptr<scalar_t>();
    auto* const of_points = gradients.points.data_ptr<scalar_t>();
    auto* const of_velocities = gradients.velocities.data_ptr<double>();
    if (KernelsRunOnHost(points.device())) {
      kernels::PullbackOnHost(flows, of_y, of_points, of_velocities);
    } else {
      at::globalContext().alertNotDeterministic("cpab::KernelFlow_backward");
      CheckLaunch(kernels::LaunchPullback(flows, of_y, of_points, of_velocities,
                                          CurrentStream(points.device())));
    }
  });
  return gradients;
}

class KernelFunction : public torch::autograd::Function<KernelFunction> {
 public:
  static Tensor forward(torch::autograd::AutogradContext* context,
                        const Tensor& theta, const Tensor& points,
                        const std::shared_ptr<const Basis>& basis) {
    const Tensor velocities =
        Velocities(basis, theta).to(points.scalar_type()).contiguous();
    const Tensor x = points.detach().contiguous();
    context->save_for_backward({theta, x, velocities});
    context->saved_data["basis"] =
        torch::IValue::make_capsule(c10::make_intrusive<BasisHolder>(basis));
    return RunTransform(*basis, velocities, x);
  }

  static torch::autograd::variable_list backward(
      torch::autograd::AutogradContext* context,
      const torch::autograd::variable_list& gradients) {
    CheckDifferentiatedOnce("cpab::KernelFlow");
    const auto saved = context->get_saved_variables();
    const Tensor &theta = saved[0], &points = saved[1];
    const auto holder = context->saved_data["basis"].toCapsule();
    const auto& basis = static_cast<const BasisHolder&>(*holder).basis;
    const Gradients result =
        RunPullback(*basis, saved[2], points, gradients[0].contiguous());
    const Tensor dl_dtheta = ThetaGradient(basis, result.velocities);
    return {dl_dtheta.to(theta.scalar_type()),
            points.dim() == 2 ? result.points.sum(0) : result.points, Tensor()};
  }

 private:
  struct BasisHolder : torch::CustomClassHolder {
    explicit BasisHolder(std::shared_ptr<const Basis> b)
        : basis(std::move(b)) {}
    std::shared_ptr<const Basis> basis;
  };
};

}  // namespace

Tensor KernelFlow(const std::shared_ptr<const Basis>& basis,
                  const Tensor& theta, const Tensor& points) {
  return KernelFunction::apply(theta, points, basis);
}

}  // namespace cpab
