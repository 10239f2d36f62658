// CPAB transforms of point tensors: a differentiable LibTorch operation.
//
// The mathematics is in cpab/flow/flow.h; this file moves tensors in and out of
// it. On the CPU the walk through the cells and its adjoint run in C++, in
// double whatever the tensors' dtype. On CUDA devices kernels do the same in
// the tensors' dtype, where the build has them (--config=cuda; cpab/cuda): in
// float32 to some 1e-6 times e^K, K the largest velocity gradient. On other
// devices, without kernels, and on request, the paths are computed by tensor
// operations in float64 (cpab/torch/tensor_flow.h).
//
// Coordinates: x right, y down, both in [0, 1] inside the square. Images' are
// in [-1, 1]: x01 = (x + 1) / 2.
#ifndef CPAB_TORCH_TRANSFORM_H_
#define CPAB_TORCH_TRANSFORM_H_

#include <torch/types.h>

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "cpab/field/basis.h"
#include "cpab/field/tessellation.h"

namespace cpab {

// Maps points by T(x; theta), the unit-time flow of the velocity field B theta;
// see cpab/flow/flow.h for its laws. T(.; -theta) undoes T(.; theta).
//
// Copies share the basis. Safe to use from many threads.
class Transform {
 public:
  enum class Implementation {
    kAutomatic,  // Paths in C++ for CPU tensors, kernels for CUDA tensors
                 // where the build has them, else tensor operations.
    kTensorOps,
    kKernels,  // CUDA tensors, and CPU tensors by the host's build of the same
               // source: slower than kAutomatic, for tests.
  };

  // InvalidArgument if the options are out of range. Computes the basis, which
  // takes milliseconds; build once and keep.
  static absl::StatusOr<Transform> Create(const TessellationOptions& options);

  explicit Transform(std::shared_ptr<const Basis> basis);

  const std::shared_ptr<const Basis>& basis() const { return basis_; }

  // d, the length of theta: 58 for 4x4 cells, 130 for 6x6.
  int64_t theta_size() const { return basis_->theta_size(); }

  // Moves points along the flow.
  //
  // theta:   [B, d] float32 or float64, any device.
  // points:  [B, N, 2], or [N, 2] for the same in every batch element; dtype
  //          and device of theta. Points outside the square follow the outward
  //          extension of the field or, with zero_boundary, the nearest point
  //          of the square: see cpab/flow/flow.h.
  // Returns  [B, N, 2], differentiable once in theta and points. On the CPU
  //          each batch element's values and gradients are bit for bit those it
  //          has alone, on any number of threads. Kernels on CUDA add up the
  //          gradient of theta in any order: its last bits vary. A point that
  //          is not finite has NaN for its image and its gradient, and adds
  //          nothing to the gradient of theta.
  //
  // A wrong shape, dtype or device, or a backward pass with create_graph =
  // true, is a bug in the caller: TORCH_CHECK.
  torch::Tensor Apply(
      const torch::Tensor& theta, const torch::Tensor& points,
      Implementation implementation = Implementation::kAutomatic) const;

 private:
  std::shared_ptr<const Basis> basis_;
};

}  // namespace cpab

#endif  // CPAB_TORCH_TRANSFORM_H_
