#include "cpab/volume/volume_basis.h"

#include <algorithm>
#include <map>
#include <utility>

#include "Eigen/LU"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "cpab/field/null_space.h"

namespace cpab {
namespace {

constexpr int kMaxDenseBoxes = 8;
constexpr int kMaxBoxes = 32;

// The odd corners of a box whose first corner is even, in libcpab's order of
// their cells; in a box whose first corner is odd they are those turned by a
// right angle about z.
constexpr int kOddCorners[2][4][3] = {
    {{0, 0, 1}, {1, 1, 1}, {0, 1, 0}, {1, 0, 0}},
    {{1, 0, 1}, {0, 1, 1}, {0, 0, 0}, {1, 1, 0}}};

bool OnBorder(double coordinate) { return coordinate == 0 || coordinate == 1; }

// The equations between the vertices' velocities. Unknown 3 v + a.
class VolumeConstraints {
 public:
  explicit VolumeConstraints(const VolumeBasis& basis) : basis_(basis) {
    if (basis.options().zero_boundary) {
      AddZeroBoundary();
    } else {
      AddEqualNormalDerivatives();
    }
    if (basis.options().volume_preserving) AddZeroTrace();
  }

  const std::vector<Equation>& equations() const { return equations_; }

 private:
  void AddZeroBoundary() {
    for (int v = 0; v < basis_.vertices().cols(); ++v) {
      for (int a = 0; a < 3; ++a) {
        if (OnBorder(basis_.vertices()(a, v))) {
          equations_.push_back({{3 * v + a, 1.0}});
        }
      }
    }
  }

  // The odd corners of a box's side on the surface lie across from each other.
  void AddEqualNormalDerivatives() {
    for (int cell = 0; cell < basis_.num_cells(); ++cell) {
      for (int other = cell + 1; other < 5 * (cell / 5 + 1); ++other) {
        for (int axis = 0; axis < 3; ++axis) {
          if (cell % 5 != 0 && OnSameSide(cell, other, axis)) {
            AddEqualDerivative(cell, other, axis);
          }
        }
      }
    }
  }

  bool OnSameSide(int cell, int other, int axis) const {
    const double a = basis_.vertices()(axis, basis_.cells()[cell][0]);
    const double b = basis_.vertices()(axis, basis_.cells()[other][0]);
    return a == b && OnBorder(a);
  }

  void AddEqualDerivative(int cell, int other, int axis) {
    for (int component = 0; component < 3; ++component) {
      Equation equation;
      AppendDerivative(cell, axis, component, 1, &equation);
      AppendDerivative(other, axis, component, -1, &equation);
      equations_.push_back(equation);
    }
  }

  void AddZeroTrace() {
    for (int cell = 0; cell < basis_.num_cells(); ++cell) {
      Equation equation;
      for (int a = 0; a < 3; ++a) AppendDerivative(cell, a, a, 1, &equation);
      equations_.push_back(equation);
    }
  }

  // In units of a box along x, so that all weights are of order one.
  void AppendDerivative(int cell, int axis, int component, double sign,
                        Equation* equation) const {
    for (int n = 0; n < 4; ++n) {
      equation->emplace_back(
          3 * basis_.cells()[cell][n] + component,
          sign / basis_.options().nx * basis_.shape_matrix(cell)(n, axis));
    }
  }

