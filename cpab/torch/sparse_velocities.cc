#include "cpab/torch/sparse_velocities.h"

#include <torch/autograd.h>
#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <utility>

#include "cpab/torch/once_differentiable.h"

namespace cpab {
namespace {

using torch::Tensor;

// map(row of `from`) for each row, [B, size].
template <typename Map>
Tensor MapRows(const Tensor& from, int64_t size, Map map) {
  const Tensor rows =
      from.detach()
          .to(torch::TensorOptions().device(torch::kCPU).dtype(torch::kFloat64))
          .contiguous();
  Tensor result = torch::empty({rows.size(0), size}, rows.options());
  for (int64_t b = 0; b < rows.size(0); ++b) {
    Eigen::Map<Eigen::VectorXd>(result.data_ptr<double>() + b * size, size) =
        map(Eigen::Map<const Eigen::VectorXd>(
            rows.data_ptr<double>() + b * rows.size(1), rows.size(1)));
  }
  return result.to(from.device());
}

class VelocityFunction : public torch::autograd::Function<VelocityFunction> {
 public:
  static Tensor forward(torch::autograd::AutogradContext* context,
                        const Tensor& theta,
                        const std::shared_ptr<const SparseBasis>& basis) {
    context->saved_data["basis"] =
        torch::IValue::make_capsule(c10::make_intrusive<Holder>(basis));
    context->saved_data["dtype"] = static_cast<int64_t>(theta.scalar_type());
    return MapRows(theta, basis->rows(),
                   [&](const auto& row) { return basis->Times(row); });
  }

  static torch::autograd::variable_list backward(
      torch::autograd::AutogradContext* context,
      const torch::autograd::variable_list& gradients) {
    CheckDifferentiatedOnce("cpab::DifferentiableVelocities");
    const auto holder = context->saved_data["basis"].toCapsule();
    const SparseBasis& basis = *static_cast<const Holder&>(*holder).basis;
    const auto dtype =
        static_cast<torch::Dtype>(context->saved_data["dtype"].toInt());
    const Tensor dl_dtheta =
        MapRows(gradients[0], basis.cols(),
                [&](const auto& row) { return basis.TransposeTimes(row); });
    return {dl_dtheta.to(dtype), Tensor()};
  }

 private:
  struct Holder : torch::CustomClassHolder {
    explicit Holder(std::shared_ptr<const SparseBasis> b)
        : basis(std::move(b)) {}
    std::shared_ptr<const SparseBasis> basis;
  };
};

}  // namespace

Tensor SparseVelocities(const Basis& basis, const Tensor& theta) {
  const SparseBasis& W = *basis.sparse_vertex_basis();
  return MapRows(theta, W.rows(),
                 [&](const auto& row) { return W.Times(row); });
}

Tensor SparseThetaGradient(const Basis& basis, const Tensor& dl_du) {
  const SparseBasis& W = *basis.sparse_vertex_basis();
  return MapRows(dl_du, W.cols(),
                 [&](const auto& row) { return W.TransposeTimes(row); });
}

Tensor DifferentiableVelocities(const Basis& basis, const Tensor& theta) {
  return VelocityFunction::apply(theta, basis.sparse_vertex_basis());
}

}  // namespace cpab
