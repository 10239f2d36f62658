// The matrix behind a VertexJacobian, for comparisons with its products.
#ifndef CPAB_TESTING_DENSE_JACOBIAN_H_
#define CPAB_TESTING_DENSE_JACOBIAN_H_

#include "Eigen/Core"
#include "cpab/field/basis.h"
#include "cpab/flow/vertex_jacobian.h"

namespace cpab::test_util {

// D, [2 K, 2 vertices], column by column.
inline Eigen::MatrixXd DenseJacobian(const VertexJacobian& jacobian,
                                     const Basis& basis) {
  const int columns = 2 * basis.tessellation().num_vertices();
  Eigen::MatrixXd dense(2 * jacobian.num_points(), columns);
  for (int i = 0; i < columns; ++i) {
    dense.col(i) = jacobian.Times(VertexVector::Unit(columns, i)).reshaped();
  }
  return dense;
}

}  // namespace cpab::test_util

#endif  // CPAB_TESTING_DENSE_JACOBIAN_H_