  const VolumeBasis& basis_;
  std::vector<Equation> equations_;
};

// The inner product of the coefficients, in terms of the vertices' velocities.
SparseMatrix GramMatrix(const VolumeBasis& basis) {
  std::vector<Eigen::Triplet<double>> triplets;
  for (int cell = 0; cell < basis.num_cells(); ++cell) {
    const Eigen::Matrix4d local =
        basis.shape_matrix(cell) * basis.shape_matrix(cell).transpose();
    const std::array<int, 4>& v = basis.cells()[cell];
    for (int m = 0; m < 4; ++m) {
      for (int n = 0; n < 4; ++n) {
        for (int a = 0; a < 3; ++a) {
          triplets.emplace_back(3 * v[m] + a, 3 * v[n] + a, local(m, n));
        }
      }
    }
  }
  const Eigen::Index size = 3 * basis.vertices().cols();
  SparseMatrix gram(size, size);
  gram.setFromTriplets(triplets.begin(), triplets.end());
  return gram;
}

// Box and place in it, in [0, 1], of the coordinate or its nearest in [0, 1].
// NaN goes to the first box: no conversion to int is defined for it.
std::pair<int, double> Locate(double coordinate, int count) {
  if (!(coordinate > 0)) return {0, 0.0};
  const double scaled = std::min(coordinate, 1.0) * count;
  const int box = std::min(static_cast<int>(scaled), count - 1);
  return {box, scaled - box};
}

}  // namespace

absl::StatusOr<std::shared_ptr<const VolumeBasis>> VolumeBasis::Create(
    const VolumeOptions& options) {
  for (const auto& [name, value] :
       {std::make_pair("nx", options.nx), std::make_pair("ny", options.ny),
        std::make_pair("nz", options.nz)}) {
    const int largest = options.volume_preserving ? kMaxDenseBoxes : kMaxBoxes;
    if (value < 1 || value > largest) {
      return absl::InvalidArgumentError(absl::StrCat(
          "volume.", name, " is ", value, "; use 1 to ", largest,
          options.volume_preserving ? " with volume_preserving" : ""));
    }
  }
  if (options.sparse_basis && options.volume_preserving) {
    return absl::InvalidArgumentError(
        "volume.sparse_basis is set with volume_preserving, whose fields have "
        "no sparse basis; drop one of the two");
  }
  std::shared_ptr<const VolumeBasis> basis(new VolumeBasis(options));
  if (basis->theta_size() == 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a volume of ", options.nx, "x", options.ny, "x", options.nz,
        " boxes with these constraints admits no velocity field but zero; use "
        "more boxes or fewer constraints"));
  }
  return basis;
}

VolumeBasis::VolumeBasis(const VolumeOptions& options) : options_(options) {
  PlaceVertices();
  for (int k = 0; k < options.nz; ++k) {
    for (int j = 0; j < options.ny; ++j) {
      for (int i = 0; i < options.nx; ++i) AddBox(i, j, k);
    }
  }
  for (const std::array<int, 4>& cell : cells_) {
    Eigen::Matrix4d corners;
    for (int n = 0; n < 4; ++n) {
      corners.col(n) << vertices_.col(cell[n]), 1;
    }
    shapes_.push_back(corners.inverse());
    edges_.push_back(corners.topLeftCorner<3, 3>().colwise() -
                     corners.col(3).head<3>());
  }
  FindNeighbours();
  const VolumeConstraints constraints(*this);
  const SparseMatrix gram = GramMatrix(*this);
  if (options.sparse_basis ||
      std::max({options.nx, options.ny, options.nz}) > kMaxDenseBoxes) {
    sparse_ = std::make_shared<const SparseBasis>(
        SparseSolutions(constraints.equations(), gram.rows()), gram);
    theta_size_ = static_cast<int>(sparse_->cols());
  } else {
    vertex_basis_ = OrthonormalSolutions(constraints.equations(), gram);
    theta_size_ = static_cast<int>(vertex_basis_.cols());
  }
}

void VolumeBasis::PlaceVertices() {
  const int nx = options_.nx, ny = options_.ny, nz = options_.nz;
  vertices_.resize(3, (nx + 1) * (ny + 1) * (nz + 1));
  int v = 0;
  for (int k = 0; k <= nz; ++k) {
    for (int j = 0; j <= ny; ++j) {
      for (int i = 0; i <= nx; ++i) {
        vertices_.col(v++) << double(i) / nx, double(j) / ny, double(k) / nz;
      }
    }
  }
}

void VolumeBasis::AddBox(int i, int j, int k) {
  const auto& odd = kOddCorners[(i + j + k) % 2];
  const auto corner = [&](int l, int turn_axis) {
    int d[3] = {odd[l][0], odd[l][1], odd[l][2]};
    if (turn_axis < 3) d[turn_axis] = 1 - d[turn_axis];
    return Vertex(i + d[0], j + d[1], k + d[2]);
  };
  // The even corners: the neighbours of one odd corner, and the corner across
  // from it.
  const int opposite =
      Vertex(i + 1 - odd[0][0], j + 1 - odd[0][1], k + 1 - odd[0][2]);
  cells_.push_back({corner(0, 0), corner(0, 1), corner(0, 2), opposite});
  for (int l = 0; l < 4; ++l) {
    cells_.push_back({corner(l, 3), corner(l, 0), corner(l, 1), corner(l, 2)});
  }
}

