// Keypoint-based transformation inference for batches of tensors.
//
// The mathematics and its guarantees are in cpab/fit/fit.h; this file moves
// tensors in and out of it. Problems are solved in C++, in double whatever the
// tensors' dtype: those of CUDA tensors by kernels, a block of threads to a
// problem, where the build has them (--config=cuda; cpab/cuda), so that neither
// theta nor its implicit gradient waits for the device; all others on the CPU,
// spread over ATen's threads, one problem to a thread, to which keypoints of
// other devices are copied, and theta back.
//
// Coordinates: x right, y down, [0, 1] inside the square. Keypoints of images
// are in [-1, 1]: x01 = (x + 1) / 2.
#ifndef CPAB_TORCH_TENSOR_FIT_H_
#define CPAB_TORCH_TENSOR_FIT_H_

#include <torch/types.h>

#include "cpab/fit/fit.h"

namespace cpab {

// Whether theta depends on the keypoints as far as autograd is concerned.
enum class ThetaGradient {
  kDetached,  // No: what the paper does.
  kImplicit,  // By the implicit function theorem at the minimum of
              // cpab/fit/fit.h's objective that theta is near, once
              // differentiable: a backward pass with create_graph = true
              // throws. theta itself is the same as without. Costs about three
              // times the fit. Not for FitOptions::Solver::kAdam.
};

enum class FitImplementation {
  kAutomatic,  // Kernels for CUDA tensors where the build has them and the
               // solver is kGaussNewton; else the CPU.
  kKernels,    // CUDA tensors, and CPU tensors by the host's build of the same
               // source, in one thread: for tests. kGaussNewton only.
};

// Everything but `theta` is without gradient. Devices as the keypoints'.
struct KeypointFit {
  torch::Tensor theta;  // [B, d], dtype of the keypoints
  // [B], dtype of the keypoints: sqrt(sum w |to - T(from; theta)|^2), in sides
  // of the square; the paper's loss is twice this.
  torch::Tensor residual;
  torch::Tensor max_gradient;  // [B], as FitResult::max_gradient
  torch::Tensor iterations;    // [B] int64
  torch::Tensor converged;     // [B] bool
  // [B] bool, for kImplicit; else undefined. All false until theta's gradient
  // has been pulled back, from then on PairsGradient::exact. On the keypoints'
  // device where kernels did it, else on the CPU.
  torch::Tensor exact_gradient;
};

// Finds the theta of each problem b with T(from[b]; theta[b]) = to[b], as far
// as a smooth field of bounded gradient can.
//
// from, to:  [B, K, 2] float32 or float64, same shape, dtype and device.
//            K may be 0: the result is the identity.
// weights:   undefined (all 1), or [B, K] of the same dtype and device, at
//            least 0. Pairs of weight 0 are ignored, so that problems with
//            different numbers of pairs are padded to K. Without gradient.
//
// Each problem's result is bit for bit the one it has alone, in any batch and
// on any number of threads. Kernels' results differ from the CPU's by rounding,
// and by that of one matrix product in another batch.
// A problem with a point or weight that KeypointFitter::Fit() does not take
// (not finite, too large, a negative weight) has NaN for theta and residual;
// the others are not touched.
//
// A wrong shape, dtype or device is a bug in the caller: TORCH_CHECK.
KeypointFit FitKeypoints(
    const KeypointFitter& fitter, const torch::Tensor& from,
    const torch::Tensor& to, ThetaGradient gradient = ThetaGradient::kDetached,
    const torch::Tensor& weights = {},
    FitImplementation implementation = FitImplementation::kAutomatic);

}  // namespace cpab

#endif  // CPAB_TORCH_TENSOR_FIT_H_
