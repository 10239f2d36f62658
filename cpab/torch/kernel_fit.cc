#include "cpab/torch/kernel_fit.h"

#include <c10/core/DeviceGuard.h>
#include <torch/types.h>

#include <algorithm>
#include <limits>
#include <memory>

#include "cpab/cuda/fit_batch.h"
#include "cpab/cuda/fit_kernels.h"
#include "cpab/field/tessellation.h"
#include "cpab/fit/keypoint_objective.h"
#include "cpab/torch/current_stream.h"
#include "cpab/torch/device_constants.h"
#include "cpab/torch/kernel_device.h"

namespace cpab {
namespace {

using torch::Tensor;

Tensor ToDouble(const Tensor& tensor) {
  return tensor.detach().to(torch::kFloat64).contiguous();
}

// A kernel's memory, B times what `memory` says.
struct Scratch {
  template <typename Memory>
  Scratch(const Memory& memory, int64_t batch, torch::Device device)
      : doubles(torch::empty(
            {batch, static_cast<int64_t>(memory.num_doubles())},
            torch::TensorOptions().device(device).dtype(torch::kFloat64))),
        ints(torch::empty(
            {batch, static_cast<int64_t>(memory.num_ints())},
            torch::TensorOptions().device(device).dtype(torch::kInt32))) {}

  Tensor doubles, ints;
};

void CheckLaunch(kernels::LaunchError error) {
  TORCH_CHECK(error == nullptr, "CPAB kernel: ", error);
}

// The problems, and the tensors that they refer to.
struct Problems {
  Problems(const KeypointFitter& fitter, const Tensor& p, const Tensor& q,
           const Tensor& w)
      : model(fitter.model()),
        from(ToDouble(p)),
        to(ToDouble(q)),
        weights(w.defined() ? ToDouble(w) : w),
        covariance(Constant(model->vertex_covariance)) {
    const FitOptions& fit = fitter.options();
    const TessellationOptions& cells = fitter.basis()->tessellation().options();
    // Offsets into a problem's matrices are ints.
    TORCH_CHECK(2 * from.size(1) * std::max(size(), 2 * from.size(1)) <=
                    std::numeric_limits<int>::max(),
                from.size(1), " pairs are too many for one fit by kernels");
    batch = {{{cells.nx, cells.ny, cells.zero_boundary},
              covariance.data_ptr<double>()},
             {fit.tension, fit.noise, fit.tolerance, fit.trust_region,
              fit.max_gradient, fit.max_iterations},
             from.size(0),
             static_cast<int>(from.size(1)),
             from.data_ptr<double>(),
             to.data_ptr<double>(),
             weights.defined() ? weights.data_ptr<double>() : nullptr};
  }

  int64_t size() const { return model->vertex_covariance.rows(); }

  // A matrix of the model on the device.
  Tensor Constant(const RowMajorMatrix& m) const {
    return OnDevice(model, m.data(), m.rows(), m.cols(), from.device());
  }

  std::shared_ptr<const FitModel> model;
  Tensor from, to, weights, covariance;
  kernels::FitBatch batch;
};

}  // namespace

KernelFit FitByKernels(const KeypointFitter& fitter, const Tensor& from,
                       const Tensor& to, const Tensor& weights) {
  const torch::Device device = from.device();
  const c10::DeviceGuard guard(device);
  const Problems problems(fitter, from, to, weights);
  const int64_t batch = from.size(0);
  const auto options = problems.from.options();
  const Tensor force = torch::empty({batch, problems.size()}, options);
  const Tensor numbers = torch::empty({4, batch}, options);
  const Tensor iterations = torch::empty({batch}, options.dtype(torch::kInt64));
  const Tensor converged = torch::empty({batch}, options.dtype(torch::kBool));
  double* const number = numbers.data_ptr<double>();
  const kernels::FitResults results = {force.data_ptr<double>(),
                                       number,
                                       number + batch,
                                       number + 2 * batch,
                                       number + 3 * batch,
                                       iterations.data_ptr<int64_t>(),
                                       converged.data_ptr<bool>()};
  if (KernelsRunOnHost(device)) {
    kernels::FitOnHost(problems.batch, results);
  } else {
    const Scratch scratch(
        kernels::FitMemory(problems.batch.model.grid, problems.batch.count),
        batch, device);
    CheckLaunch(kernels::LaunchFit(
        problems.batch, results, scratch.doubles.data_ptr<double>(),
        scratch.ints.data_ptr<int>(), CurrentStream(device)));
  }
  const Tensor theta_from_force =
      problems.Constant(problems.model->theta_from_force);
  return {force.matmul(theta_from_force.t()),
          numbers[0],
          numbers[2],
          numbers[3],
          iterations,
          converged,
          force};
}

KernelPairsGradient PullbackByKernels(const KeypointFitter& fitter,
                                      const Tensor& from, const Tensor& to,
                                      const Tensor& weights,
                                      const KernelFit& fit,
                                      const Tensor& dl_dtheta) {
  const torch::Device device = from.device();
  const c10::DeviceGuard guard(device);
  const Problems problems(fitter, from, to, weights);
  const Tensor force_from_dual =
      problems.Constant(problems.model->force_from_dual);
  const Tensor dual = ToDouble(dl_dtheta).matmul(force_from_dual.t());
  const KernelPairsGradient gradient = {
      torch::empty_like(problems.from), torch::empty_like(problems.to),
      torch::empty({from.size(0)}, fit.converged.options())};
  const kernels::FitPullback pullback = {
      fit.force.data_ptr<double>(),   fit.tension.data_ptr<double>(),
      dual.data_ptr<double>(),        gradient.from.data_ptr<double>(),
      gradient.to.data_ptr<double>(), gradient.exact.data_ptr<bool>()};
  if (KernelsRunOnHost(device)) {
    kernels::PullbackFitOnHost(problems.batch, pullback);
  } else {
    const Scratch scratch(kernels::PullbackMemory(problems.batch.model.grid,
                                                  problems.batch.count),
                          from.size(0), device);
    CheckLaunch(kernels::LaunchFitPullback(
        problems.batch, pullback, scratch.doubles.data_ptr<double>(),
        scratch.ints.data_ptr<int>(), CurrentStream(device)));
  }
  return gradient;
}

}  // namespace cpab
