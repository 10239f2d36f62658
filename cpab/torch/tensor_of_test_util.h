// Points and parameters of tests as tensors.
#ifndef CPAB_TORCH_TENSOR_OF_TEST_UTIL_H_
#define CPAB_TORCH_TENSOR_OF_TEST_UTIL_H_

#include <torch/types.h>

#include "Eigen/Core"

namespace cpab::test_util {

// [N, R] from the N columns of [R, N], float64.
inline torch::Tensor TensorOf(const Eigen::MatrixXd& columns) {
  torch::Tensor result =
      torch::empty({columns.cols(), columns.rows()},
                   torch::TensorOptions().dtype(torch::kFloat64));
  Eigen::Map<Eigen::MatrixXd>(result.data_ptr<double>(), columns.rows(),
                              columns.cols()) = columns;
  return result;
}

}  // namespace cpab::test_util

#endif  // CPAB_TORCH_TENSOR_OF_TEST_UTIL_H_
