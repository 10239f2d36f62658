// Keypoint inference and its gradient by the kernels of cpab/cuda: all
// iterations on the device of the keypoints, nothing waits for it. On the CPU,
// by the host's build of the same source.
//
// Private to //cpab/torch: FitKeypoints in cpab/torch/tensor_fit.h calls it.
#ifndef CPAB_TORCH_KERNEL_FIT_H_
#define CPAB_TORCH_KERNEL_FIT_H_

#include <torch/types.h>

#include "cpab/fit/fit.h"

namespace cpab {

// On the keypoints' device, without gradient. As the fields of FitResult.
struct KernelFit {
  torch::Tensor theta;     // [B, d] float64
  torch::Tensor residual;  // [B] float64, as the two that follow
  torch::Tensor tension;
  torch::Tensor max_gradient;
  torch::Tensor iterations;  // [B] int64
  torch::Tensor converged;   // [B] bool
  torch::Tensor force;       // [B, 2 vertices] float64, as in FitBatch
};

// fitter's solver is kGaussNewton. from, to: [B, K, 2]; weights: undefined or
// [B, K]. float32 or float64; computes in float64.
KernelFit FitByKernels(const KeypointFitter& fitter, const torch::Tensor& from,
                       const torch::Tensor& to, const torch::Tensor& weights);

// As the fields of PairsGradient, on the keypoints' device.
struct KernelPairsGradient {
  torch::Tensor from, to;  // [B, K, 2] float64
  torch::Tensor exact;     // [B] bool
};

// `fit` is FitByKernels of the same arguments; dl_dtheta: [B, d].
KernelPairsGradient PullbackByKernels(const KeypointFitter& fitter,
                                      const torch::Tensor& from,
                                      const torch::Tensor& to,
                                      const torch::Tensor& weights,
                                      const KernelFit& fit,
                                      const torch::Tensor& dl_dtheta);

}  // namespace cpab

#endif  // CPAB_TORCH_KERNEL_FIT_H_
