// Continuous piecewise-affine velocity fields on the unit cube.
//
// The cube is a grid of nx x ny x nz boxes, each cut into five tetrahedra, as
// libcpab has them: the corners whose indices have an even sum span one in the
// middle, and each other corner spans one with its three neighbours, so that
// the faces of adjacent boxes agree. Box (i, j, k) holds the cells
// 5 (i + nx (j + ny k)) + l, l = 0 the one in the middle.
//
// The fields are those of libcpab: vec(A) = B theta with orthonormal B, given
// by one velocity at each vertex as in cpab/field/basis.h. Without
// zero_boundary libcpab wants the derivative normal to the cube's surface to be
// the same in both cells that touch one box's side.
//
// Coordinates: (x, y, z) in [0, 1]^3.
// Source: [CPAB] Sec. 3, tessellation and constraints as in libcpab.
#ifndef CPAB_VOLUME_VOLUME_BASIS_H_
#define CPAB_VOLUME_VOLUME_BASIS_H_

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "Eigen/Core"
#include "absl/status/statusor.h"
#include "cpab/field/sparse_basis.h"

namespace cpab {

struct VolumeOptions {
  // Boxes along x, y and z, 1 to 8 each; to 32 unless volume_preserving.
  int nx = 2;
  int ny = 2;
  int nz = 2;
  // No velocity normal to the cube's surface: the flow maps the cube onto
  // itself.
  bool zero_boundary = false;
  // No divergence in any cell: the flow keeps volumes.
  bool volume_preserving = false;
  // As TessellationOptions::sparse_basis; always so for more than 8 boxes along
  // an axis, never with volume_preserving, whose equations are not local.
  bool sparse_basis = false;
};

// [cells, 12]: row c holds the 3x4 matrix A_c of v = A_c (x, y, z, 1),
// row-major.
using VolumeCoefficients =
    Eigen::Matrix<double, Eigen::Dynamic, 12, Eigen::RowMajor>;

// The 3x4 matrix of one cell.
using AffineVelocity = Eigen::Matrix<double, 3, 4, Eigen::RowMajor>;

// Immutable; safe to use from many threads. Made once and shared.
class VolumeBasis {
 public:
  // InvalidArgument if the options are out of range or contradict each other,
  // or admit no field but zero.
  static absl::StatusOr<std::shared_ptr<const VolumeBasis>> Create(
      const VolumeOptions& options);

  const VolumeOptions& options() const { return options_; }
  int num_cells() const { return static_cast<int>(cells_.size()); }
  // d, the length of theta: 48 for 2x2x2 without constraints.
  int theta_size() const { return theta_size_; }
  // Whether the basis is stored sparsely.
  bool is_sparse() const { return sparse_ != nullptr; }

  // [3, vertices], x running fastest, then y.
  const Eigen::Matrix3Xd& vertices() const { return vertices_; }
  // The four vertices of each cell; the odd corner first in all but the middle.
  const std::vector<std::array<int, 4>>& cells() const { return cells_; }
  // S_c, [4, 4]: barycentric coordinates of x in the cell are S_c (x, 1).
  const Eigen::Matrix4d& shape_matrix(int cell) const { return shapes_[cell]; }

  // [3, 3]: column n is the edge from the last vertex to the n-th.
  const Eigen::Matrix3d& edges(int cell) const { return edges_[cell]; }

  // The cell on the other side of a cell's face, which is named by the vertex
  // across from it.
  struct Neighbour {
    int cell = -1;  // -1: none, the face is on the cube's surface.
    // Where the vertices of this cell are among those of that one; the vertex
    // across from the face is in the place of the one that replaces it.
    std::array<uint8_t, 4> place = {};
  };
  const Neighbour& neighbour(int cell, int face) const {
    return neighbours_[cell][face];
  }

  // The cell that x in [0, 1]^3 is in; any of them on common faces. Points
  // outside: the cell of the nearest point of the cube, where NaN counts as 0.
  int FindCell(const Eigen::Vector3d& x) const;

  // Coefficients of all cells, B theta, and the transpose of that map, which
  // is also the nearest theta to any coefficients.
  VolumeCoefficients CellsFromTheta(
      const Eigen::Ref<const Eigen::VectorXd>& theta) const;
  Eigen::VectorXd ThetaFromCells(const VolumeCoefficients& cells) const;

  // From the velocities at the vertices, [3, vertices]; the nearest field if
  // there is none.
  Eigen::VectorXd ThetaFromVertices(const Eigen::Matrix3Xd& velocities) const;

  // W, [3 vertices, d]: row 3 v + a is component a of vertex v's velocity.
  // Empty if the basis is sparse.
  const Eigen::MatrixXd& vertex_basis() const { return vertex_basis_; }
  // W of a sparse basis; else null.
  const std::shared_ptr<const SparseBasis>& sparse_vertex_basis() const {
    return sparse_;
  }
  // W^T dual: row 3 v + a of dual belongs to component a of vertex v.
  Eigen::VectorXd ThetaFromVertexDual(
      const Eigen::Ref<const Eigen::VectorXd>& dual) const;

 private:
  explicit VolumeBasis(const VolumeOptions& options);

  int Vertex(int i, int j, int k) const {
    return i + (options_.nx + 1) * (j + (options_.ny + 1) * k);
  }
  void PlaceVertices();
  void AddBox(int i, int j, int k);
  void FindNeighbours();
  void Connect(int cell, int face, int other, int other_face);
  VolumeCoefficients CellsFromVertices(const Eigen::VectorXd& velocities) const;

  VolumeOptions options_;
  Eigen::Matrix3Xd vertices_;
  std::vector<std::array<int, 4>> cells_;
  std::vector<Eigen::Matrix4d> shapes_;
  std::vector<Eigen::Matrix3d> edges_;
  std::vector<std::array<Neighbour, 4>> neighbours_;
  Eigen::MatrixXd vertex_basis_;
  std::shared_ptr<const SparseBasis> sparse_;
  int theta_size_;
};

}  // namespace cpab

#endif  // CPAB_VOLUME_VOLUME_BASIS_H_
