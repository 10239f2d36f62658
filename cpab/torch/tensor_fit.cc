#include "cpab/torch/tensor_fit.h"

#include <torch/autograd.h>
#include <torch/types.h>

#include <vector>

#include "cpab/torch/aten_parallel.h"
#include "cpab/torch/kernel_device.h"
#include "cpab/torch/kernel_fit.h"
#include "cpab/torch/once_differentiable.h"
#include "cpab/torch/tensor_of.h"

namespace cpab {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

Tensor ToCpuDouble(const Tensor& tensor) {
  return tensor.detach()
      .to(torch::TensorOptions().device(torch::kCPU).dtype(torch::kFloat64))
      .contiguous();
}

// [N, 2] as columns.
Eigen::Matrix2Xd ColumnsOf(const Tensor& points) {
  return Eigen::Map<const Eigen::Matrix2Xd>(points.data_ptr<double>(), 2,
                                            points.size(0));
}

// The problems of a batch, with what their pullback needs.
struct Batch : torch::CustomClassHolder {
  explicit Batch(const KeypointFitter& f) : fitter(f) {}

  KeypointFitter fitter;
  std::vector<KeypointPairs> problems;
  std::vector<FitResult> results;
  Tensor exact_gradient;  // As in KeypointFit; filled by the pullback.
};

std::vector<KeypointPairs> ProblemsOf(const Tensor& from, const Tensor& to,
                                      const Tensor& weights) {
  const Tensor p = ToCpuDouble(from), q = ToCpuDouble(to);
  const Tensor w = weights.defined() ? ToCpuDouble(weights) : weights;
  std::vector<KeypointPairs> problems(p.size(0));
  for (int64_t b = 0; b < p.size(0); ++b) {
    KeypointPairs& pairs = problems[b];
    pairs.from = ColumnsOf(p[b]);
    pairs.to = ColumnsOf(q[b]);
    if (w.defined()) {
      pairs.weights =
          Eigen::Map<const Eigen::VectorXd>(w[b].data_ptr<double>(), w.size(1));
    }
  }
  return problems;
}

c10::intrusive_ptr<Batch> SolveBatch(const KeypointFitter& fitter,
                                     const Tensor& from, const Tensor& to,
                                     const Tensor& weights) {
  auto batch = c10::make_intrusive<Batch>(fitter);
  batch->problems = ProblemsOf(from, to, weights);
  batch->results = fitter.FitAll(batch->problems, AtenParallelFor);
  batch->exact_gradient = torch::zeros({from.size(0)}, torch::kBool);
  return batch;
}

// Pulls dL/dtheta [B, d] back to the pairs of each problem; fills the batch's
// exact_gradient.
variable_list PullbackToPairs(const Batch& batch, const Tensor& gradient,
                              const Tensor& like) {
  const Tensor dl_dtheta = ToCpuDouble(gradient);
  Tensor dl_dfrom = torch::empty(like.sizes(), torch::kFloat64);
  Tensor dl_dto = torch::empty(like.sizes(), torch::kFloat64);
  bool* const exact = batch.exact_gradient.data_ptr<bool>();
  AtenParallelFor(batch.problems.size(), [&](int64_t b) {
    const PairsGradient of_pairs = batch.fitter.Pullback(
        batch.problems[b], batch.results[b],
        Eigen::Map<const Eigen::VectorXd>(
            dl_dtheta.data_ptr<double>() + b * dl_dtheta.size(1),
            dl_dtheta.size(1)));
    const int64_t offset = b * of_pairs.from.size();
    Eigen::Map<Eigen::Matrix2Xd>(dl_dfrom.data_ptr<double>() + offset, 2,
                                 of_pairs.from.cols()) = of_pairs.from;
    Eigen::Map<Eigen::Matrix2Xd>(dl_dto.data_ptr<double>() + offset, 2,
                                 of_pairs.to.cols()) = of_pairs.to;
    exact[b] = of_pairs.exact;
  });
  return {dl_dfrom.to(like.options()), dl_dto.to(like.options())};
}

// [B, d] on the device and in the dtype of `like`.
Tensor ThetaOf(const Batch& batch, const Tensor& like) {
  Eigen::MatrixXd theta(batch.fitter.basis()->theta_size(),
                        batch.results.size());
  for (size_t b = 0; b < batch.results.size(); ++b) {
    theta.col(b) = batch.results[b].theta;
  }
  return TensorOf(theta).to(like.options());
}

// theta with its gradient, by the implicit function theorem: see
// cpab/fit/keypoint_pullback.h. The other results leave through `batch`.
class ImplicitTheta : public torch::autograd::Function<ImplicitTheta> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& from,
                        const Tensor& /*to*/,
                        const c10::intrusive_ptr<Batch>& batch) {
    context->saved_data["batch"] = torch::IValue::make_capsule(batch);
    context->saved_data["like"] = from.detach();
    return ThetaOf(*batch, from);
  }

  static variable_list backward(AutogradContext* context,
                                const variable_list& gradients) {
    CheckDifferentiatedOnce("cpab::FitKeypoints");
    const auto capsule = context->saved_data["batch"].toCapsule();
    const Batch& batch = static_cast<const Batch&>(*capsule);
    const Tensor like = context->saved_data["like"].toTensor();
    variable_list result = PullbackToPairs(batch, gradients[0], like);
    result.emplace_back();
    return result;
  }
};

