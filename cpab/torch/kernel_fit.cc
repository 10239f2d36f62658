#include "cpab/torch/kernel_fit.h"

#include <c10/core/DeviceGuard.h>
#include <torch/torch.h>

#include <algorithm>
#include <limits>

#include "cpab/cuda/fit_batch.h"
#include "cpab/cuda/fit_kernels.h"
#include "cpab/field/tessellation.h"
#include "cpab/fit/keypoint_objective.h"
#include "cpab/torch/current_stream.h"
#include "cpab/torch/device_constants.h"

namespace cpab {
namespace {

using torch::Tensor;

Tensor ToDouble(const Tensor& tensor) {
  return tensor.detach().to(torch::kFloat64).contiguous();
}

void Launch(const kernels::FitBatch& problems,
            const kernels::FitResults& results, const torch::Device& device) {
  const kernels::FitMemory memory(problems.model.grid, problems.count);
  const auto options = torch::TensorOptions().device(device);
  const Tensor doubles =
      torch::empty({problems.batch, static_cast<int64_t>(memory.num_doubles())},
                   options.dtype(torch::kFloat64));
  const Tensor ints =
      torch::empty({problems.batch, static_cast<int64_t>(memory.num_ints())},
                   options.dtype(torch::kInt32));
  const kernels::LaunchError error =
      kernels::LaunchFit(problems, results, doubles.data_ptr<double>(),
                         ints.data_ptr<int>(), CurrentStream(device));
  TORCH_CHECK(error == nullptr, "CPAB kernel: ", error);
}

}  // namespace

KernelFit FitByKernels(const KeypointFitter& fitter, const Tensor& from,
                       const Tensor& to, const Tensor& weights) {
  const torch::Device device = from.device();
  const c10::DeviceGuard guard(device);
  const FitOptions& fit = fitter.options();
  const FitModel& model = *fitter.model();
  const TessellationOptions& cells = fitter.basis()->tessellation().options();
  const int64_t batch = from.size(0), size = model.vertex_covariance.rows();
  // Offsets into a problem's matrices are ints.
  TORCH_CHECK(2 * from.size(1) * std::max(size, 2 * from.size(1)) <=
                  std::numeric_limits<int>::max(),
              from.size(1), " pairs are too many for one fit by kernels");
  const auto constant = [&](const RowMajorMatrix& m) {
    return OnDevice(fitter.model(), m.data(), m.rows(), m.cols(), device);
  };
  const Tensor covariance = constant(model.vertex_covariance);
  const Tensor p = ToDouble(from), q = ToDouble(to);
  const Tensor w = weights.defined() ? ToDouble(weights) : weights;
  const kernels::FitBatch problems = {
      {{cells.nx, cells.ny}, covariance.data_ptr<double>()},
      {fit.tension, fit.noise, fit.tolerance, fit.trust_region,
       fit.max_gradient, fit.max_iterations},
      batch,
      static_cast<int>(from.size(1)),
      p.data_ptr<double>(),
      q.data_ptr<double>(),
      w.defined() ? w.data_ptr<double>() : nullptr};

  const auto options = p.options();
  const Tensor force = torch::empty({batch, size}, options);
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
  if (device.is_cpu()) {
    kernels::FitOnHost(problems, results);
  } else {
    Launch(problems, results, device);
  }
  return {force.matmul(constant(model.theta_from_force).t()),
          numbers[0],
          numbers[2],
          numbers[3],
          iterations,
          converged};
}

}  // namespace cpab
