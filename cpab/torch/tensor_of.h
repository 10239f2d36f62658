// Columns of points or parameters as a tensor.
#ifndef CPAB_TORCH_TENSOR_OF_H_
#define CPAB_TORCH_TENSOR_OF_H_

#include <torch/types.h>

#include "Eigen/Core"

namespace cpab {

// [N, R] from the N columns of [R, N], float64.
inline torch::Tensor TensorOf(const Eigen::MatrixXd& columns) {
  torch::Tensor result =
      torch::empty({columns.cols(), columns.rows()},
                   torch::TensorOptions().dtype(torch::kFloat64));
  Eigen::Map<Eigen::MatrixXd>(result.data_ptr<double>(), columns.rows(),
                              columns.cols()) = columns;
  return result;
}

}  // namespace cpab

#endif  // CPAB_TORCH_TENSOR_OF_H_
