// CPAB transforms of signals and volumes: differentiable LibTorch operations in
// one and three dimensions. Those of the plane are in cpab/torch/transform.h
// and cpab/torch/tensor_warp.h.
//
// The walk through the cells, its adjoint and the interpolation run in C++ on
// the CPU, in double whatever the tensors' dtype, on ATen's threads. Tensors of
// other devices are copied there and the results back.
//
// Coordinates: [0, 1] along each axis; the centres of the first and the last
// sample of a signal or volume are 0 and 1.
#ifndef CPAB_TORCH_BATCH_TRANSFORM_H_
#define CPAB_TORCH_BATCH_TRANSFORM_H_

#include <torch/types.h>

#include <cstdint>
#include <memory>

#include "cpab/batch/interpolate.h"
#include "cpab/interval/interval_flow.h"
#include "cpab/volume/volume_basis.h"

namespace cpab {

// T(x; theta) of the unit interval; see cpab/interval/interval_flow.h. Copies
// share the basis. Safe to use from many threads.
class SignalTransform {
 public:
  explicit SignalTransform(std::shared_ptr<const IntervalBasis> basis);

  const std::shared_ptr<const IntervalBasis>& basis() const { return basis_; }
  int64_t theta_size() const { return basis_->theta_size(); }

  // theta:   [B, d] float32 or float64.
  // points:  [B, N], or [N] for the same in every batch element; dtype and
  //          device of theta.
  // Returns  [B, N], differentiable once in theta and points. Each batch
  //          element's values and gradients are bit for bit those it has alone.
  //          A point that is not finite has NaN for its image and its gradient,
  //          and adds nothing to the gradient of theta.
  //
  // A wrong shape, dtype or device, or a backward pass with create_graph =
  // true, is a bug in the caller: TORCH_CHECK.
  torch::Tensor Apply(const torch::Tensor& theta,
                      const torch::Tensor& points) const;

  // result[b, c, i] = signals[b, c] at T(i / (length_b - 1); theta_b): a sample
  // of the result looks up where it comes from, as in cpab/torch/tensor_warp.h.
  //
  // signals: [B, C, L], dtype and device of theta.
  // lengths: undefined, or [B] int64 on the CPU, 1 to L: how many samples of
  //          each signal count; the rest is padding. The result is 0 there.
  // Returns  [B, C, L], differentiable once in theta and signals.
  torch::Tensor Warp(const torch::Tensor& theta, const torch::Tensor& signals,
                     const torch::Tensor& lengths = {},
                     Beyond beyond = Beyond::kNearest) const;

 private:
  std::shared_ptr<const IntervalBasis> basis_;
};

// T(x; theta) of the unit cube; see cpab/volume/volume_flow.h. Copies share the
// basis. Safe to use from many threads.
class VolumeTransform {
 public:
  explicit VolumeTransform(std::shared_ptr<const VolumeBasis> basis);

  const std::shared_ptr<const VolumeBasis>& basis() const { return basis_; }
  int64_t theta_size() const { return basis_->theta_size(); }

  // As SignalTransform::Apply, for points [B, N, 3] or [N, 3] of (x, y, z).
  torch::Tensor Apply(const torch::Tensor& theta,
                      const torch::Tensor& points) const;

  // As SignalTransform::Warp, for volumes [B, C, D, H, W], with x along W, y
  // along H and z along D.
  torch::Tensor Warp(const torch::Tensor& theta, const torch::Tensor& volumes,
                     Beyond beyond = Beyond::kNearest) const;

 private:
  std::shared_ptr<const VolumeBasis> basis_;
};

}  // namespace cpab

#endif  // CPAB_TORCH_BATCH_TRANSFORM_H_
