#include "cpab/field/sparse_basis.h"

#include <array>
#include <cmath>

#include "Eigen/Geometry"
#include "cpab/field/basis.h"
#include "cpab/testing/draws.h"
#include "gtest/gtest.h"

namespace cpab {
namespace {

using test_util::DrawTheta;

TEST(SparseSolutions, AreTheSolutions) {
  // u0 = u1, u1 + u2 = u4, and the first one again; u3 is free.
  const std::vector<Equation> equations = {{{0, 1.0}, {1, -1.0}},
                                           {{1, 1.0}, {2, 1.0}, {4, -1.0}},
                                           {{0, 2.0}, {1, -2.0}}};
  const Eigen::MatrixXd solutions = SparseSolutions(equations, 5);
  EXPECT_EQ(solutions.cols(), 3);
  EXPECT_EQ(solutions.colPivHouseholderQr().rank(), 3);
  EXPECT_EQ(solutions.row(0), solutions.row(1));
  EXPECT_EQ(solutions.row(1) + solutions.row(2), solutions.row(4));
}

class SparseBasisTest : public ::testing::TestWithParam<TessellationOptions> {};

INSTANTIATE_TEST_SUITE_P(Kinds, SparseBasisTest,
                         ::testing::ValuesIn(test_util::AllKinds()),
                         [](const auto& info) {
                           return test_util::KindName(info.param);
                         });

// The columns differ; what they span does not.
TEST_P(SparseBasisTest, SpansWhatTheDenseOneDoes) {
  TessellationOptions options = GetParam();
  const auto dense = Basis::Create(options).value();
  options.sparse_basis = true;
  const auto sparse = Basis::Create(options).value();
  EXPECT_FALSE(dense->is_sparse());
  EXPECT_TRUE(sparse->is_sparse());
  ASSERT_EQ(sparse->theta_size(), dense->theta_size());
  const Eigen::MatrixXd B = sparse->Matrix(), A = dense->Matrix();
  EXPECT_LT((A * (A.transpose() * B) - B).cwiseAbs().maxCoeff(), 1e-12);
  EXPECT_LT((B.transpose() * B - Eigen::MatrixXd::Identity(B.cols(), B.cols()))
                .cwiseAbs()
                .maxCoeff(),
            1e-12);
}

TEST_P(SparseBasisTest, TransposesAndItsFactorsAgree) {
  TessellationOptions options = GetParam();
  options.sparse_basis = true;
  const auto basis = Basis::Create(options).value();
  const SparseBasis& W = *basis->sparse_vertex_basis();
  const Eigen::VectorXd theta = DrawTheta(*basis, 1, 1);
  Eigen::VectorXd dual(W.rows());
  for (Eigen::Index i = 0; i < dual.size(); ++i) dual[i] = std::sin(1.3 * i);
  EXPECT_NEAR(W.Times(theta).dot(dual), theta.dot(W.TransposeTimes(dual)),
              1e-11 * theta.norm() * dual.norm());
  const Eigen::VectorXd z = W.FreeFromTheta(theta);
  EXPECT_LT((W.ThetaFromFree(z) - theta).norm(), 1e-11 * theta.norm());
  EXPECT_LT((W.free_basis() * z - W.Times(theta)).norm(), 1e-11 * z.norm());
  EXPECT_NEAR(W.LogDeterminant(), -2 * std::log(std::abs([&] {
                Eigen::MatrixXd map(W.cols(), W.cols());
                for (Eigen::Index k = 0; k < W.cols(); ++k) {
                  map.col(k) =
                      W.FreeFromTheta(Eigen::VectorXd::Unit(W.cols(), k));
                }
                return map.determinant();
              }())),
              1e-8 * W.cols());
}

// The laws of basis_test on 16384 cells, where no dense basis is to be had.
class FineCellsTest : public ::testing::TestWithParam<TessellationOptions> {};

INSTANTIATE_TEST_SUITE_P(
    Kinds, FineCellsTest,
    ::testing::Values(TessellationOptions{64, 64},
                      TessellationOptions{64, 64, true},
                      TessellationOptions{64, 64, false, true},
                      TessellationOptions{64, 48, true, true}),
    [](const auto& info) { return test_util::KindName(info.param); });

Eigen::Vector2d VelocityOf(const CellCoefficients& cells, int cell,
                           const Eigen::Vector2d& x) {
  const Eigen::Map<const Eigen::Matrix<double, 2, 3, Eigen::RowMajor>> A(
      cells.row(cell).data());
  return A * x.homogeneous();
}

TEST_P(FineCellsTest, FieldsKeepTheLaws) {
  const auto basis = Basis::Create(GetParam()).value();
  const auto [nx, ny, zero_boundary, volume_preserving, sparse] = GetParam();
  const Tessellation& tessellation = basis->tessellation();
  const Eigen::VectorXd theta = DrawTheta(*basis, 1, 1);
  const CellCoefficients cells = basis->CellsFromTheta(theta);
  // Orthonormal, up to the condition of the Gram matrix times rounding.
  EXPECT_LT((basis->ThetaFromCells(cells) - theta).norm(), 1e-9 * theta.norm());
  const double scale = 1e-11 * cells.cwiseAbs().maxCoeff();
  for (int cell = 0; cell < tessellation.num_cells(); ++cell) {
    const std::array<int, 3>& v = tessellation.cells()[cell];
    for (int e = 0; e < 3; ++e) {
      const int other = tessellation.regions()[cell].edges[e].neighbour;
      if (other >= tessellation.num_cells() || other < cell) continue;
      for (const int end : {v[e], v[(e + 1) % 3]}) {
        const Eigen::Vector2d x = tessellation.vertices().col(end);
        EXPECT_LT(
            (VelocityOf(cells, cell, x) - VelocityOf(cells, other, x)).norm(),
            scale);
      }
    }
  }
  const Eigen::Matrix2Xd velocities = basis->VerticesFromTheta(theta);
  for (int v = 0; v < tessellation.num_vertices(); ++v) {
    for (int a = 0; a < 2 && zero_boundary; ++a) {
      const double x = tessellation.vertices()(a, v);
      if (x == 0 || x == 1) {
        EXPECT_NEAR(velocities(a, v), 0, scale);
      }
    }
  }
  if (volume_preserving) {
    EXPECT_LT((cells.col(0) + cells.col(4)).cwiseAbs().maxCoeff(), scale);
  } else {
    EXPECT_EQ(basis->theta_size(),
              zero_boundary
                  ? 2 * ((nx - 1) * (ny + 1) + nx * ny)
                  : 2 * ((nx + 1) * (ny + 1) + nx * ny - 2 * (nx + ny - 2)));
  }
  // Continuous outside: beside each other on a side, two cells' fields agree on
  // the ray from their common vertex.
  for (int i = 1; i < nx && !zero_boundary; ++i) {
    const Eigen::Vector2d beyond(static_cast<double>(i) / nx, -0.7);
    EXPECT_LT((VelocityOf(cells, 4 * (i - 1), beyond) -
               VelocityOf(cells, 4 * i, beyond))
                  .norm(),
              100 * scale);
  }
}

// Four times the cells store less than six times the numbers, where a dense
// basis has sixteen times as many.
TEST(SparseBasis, GrowsWithTheNumberOfCells) {
  for (const bool zero_boundary : {false, true}) {
    const auto stored = [&](int cells) {
      return Basis::Create({cells, cells, zero_boundary, false, true})
          .value()
          ->sparse_vertex_basis()
          ->num_stored();
    };
    EXPECT_LT(stored(64), 6 * stored(32));
    EXPECT_LT(stored(64), 16138 * 80);
  }
}

}  // namespace
}  // namespace cpab