// The fits of kernels, with what their pullback needs.
struct KernelBatch : torch::CustomClassHolder {
  KernelBatch(const KeypointFitter& f, const Tensor& p, const Tensor& q,
              const Tensor& w)
      : fitter(f),
        // The caller may write to its own before the pullback.
        from(p.detach().clone()),
        to(q.detach().clone()),
        weights(w.defined() ? w.detach().clone() : w),
        fit(FitByKernels(f, p, q, w)),
        exact_gradient(torch::zeros({p.size(0)}, fit.converged.options())) {}

  KeypointFitter fitter;
  Tensor from, to, weights;
  KernelFit fit;
  Tensor exact_gradient;  // As in KeypointFit; filled by the pullback.
};

// As ImplicitTheta.
class ImplicitKernelTheta
    : public torch::autograd::Function<ImplicitKernelTheta> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& from,
                        const Tensor& /*to*/,
                        const c10::intrusive_ptr<KernelBatch>& batch) {
    context->saved_data["batch"] = torch::IValue::make_capsule(batch);
    return batch->fit.theta.to(from.scalar_type(), /*non_blocking=*/false,
                               /*copy=*/true);
  }

  static variable_list backward(AutogradContext* context,
                                const variable_list& gradients) {
    CheckDifferentiatedOnce("cpab::FitKeypoints");
    const auto capsule = context->saved_data["batch"].toCapsule();
    const KernelBatch& batch = static_cast<const KernelBatch&>(*capsule);
    const KernelPairsGradient of_pairs =
        PullbackByKernels(batch.fitter, batch.from, batch.to, batch.weights,
                          batch.fit, gradients[0]);
    batch.exact_gradient.copy_(of_pairs.exact);
    const torch::Dtype dtype = batch.from.scalar_type();
    return {of_pairs.from.to(dtype), of_pairs.to.to(dtype), Tensor()};
  }
};

KeypointFit FitOnDevice(const KeypointFitter& fitter, const Tensor& from,
                        const Tensor& to, ThetaGradient gradient,
                        const Tensor& weights) {
  const auto batch =
      c10::make_intrusive<KernelBatch>(fitter, from, to, weights);
  const torch::Dtype dtype = from.scalar_type();
  KeypointFit fit;
  if (gradient == ThetaGradient::kImplicit) {
    fit.theta = ImplicitKernelTheta::apply(from, to, batch);
    fit.exact_gradient = batch->exact_gradient;
  } else {
    fit.theta = batch->fit.theta.to(dtype);
  }
  fit.residual = batch->fit.residual.to(dtype);
  fit.max_gradient = batch->fit.max_gradient.to(dtype);
  fit.iterations = batch->fit.iterations;
  fit.converged = batch->fit.converged;
  return fit;
}