// Faces have the same three vertices in both cells.
void VolumeBasis::FindNeighbours() {
  neighbours_.resize(cells_.size());
  std::map<std::array<int, 3>, std::pair<int, int>> open;  // (cell, face)
  for (int cell = 0; cell < num_cells(); ++cell) {
    for (int face = 0; face < 4; ++face) {
      std::array<int, 3> key;
      int size = 0;
      for (int n = 0; n < 4; ++n) {
        if (n != face) key[size++] = cells_[cell][n];
      }
      std::sort(key.begin(), key.end());
      const auto [seen, is_new] = open.try_emplace(key, cell, face);
      if (is_new) continue;
      const auto [other, other_face] = seen->second;
      Connect(cell, face, other, other_face);
      Connect(other, other_face, cell, face);
      open.erase(seen);
    }
  }
}

void VolumeBasis::Connect(int cell, int face, int other, int other_face) {
  Neighbour& neighbour = neighbours_[cell][face];
  neighbour.cell = other;
  for (int n = 0; n < 4; ++n) {
    const auto& there = cells_[other];
    const auto place =
        std::find(there.begin(), there.end(), cells_[cell][n]) - there.begin();
    neighbour.place[n] = static_cast<uint8_t>(n == face ? other_face : place);
  }
}

int VolumeBasis::FindCell(const Eigen::Vector3d& x) const {
  const auto [i, u] = Locate(x.x(), options_.nx);
  const auto [j, v] = Locate(x.y(), options_.ny);
  const auto [k, w] = Locate(x.z(), options_.nz);
  const int middle = 5 * (i + options_.nx * (j + options_.ny * k));
  const auto& odd = kOddCorners[(i + j + k) % 2];
  for (int l = 0; l < 4; ++l) {
    const double distance = std::abs(u - odd[l][0]) + std::abs(v - odd[l][1]) +
                            std::abs(w - odd[l][2]);
    if (distance <= 1) return middle + 1 + l;
  }
  return middle;
}

VolumeCoefficients VolumeBasis::CellsFromVertices(
    const Eigen::VectorXd& velocities) const {
  VolumeCoefficients coefficients(num_cells(), 12);
  for (int cell = 0; cell < num_cells(); ++cell) {
    Eigen::Matrix<double, 3, 4> corners;
    for (int n = 0; n < 4; ++n) {
      corners.col(n) = velocities.segment<3>(3 * cells_[cell][n]);
    }
    Eigen::Map<AffineVelocity>(coefficients.row(cell).data()) =
        corners * shapes_[cell];
  }
  return coefficients;
}

VolumeCoefficients VolumeBasis::CellsFromTheta(
    const Eigen::Ref<const Eigen::VectorXd>& theta) const {
  eigen_assert(theta.size() == theta_size());
  if (is_sparse()) return CellsFromVertices(sparse_->Times(theta));
  return CellsFromVertices(vertex_basis_ * theta);
}

Eigen::VectorXd VolumeBasis::ThetaFromCells(
    const VolumeCoefficients& cells) const {
  Eigen::VectorXd dual = Eigen::VectorXd::Zero(vertices_.size());
  for (int cell = 0; cell < num_cells(); ++cell) {
    const Eigen::Matrix<double, 3, 4> corners =
        Eigen::Map<const AffineVelocity>(cells.row(cell).data()) *
        shapes_[cell].transpose();
    for (int n = 0; n < 4; ++n) {
      dual.segment<3>(3 * cells_[cell][n]) += corners.col(n);
    }
  }
  return ThetaFromVertexDual(dual);
}

Eigen::VectorXd VolumeBasis::ThetaFromVertexDual(
    const Eigen::Ref<const Eigen::VectorXd>& dual) const {
  if (is_sparse()) return sparse_->TransposeTimes(dual);
  return vertex_basis_.transpose() * dual;
}

Eigen::VectorXd VolumeBasis::ThetaFromVertices(
    const Eigen::Matrix3Xd& velocities) const {
  return ThetaFromCells(CellsFromVertices(
      Eigen::Map<const Eigen::VectorXd>(velocities.data(), velocities.size())));
}

}  // namespace cpab
