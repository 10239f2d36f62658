#include "cpab/field/basis.h"

#include <array>
#include <utility>

#include "Eigen/LU"
#include "Eigen/SparseCore"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "cpab/field/null_space.h"
#include "third_party/absl/status_macros.h"

namespace cpab {
namespace {

// One linear equation between vertex velocities: sum of weight * component of
// vertex = 0.
struct Term {
  int vertex;
  int component;
  double weight;
};
using Constraint = std::vector<Term>;

// Barycentric coordinates of (x, y) in a cell are S (x, y, 1)^T.
Eigen::Matrix3d ShapeMatrix(const Tessellation& tessellation, int cell) {
  Eigen::Matrix3d corners;
  for (int n = 0; n < 3; ++n) {
    const int v = tessellation.cells()[cell][n];
    corners.col(n) << tessellation.vertices().col(v), 1;
  }
  return corners.inverse();
}

// Assembles the constraints at the border on the vertex velocities of a
// tessellation.
class Constraints {
 public:
  Constraints(const Tessellation& tessellation,
              const std::vector<Eigen::Matrix3d>& shapes)
      : tessellation_(tessellation), shapes_(shapes) {
    if (tessellation.options().zero_boundary) {
      AddZeroBoundary();
    } else {
      AddContinuityOutside();
    }
  }

  // Those between the components in [first, last). Unknown
  // (last - first) vertex + component - first.
  std::vector<Equation> Equations(int first, int last) const {
    std::vector<Equation> equations;
    for (const Constraint& constraint : constraints_) {
      if (constraint[0].component < first || constraint[0].component >= last) {
        continue;
      }
      Equation equation;
      for (const Term& term : constraint) {
        equation.emplace_back(
            (last - first) * term.vertex + term.component - first, term.weight);
      }
      equations.push_back(equation);
    }
    return equations;
  }

 private:
  void AddZeroBoundary() {
    const Eigen::Matrix2Xd& vertices = tessellation_.vertices();
    for (int v = 0; v < vertices.cols(); ++v) {
      for (int a = 0; a < 2; ++a) {
        if (vertices(a, v) == 0 || vertices(a, v) == 1) {
          constraints_.push_back({{v, a, 1.0}});
        }
      }
    }
  }

  // Border cells beside each other on one side of the square agree on the
  // whole ray from their common vertex outwards: they have the same derivative
  // normal to the side.
  void AddContinuityOutside() {
    const int nx = tessellation_.options().nx;
    const int ny = tessellation_.options().ny;
    const auto cell = [nx](int i, int j, int side) {
      return 4 * (i + j * nx) + side;
    };
    for (int j = 0; j + 1 < ny; ++j) {
      AddEqualDerivative(0, cell(0, j, 3), cell(0, j + 1, 3));
      AddEqualDerivative(0, cell(nx - 1, j, 1), cell(nx - 1, j + 1, 1));
    }
    for (int i = 0; i + 1 < nx; ++i) {
      AddEqualDerivative(1, cell(i, 0, 0), cell(i + 1, 0, 0));
      AddEqualDerivative(1, cell(i, ny - 1, 2), cell(i + 1, ny - 1, 2));
    }
  }

  void AddEqualDerivative(int axis, int cell, int neighbour) {
    for (int component = 0; component < 2; ++component) {
      Constraint constraint;
      AppendDerivative(cell, axis, component, 1, &constraint);
      AppendDerivative(neighbour, axis, component, -1, &constraint);
      constraints_.push_back(constraint);
    }
  }

  // d velocity[component] / d axis in the cell, times sign, in units of one
  // rectangle along x, so that all weights are of order one.
  void AppendDerivative(int cell, int axis, int component, double sign,
                        Constraint* constraint) const {
    const double unit = sign / tessellation_.options().nx;
    for (int n = 0; n < 3; ++n) {
      constraint->push_back({tessellation_.cells()[cell][n], component,
                             unit * shapes_[cell](n, axis)});
    }
  }

