// Linear finite elements on the cells of a tessellation, for
// cpab/field/sparse_prior.h.
//
// Private to //cpab.
#ifndef CPAB_FIELD_FINITE_ELEMENTS_H_
#define CPAB_FIELD_FINITE_ELEMENTS_H_

#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

#include "Eigen/Core"
#include "Eigen/LU"
#include "Eigen/SparseCore"
#include "cpab/field/null_space.h"

namespace cpab {

struct FiniteElements {
  int dimensions;
  Eigen::VectorXd mass;    // [vertices]: a share of the cells around each.
  SparseMatrix stiffness;  // [vertices, vertices]: integrals of grad . grad.
};

// cells: the D + 1 vertices of each cell. shape_matrix(c): the [D + 1, D + 1]
// matrix S_c with barycentric coordinates S_c (x, 1).
template <std::size_t kCorners, typename ShapeMatrix>
FiniteElements MakeFiniteElements(
    const std::vector<std::array<int, kCorners>>& cells,
    Eigen::Index num_vertices, ShapeMatrix shape_matrix) {
  constexpr int D = static_cast<int>(kCorners) - 1;
  FiniteElements elements = {D, Eigen::VectorXd::Zero(num_vertices),
                             SparseMatrix(num_vertices, num_vertices)};
  double factorial = 1;
  for (int a = 2; a <= D; ++a) factorial *= a;
  std::vector<Eigen::Triplet<double>> triplets;
  for (std::size_t c = 0; c < cells.size(); ++c) {
    const auto& shape = shape_matrix(static_cast<int>(c));
    const double volume = 1 / (factorial * std::abs(shape.determinant()));
    for (std::size_t m = 0; m < kCorners; ++m) {
      elements.mass[cells[c][m]] += volume / kCorners;
      for (std::size_t n = 0; n < kCorners; ++n) {
        triplets.emplace_back(cells[c][m], cells[c][n],
                              volume * shape.row(m).template head<D>().dot(
                                           shape.row(n).template head<D>()));
      }
    }
  }
  elements.stiffness.setFromTriplets(triplets.begin(), triplets.end());
  return elements;
}

}  // namespace cpab

#endif  // CPAB_FIELD_FINITE_ELEMENTS_H_
