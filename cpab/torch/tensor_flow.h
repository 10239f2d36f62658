// T(points; theta) and its gradient by tensor operations alone, for any device.
//
// All points advance together, each by one arc an iteration, until the last
// one has used up its time. The formulas are those of cpab/flow/affine_flow.h
// and cpab/flow/path.cc, whose comments explain them; here each is applied to
// tensors that hold one element for every point.
//
// Private to //cpab/torch: Transform in cpab/torch/transform.h calls it.
#ifndef CPAB_TORCH_TENSOR_FLOW_H_
#define CPAB_TORCH_TENSOR_FLOW_H_

#include <torch/types.h>

#include "cpab/field/basis.h"

namespace cpab {

// theta [B, d], points [B, N, 2] or [N, 2], float32 or float64 on one device;
// computes in float64. Returns [B, N, 2] in the dtype of the points,
// differentiable once. What is not finite as in Flow::Pullback.
torch::Tensor TensorFlow(const Basis& basis, const torch::Tensor& theta,
                         const torch::Tensor& points);

}  // namespace cpab

#endif  // CPAB_TORCH_TENSOR_FLOW_H_