  const Tessellation& tessellation_;
  const std::vector<Eigen::Matrix3d>& shapes_;
  std::vector<Constraint> constraints_;
};

// The Gram matrix of one component's vertex velocities in the inner product of
// the coefficients, summed over cells: (S S^T)_mn couples vertices m and n.
SparseMatrix GramMatrix(const Tessellation& tessellation,
                        const std::vector<Eigen::Matrix3d>& shapes,
                        int components) {
  std::vector<Eigen::Triplet<double>> triplets;
  for (int cell = 0; cell < tessellation.num_cells(); ++cell) {
    const Eigen::Matrix3d local = shapes[cell] * shapes[cell].transpose();
    const std::array<int, 3>& v = tessellation.cells()[cell];
    for (int m = 0; m < 3; ++m) {
      for (int n = 0; n < 3; ++n) {
        for (int a = 0; a < components; ++a) {
          triplets.emplace_back(components * v[m] + a, components * v[n] + a,
                                local(m, n));
        }
      }
    }
  }
  const int size = components * tessellation.num_vertices();
  SparseMatrix gram(size, size);
  gram.setFromTriplets(triplets.begin(), triplets.end());
  return gram;
}

// Without volume preservation no equation mixes the components, and the basis
// is one block for each of half the size.
RowMajorMatrix SeparateComponents(const Constraints& constraints,
                                  const SparseMatrix& gram) {
  const Eigen::Index num_vertices = gram.rows();
  std::array<Eigen::MatrixXd, 2> blocks;
  for (int a = 0; a < 2; ++a) {
    blocks[a] = OrthonormalSolutions(constraints.Equations(a, a + 1), gram);
  }
  RowMajorMatrix basis = RowMajorMatrix::Zero(
      2 * num_vertices, blocks[0].cols() + blocks[1].cols());
  for (Eigen::Index v = 0; v < num_vertices; ++v) {
    basis.row(2 * v).head(blocks[0].cols()) = blocks[0].row(v);
    basis.row(2 * v + 1).tail(blocks[1].cols()) = blocks[1].row(v);
  }
  return basis;
}

// All continuous fields without divergence, as [2 vertices, vortices]: such a
// field is a stream function's derivatives (d/dy, -d/dx), and the stream
// functions are the C1 piecewise quadratics on these triangles, which the
// translates of one box spline span, the Zwart-Powell element: one about the
// centre of each rectangle, and of those around the square. Its gradient is 0
// at all vertices but the rectangle's corners and the four centres beside it.
Eigen::SparseMatrix<double, Eigen::RowMajor> Vortices(
    const Tessellation& tessellation) {
  const int nx = tessellation.options().nx, ny = tessellation.options().ny;
  std::vector<Eigen::Triplet<double>> triplets;
  // (dx, dy) is where the vertex lies from the vortex; rectangles are of
  // size 1.
  const auto add = [&](int vertex, int vortex, double dx, double dy) {
    const double sx = (dx > 0) - (dx < 0), sy = (dy > 0) - (dy < 0);
    // In units of a rectangle along x: order one.
    triplets.emplace_back(2 * vertex, vortex, -sy * ny / nx);
    triplets.emplace_back(2 * vertex + 1, vortex, sx);
  };
  for (int j = -1; j <= ny; ++j) {
    for (int i = -1; i <= nx; ++i) {
      const int vortex = i + 1 + (j + 1) * (nx + 2);
      for (const int y : {j, j + 1}) {
        for (const int x : {i, i + 1}) {
          if (x < 0 || x > nx || y < 0 || y > ny) continue;
          add(x + y * (nx + 1), vortex, x - i - 0.5, y - j - 0.5);
        }
      }
      const int centres = (nx + 1) * (ny + 1);
      for (const auto& [dx, dy] : {std::pair(1, 0), std::pair(-1, 0),
                                   std::pair(0, 1), std::pair(0, -1)}) {
        const int x = i + dx, y = j + dy;
        if (x < 0 || x >= nx || y < 0 || y >= ny) continue;
        add(centres + x + y * nx, vortex, dx, dy);
      }
    }
  }
  Eigen::SparseMatrix<double, Eigen::RowMajor> vortices(
      2 * tessellation.num_vertices(), (nx + 2) * (ny + 2));
  vortices.setFromTriplets(triplets.begin(), triplets.end());
  return vortices;
}

// The equations between velocities as equations between strengths of vortices.
std::vector<Equation> InTermsOf(
    const Eigen::SparseMatrix<double, Eigen::RowMajor>& vortices,
    const std::vector<Equation>& equations) {
  std::vector<Equation> result;
  for (const Equation& equation : equations) {
    Eigen::SparseVector<double, Eigen::RowMajor> row(vortices.cols());
    for (const auto& [unknown, weight] : equation) {
      row += weight * vortices.row(unknown);
    }
    Equation strengths;
    for (decltype(row)::InnerIterator term(row); term; ++term) {
      strengths.emplace_back(static_cast<int>(term.index()), term.value());
    }
    if (!strengths.empty()) result.push_back(strengths);
  }
  return result;
}

// All equations between strengths of vortices.
std::vector<Equation> VortexEquations(
    const Eigen::SparseMatrix<double, Eigen::RowMajor>& vortices,
    const Constraints& constraints) {
  std::vector<Equation> equations =
      InTermsOf(vortices, constraints.Equations(0, 2));
  // Vortices of equal strength, and of equal strength and alternating sign, add
  // up to nothing: two beside each other are not needed.
  equations.push_back({{0, 1.0}});
  equations.push_back({{1, 1.0}});
  return equations;
}

RowMajorMatrix VolumePreserving(const Tessellation& tessellation,
                                const Constraints& constraints,
                                const SparseMatrix& gram) {
  const Eigen::SparseMatrix<double, Eigen::RowMajor> vortices =
      Vortices(tessellation);
  const std::vector<Equation> equations =
      VortexEquations(vortices, constraints);
  return Orthonormalised(vortices * Solutions(equations, vortices.cols()),
                         gram);
}

RowMajorMatrix VertexBasis(const Tessellation& tessellation,
                           const std::vector<Eigen::Matrix3d>& shapes) {
  const Constraints constraints(tessellation, shapes);
  if (tessellation.options().volume_preserving) {
    return VolumePreserving(tessellation, constraints,
                            GramMatrix(tessellation, shapes, 2));
  }
  return SeparateComponents(constraints, GramMatrix(tessellation, shapes, 1));
}

// The same span, by sparse factors.
std::shared_ptr<const SparseBasis> SparseVertexBasis(
    const Tessellation& tessellation,
    const std::vector<Eigen::Matrix3d>& shapes) {
  const Constraints constraints(tessellation, shapes);
  const SparseMatrix gram = GramMatrix(tessellation, shapes, 2);
  if (!tessellation.options().volume_preserving) {
    return std::make_shared<const SparseBasis>(
        SparseSolutions(constraints.Equations(0, 2), gram.rows()), gram);
  }
  const Eigen::SparseMatrix<double, Eigen::RowMajor> vortices =
      Vortices(tessellation);
  const SparseMatrix strengths =
      SparseSolutions(VortexEquations(vortices, constraints), vortices.cols());
  return std::make_shared<const SparseBasis>(
      SparseMatrix(SparseMatrix(vortices) * strengths), gram);
}

// More than this along an axis, and a dense basis would take seconds and
// hundreds of MB.
constexpr int kMaxDenseRectangles = 32;

bool IsSparse(const TessellationOptions& options) {
  return options.sparse_basis || options.nx > kMaxDenseRectangles ||
         options.ny > kMaxDenseRectangles;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Basis>> Basis::Create(
    const TessellationOptions& options) {
  ASSIGN_OR_RETURN(Tessellation tessellation, Tessellation::Create(options));
  std::shared_ptr<const Basis> basis(new Basis(std::move(tessellation)));
  if (basis->theta_size() == 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "tessellation ", options.nx, "x", options.ny,
        " with zero_boundary and volume_preserving admits no velocity field "
        "but zero; use more cells or drop one of the two"));
  }
  return basis;
}

Basis::Basis(Tessellation tessellation)
    : tessellation_(std::move(tessellation)) {
  for (int cell = 0; cell < tessellation_.num_cells(); ++cell) {
    shape_matrices_.push_back(ShapeMatrix(tessellation_, cell));
  }
  if (IsSparse(tessellation_.options())) {
    sparse_ = SparseVertexBasis(tessellation_, shape_matrices_);
    theta_size_ = static_cast<int>(sparse_->cols());
  } else {
    vertex_basis_ = VertexBasis(tessellation_, shape_matrices_);
    theta_size_ = static_cast<int>(vertex_basis_.cols());
  }
}

CellCoefficients Basis::CellsFromTheta(
    const Eigen::Ref<const Eigen::VectorXd>& theta) const {
  return CellsFromVertices(VerticesFromTheta(theta));
}

Eigen::VectorXd Basis::ThetaFromCells(const CellCoefficients& cells) const {
  const Eigen::Matrix2Xd gradient = VerticesFromCellGradient(cells);
  return ThetaFromVertexDual(
      Eigen::Map<const Eigen::VectorXd>(gradient.data(), gradient.size()));
}

Eigen::VectorXd Basis::ThetaFromVertexDual(
    const Eigen::Ref<const Eigen::VectorXd>& dual) const {
  if (is_sparse()) return sparse_->TransposeTimes(dual);
  return vertex_basis_.transpose() * dual;
}

Eigen::Matrix2Xd Basis::VerticesFromTheta(
    const Eigen::Ref<const Eigen::VectorXd>& theta) const {
  eigen_assert(theta.size() == theta_size());
  Eigen::Matrix2Xd velocities(2, tessellation_.num_vertices());
  Eigen::Map<Eigen::VectorXd> flat(velocities.data(), velocities.size());
  if (is_sparse()) {
    flat = sparse_->Times(theta);
  } else {
    flat.noalias() = vertex_basis_ * theta;
  }
  return velocities;
}

Eigen::VectorXd Basis::ThetaFromVertices(
    const Eigen::Matrix2Xd& velocities) const {
  return ThetaFromCells(CellsFromVertices(velocities));
}

CellCoefficients Basis::CellsFromVertices(
    const Eigen::Matrix2Xd& velocities) const {
  CellCoefficients coefficients(tessellation_.num_cells(), 6);
  for (int cell = 0; cell < tessellation_.num_cells(); ++cell) {
    Eigen::Map<Eigen::Matrix<double, 2, 3, Eigen::RowMajor>> affine(
        coefficients.row(cell).data());
    affine.setZero();
    for (int n = 0; n < 3; ++n) {
      affine += velocities.col(tessellation_.cells()[cell][n]) *
                shape_matrices_[cell].row(n);
    }
  }
  return coefficients;
}

Eigen::Matrix2Xd Basis::VerticesFromCellGradient(
    const CellCoefficients& gradient) const {
  Eigen::Matrix2Xd result =
      Eigen::Matrix2Xd::Zero(2, tessellation_.num_vertices());
  for (int cell = 0; cell < tessellation_.num_cells(); ++cell) {
    const Eigen::Map<const Eigen::Matrix<double, 2, 3, Eigen::RowMajor>> affine(
        gradient.row(cell).data());
    for (int n = 0; n < 3; ++n) {
      result.col(tessellation_.cells()[cell][n]) +=
          affine * shape_matrices_[cell].row(n).transpose();
    }
  }
  return result;
}

Eigen::MatrixXd Basis::Matrix() const {
  Eigen::MatrixXd result(6 * tessellation_.num_cells(), theta_size());
  for (int k = 0; k < theta_size(); ++k) {
    const CellCoefficients cells =
        CellsFromTheta(Eigen::VectorXd::Unit(theta_size(), k));
    result.col(k) =
        Eigen::Map<const Eigen::VectorXd>(cells.data(), cells.size());
  }
  return result;
}

}  // namespace cpab
