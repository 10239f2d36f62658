// An orthonormal basis of the continuous piecewise-affine velocity fields on
// a tessellation: vec(A) = B theta.
//
// Source: [CPAB] Sec. 3; libcpab takes a singular value decomposition instead.
//
// vec(A) stacks the coefficients of all cells, [cells, 2, 3] row-major, with
// v(x) = A_c (x, y, 1)^T in cell c. The continuous fields among them are those
// that are given by one velocity per vertex, so vec(A) = P u with a sparse P of
// full column rank; the outside and boundary constraints are a few sparse
// equations C u = 0, and fields without divergence are sums of vortices, a few
// vertices each. With Z spanning the null space of C and L L^T the
// Cholesky factors of Z^T P^T P Z, W = Z L^-T gives vertex velocities u =
// W theta, and B = P W has orthonormal columns. Only W is kept: B itself
// (117 MB for 20x20 cells) is never needed. For fine tessellations W is dense,
// too, but the product of sparse factors: cpab/field/sparse_basis.h.
//
// The columns follow from a fixed order of elimination, so that theta means
// the same on every machine up to rounding. They are not libcpab's: those
// depend on the LAPACK it runs on. Spans agree.
#ifndef CPAB_FIELD_BASIS_H_
#define CPAB_FIELD_BASIS_H_

#include <memory>
#include <vector>

#include "Eigen/Core"
#include "absl/status/statusor.h"
#include "cpab/field/sparse_basis.h"
#include "cpab/field/tessellation.h"

namespace cpab {

// [cells, 6]: row c holds A_c as a, b, c, d, e, f: v = (a x + b y + c,
// d x + e y + f). Contiguous in the order of a [cells, 2, 3] tensor.
using CellCoefficients =
    Eigen::Matrix<double, Eigen::Dynamic, 6, Eigen::RowMajor>;

// Row-major so that all that depends on one degree of freedom is contiguous.
using RowMajorMatrix =
    Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// Immutable; safe to use from many threads. Made once and shared.
class Basis {
 public:
  // InvalidArgument if the options are out of range, or admit no field but
  // zero (1x1 cells with zero boundary and volume preservation).
  static absl::StatusOr<std::shared_ptr<const Basis>> Create(
      const TessellationOptions& options);

  const Tessellation& tessellation() const { return tessellation_; }

  // d, the length of theta: 58 for 4x4 cells without constraints.
  int theta_size() const { return theta_size_; }

  // Whether the basis is stored sparsely: TessellationOptions::sparse_basis, or
  // more than 32 rectangles along an axis.
  bool is_sparse() const { return sparse_ != nullptr; }

  // Coefficients of all cells, B theta. `theta` has theta_size() elements.
  CellCoefficients CellsFromTheta(
      const Eigen::Ref<const Eigen::VectorXd>& theta) const;

  // B^T vec(A): the transpose, which turns a gradient with respect to the
  // coefficients into one with respect to theta; since B is orthonormal, also
  // the theta nearest to any coefficients and the exact one for admissible A.
  Eigen::VectorXd ThetaFromCells(const CellCoefficients& cells) const;

  // Velocities at the vertices, [2, num_vertices], and back: the P1 view of
  // the field. ThetaFromVertices is the exact inverse on admissible fields and
  // nearest in || B theta - P u || on others.
  Eigen::Matrix2Xd VerticesFromTheta(
      const Eigen::Ref<const Eigen::VectorXd>& theta) const;
  Eigen::VectorXd ThetaFromVertices(const Eigen::Matrix2Xd& velocities) const;

  // P u: the coefficients of all cells of the field with such velocities.
  CellCoefficients CellsFromVertices(const Eigen::Matrix2Xd& velocities) const;

  // W, [2 num_vertices, d]: row 2 v + a is component a of vertex v's velocity.
  // Empty if the basis is sparse.
  const RowMajorMatrix& vertex_basis() const { return vertex_basis_; }
  // W of a sparse basis; else null.
  const std::shared_ptr<const SparseBasis>& sparse_vertex_basis() const {
    return sparse_;
  }
  // W^T dual: row 2 v + a of dual belongs to component a of vertex v.
  Eigen::VectorXd ThetaFromVertexDual(
      const Eigen::Ref<const Eigen::VectorXd>& dual) const;

  // [3, 3]: A_c = U S_c, where column n of U [2, 3] is the velocity of the
  // cell's n-th vertex.
  const Eigen::Matrix3d& shape_matrix(int cell) const {
    return shape_matrices_[cell];
  }

  // B, [6 cells, d], as a dense matrix: for tests and small tessellations.
  Eigen::MatrixXd Matrix() const;

 private:
  explicit Basis(Tessellation tessellation);

  // P^T vec(A), [2, num_vertices].
  Eigen::Matrix2Xd VerticesFromCellGradient(
      const CellCoefficients& gradient) const;

  Tessellation tessellation_;
  std::vector<Eigen::Matrix3d> shape_matrices_;
  RowMajorMatrix vertex_basis_;
  std::shared_ptr<const SparseBasis> sparse_;
  int theta_size_;
};

}  // namespace cpab

#endif  // CPAB_FIELD_BASIS_H_