// One number of each result, on the device of `like`.
template <typename T, typename Getter>
Tensor Column(const Batch& batch, const Tensor& like, torch::Dtype dtype,
              Getter getter) {
  const int64_t count = static_cast<int64_t>(batch.results.size());
  Tensor column = torch::empty(
      {count},
      torch::TensorOptions().dtype(torch::CppTypeToScalarType<T>::value));
  for (int64_t b = 0; b < count; ++b) {
    column.data_ptr<T>()[b] = getter(batch.results[b]);
  }
  return column.to(like.device(), dtype);
}

void CheckArguments(const KeypointFitter& fitter, const Tensor& from,
                    const Tensor& to, ThetaGradient gradient,
                    const Tensor& weights) {
  TORCH_CHECK(from.dim() == 3 && from.size(2) == 2,
              "from must be [B, K, 2], is ", from.sizes());
  TORCH_CHECK(to.sizes() == from.sizes(), "to must be ", from.sizes(), ", is ",
              to.sizes());
  TORCH_CHECK(from.scalar_type() == torch::kFloat32 ||
                  from.scalar_type() == torch::kFloat64,
              "from must be float32 or float64, is ", from.scalar_type());
  TORCH_CHECK(
      to.scalar_type() == from.scalar_type() && to.device() == from.device(),
      "from is ", from.scalar_type(), " on ", from.device(), ", to is ",
      to.scalar_type(), " on ", to.device());
  TORCH_CHECK(!weights.defined() || weights.sizes() == from.sizes().slice(0, 2),
              "weights must be [", from.size(0), ", ", from.size(1), "], are ",
              weights.sizes());
  TORCH_CHECK(
      !weights.defined() || (weights.scalar_type() == from.scalar_type() &&
                             weights.device() == from.device()),
      "weights must be as from, ", from.scalar_type(), " on ", from.device(),
      ", are ", weights.scalar_type(), " on ", weights.device());
  TORCH_CHECK(gradient == ThetaGradient::kDetached ||
                  fitter.options().solver == FitOptions::Solver::kGaussNewton,
              "Adam's theta has no implicit gradient: it is not at a minimum");
}

}  // namespace

KeypointFit FitKeypoints(const KeypointFitter& fitter, const Tensor& from,
                         const Tensor& to, ThetaGradient gradient,
                         const Tensor& weights,
                         FitImplementation implementation) {
  CheckArguments(fitter, from, to, gradient, weights);
  const bool has_kernel =
      fitter.options().solver == FitOptions::Solver::kGaussNewton;
  if (implementation == FitImplementation::kKernels) {
    TORCH_CHECK(has_kernel, "there is no kernel for Adam");
    return FitOnDevice(fitter, from, to, gradient, weights);
  }
  if (has_kernel && HasKernelsFor(from.device())) {
    return FitOnDevice(fitter, from, to, gradient, weights);
  }
  const c10::intrusive_ptr<Batch> batch = SolveBatch(fitter, from, to, weights);
  const torch::Dtype dtype = from.scalar_type();
  KeypointFit fit;
  if (gradient == ThetaGradient::kImplicit) {
    fit.theta = ImplicitTheta::apply(from, to, batch);
    fit.exact_gradient = batch->exact_gradient;
  } else {
    fit.theta = ThetaOf(*batch, from);
  }
  fit.residual = Column<double>(*batch, from, dtype,
                                [](const FitResult& r) { return r.residual; });
  fit.max_gradient = Column<double>(
      *batch, from, dtype, [](const FitResult& r) { return r.max_gradient; });
  fit.iterations =
      Column<int64_t>(*batch, from, torch::kInt64,
                      [](const FitResult& r) { return int64_t{r.iterations}; });
  fit.converged = Column<bool>(*batch, from, torch::kBool,
                               [](const FitResult& r) { return r.converged; });
  return fit;
}

}  // namespace cpab
