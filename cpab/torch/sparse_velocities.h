// The velocities at the vertices of a basis that is stored sparsely, u = W
// theta, and the way back, for tensors of any device: W is the product of
// sparse factors, which are solved on the CPU, to which theta is copied, and u
// back.
//
// Private to //cpab/torch.
#ifndef CPAB_TORCH_SPARSE_VELOCITIES_H_
#define CPAB_TORCH_SPARSE_VELOCITIES_H_

#include <torch/types.h>

#include "cpab/field/basis.h"

namespace cpab {

// theta: [B, d]. Returns u, [B, 2 vertices] float64, on the device of theta;
// without gradient.
torch::Tensor SparseVelocities(const Basis& basis, const torch::Tensor& theta);

// W^T dl_du: dL/dtheta, [B, d] float64, of dL/du [B, 2 vertices].
torch::Tensor SparseThetaGradient(const Basis& basis,
                                  const torch::Tensor& dl_du);

// As SparseVelocities, once differentiable in theta.
torch::Tensor DifferentiableVelocities(const Basis& basis,
                                       const torch::Tensor& theta);

}  // namespace cpab

#endif  // CPAB_TORCH_SPARSE_VELOCITIES_H_
