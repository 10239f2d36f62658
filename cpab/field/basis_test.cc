#include "cpab/field/basis.h"

#include <array>
#include <vector>

#include "Eigen/Geometry"
#include "cpab/testing/draws.h"
#include "cpab/testing/golden_file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"

namespace cpab {
namespace {

using test_util::DrawTheta;
using test_util::KindName;
using ::testing::Values;

Eigen::Vector2d VelocityOf(const CellCoefficients& cells, int cell,
                           const Eigen::Vector2d& x) {
  const Eigen::Map<const Eigen::Matrix<double, 2, 3, Eigen::RowMajor>> affine(
      cells.row(cell).data());
  return affine * x.homogeneous();
}

class BasisTest : public ::testing::TestWithParam<TessellationOptions> {
 protected:
  void SetUp() override {
    const auto basis = Basis::Create(GetParam());
    ASSERT_THAT(basis, IsOk());
    basis_ = *basis;
  }
  std::shared_ptr<const Basis> basis_;
};

INSTANTIATE_TEST_SUITE_P(Kinds, BasisTest,
                         ::testing::ValuesIn(test_util::AllKinds()),
                         [](const auto& info) { return KindName(info.param); });

// For laws that hold for some kinds only.
class FreeBasisTest : public BasisTest {};
INSTANTIATE_TEST_SUITE_P(
    Kinds, FreeBasisTest,
    ::testing::ValuesIn(test_util::KindsWhere(test_util::IsFree)),
    [](const auto& info) { return KindName(info.param); });

class ZeroBoundaryBasisTest : public BasisTest {};
INSTANTIATE_TEST_SUITE_P(
    Kinds, ZeroBoundaryBasisTest,
    ::testing::ValuesIn(test_util::KindsWhere(test_util::HasZeroBoundary)),
    [](const auto& info) { return KindName(info.param); });

class VolumePreservingBasisTest : public BasisTest {};
INSTANTIATE_TEST_SUITE_P(
    Kinds, VolumePreservingBasisTest,
    ::testing::ValuesIn(test_util::KindsWhere(test_util::PreservesVolume)),
    [](const auto& info) { return KindName(info.param); });

TEST_P(BasisTest, ColumnsAreOrthonormal) {
  const Eigen::MatrixXd B = basis_->Matrix();
  const Eigen::MatrixXd product = B.transpose() * B;
  EXPECT_LT((product - Eigen::MatrixXd::Identity(B.cols(), B.cols()))
                .cwiseAbs()
                .maxCoeff(),
            1e-13);
}

TEST_P(BasisTest, FieldsAreContinuousOnSharedEdges) {
  std::mt19937_64 generator(1);
  std::uniform_real_distribution<double> uniform(0, 1);
  const Tessellation& tessellation = basis_->tessellation();
  for (int draw = 0; draw < 20; ++draw) {
    const CellCoefficients cells =
        basis_->CellsFromTheta(DrawTheta(*basis_, 1, draw));
    for (int cell = 0; cell < tessellation.num_cells(); ++cell) {
      const std::array<int, 3>& v = tessellation.cells()[cell];
      for (int e = 0; e < 3; ++e) {
        const int other = tessellation.regions()[cell].edges[e].neighbour;
        if (other >= tessellation.num_cells() || other < cell) continue;
        const Eigen::Vector2d from = tessellation.vertices().col(v[e]);
        const Eigen::Vector2d to = tessellation.vertices().col(v[(e + 1) % 3]);
        const Eigen::Vector2d x = from + uniform(generator) * (to - from);
        // Coefficients are of order 10: their rounding.
        EXPECT_LT(
            (VelocityOf(cells, cell, x) - VelocityOf(cells, other, x)).norm(),
            1e-13);
      }
    }
  }
}

// On every ray between two outside regions.
TEST_P(FreeBasisTest, FieldsAreContinuousOutside) {
  const Tessellation& tessellation = basis_->tessellation();
  const CellCoefficients cells =
      basis_->CellsFromTheta(DrawTheta(*basis_, 1, 3));
  for (int r = tessellation.num_cells(); r < tessellation.num_regions(); ++r) {
    const Region& region = tessellation.regions()[r];
    for (const Edge& edge : region.edges) {
      // Points of the edge's line, near and far.
      const Eigen::Vector2d along(-edge.normal.y(), edge.normal.x());
      for (const double t : {-3.0, 0.2, 5.0}) {
        const Eigen::Vector2d x = t * along - edge.offset * edge.normal;
        const int neighbour = tessellation.regions()[edge.neighbour].cell;
        EXPECT_LT((VelocityOf(cells, region.cell, x) -
                   VelocityOf(cells, neighbour, x))
                      .norm(),
                  1e-12);
      }
    }
  }
}

TEST_P(ZeroBoundaryBasisTest, HasNoNormalVelocityOnTheBoundary) {
  const Eigen::Matrix2Xd velocities =
      basis_->VerticesFromTheta(DrawTheta(*basis_, 1, 4));
  const Eigen::Matrix2Xd& vertices = basis_->tessellation().vertices();
  for (int v = 0; v < vertices.cols(); ++v) {
    for (int a = 0; a < 2; ++a) {
      if (vertices(a, v) != 0 && vertices(a, v) != 1) continue;
      EXPECT_LT(std::abs(velocities(a, v)), 1e-14);
    }
  }
}

TEST_P(VolumePreservingBasisTest, HasNoDivergence) {
  const CellCoefficients cells =
      basis_->CellsFromTheta(DrawTheta(*basis_, 1, 5));
  EXPECT_LT((cells.col(0) + cells.col(4)).cwiseAbs().maxCoeff(), 1e-13);
}

TEST_P(BasisTest, ThetaIsRecoveredFromCellsAndVertices) {
  const Eigen::VectorXd theta = DrawTheta(*basis_, 1, 6);
  EXPECT_LT((basis_->ThetaFromCells(basis_->CellsFromTheta(theta)) - theta)
                .cwiseAbs()
                .maxCoeff(),
            1e-13);
  EXPECT_LT(
      (basis_->ThetaFromVertices(basis_->VerticesFromTheta(theta)) - theta)
          .cwiseAbs()
          .maxCoeff(),
      1e-13);
}

class GoldenBasisTest : public ::testing::TestWithParam<TessellationOptions> {};

INSTANTIATE_TEST_SUITE_P(Goldens, GoldenBasisTest,
                         Values(TessellationOptions{2, 2},
                                TessellationOptions{4, 4},
                                TessellationOptions{4, 4, false, true},
                                TessellationOptions{4, 4, true, false},
                                TessellationOptions{4, 4, true, true}),
                         [](const auto& info) { return KindName(info.param); });

TEST_P(GoldenBasisTest, SpansLibcpabsSpace) {
  const auto golden = test_util::ReadGolden(
      "cpab/testdata/cpab_traj_" + KindName(GetParam()) + ".safetensors");
  ASSERT_THAT(golden, IsOk());
  const auto& stored = (*golden)["basis"];
  const Eigen::MatrixXd theirs = Eigen::Map<const RowMajorMatrix>(
      stored.values.data(), stored.shape[0], stored.shape[1]);
  const auto basis = Basis::Create(GetParam());
  ASSERT_THAT(basis, IsOk());
  const Eigen::MatrixXd ours = (*basis)->Matrix();
  ASSERT_EQ(ours.cols(), theirs.cols());
  // One basis is stored as float32; the others come from an SVD whose singular
  // values below 1e-6 count as zero.
  EXPECT_LT((ours * ours.transpose() - theirs * theirs.transpose())
                .cwiseAbs()
                .maxCoeff(),
            1e-6);
}

// All rows of the original library's table in two dimensions.
TEST(GoldenDimensions, ThetaIsAsLongAsLibcpabs) {
  const std::vector<test_util::GoldenDimension> rows =
      test_util::ReadGoldenDimensions(2);
  EXPECT_EQ(rows.size(), 19u * 4);
  for (const test_util::GoldenDimension& row : rows) {
    TessellationOptions options;
    options.nx = row.cells[0];
    options.ny = row.cells[1];
    options.zero_boundary = row.zero_boundary;
    options.volume_preserving = row.volume_preserving;
    SCOPED_TRACE(KindName(options));
    test_util::ExpectThetaSize(Basis::Create(options), row);
  }
}

}  // namespace
}  // namespace cpab
