#include "cpab/volume/volume_basis.h"

#include <array>
#include <limits>
#include <memory>
#include <random>
#include <vector>

#include "Eigen/Dense"
#include "cpab/testing/golden_file.h"
#include "cpab/testing/volume_draws.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"

namespace cpab {
namespace {

using ::testing::HasSubstr;

Eigen::Vector3d VelocityIn(const VolumeCoefficients& cells, int cell,
                           const Eigen::Vector3d& x) {
  return Eigen::Map<const AffineVelocity>(cells.row(cell).data()) *
         x.homogeneous();
}

class VolumeBasisTest : public ::testing::TestWithParam<VolumeOptions> {
 protected:
  const std::shared_ptr<const VolumeBasis> basis_ =
      VolumeBasis::Create(GetParam()).value();
};

INSTANTIATE_TEST_SUITE_P(Kinds, VolumeBasisTest,
                         ::testing::ValuesIn(AllVolumeKinds()),
                         [](const auto& info) { return KindName(info.param); });

TEST_P(VolumeBasisTest, BasisIsOrthonormal) {
  const int d = basis_->theta_size();
  for (int k = 0; k < d; ++k) {
    const Eigen::VectorXd unit = Eigen::VectorXd::Unit(d, k);
    EXPECT_LT((basis_->ThetaFromCells(basis_->CellsFromTheta(unit)) - unit)
                  .cwiseAbs()
                  .maxCoeff(),
              1e-13);
  }
}

TEST_P(VolumeBasisTest, CellsFillTheCubeAndHoldTheirPoints) {
  double volume = 0;
  for (int c = 0; c < basis_->num_cells(); ++c) {
    volume += 1 / std::abs(6 * basis_->shape_matrix(c).determinant());
  }
  EXPECT_NEAR(volume, 1, 1e-13);
  const Eigen::Matrix3Xd points = DrawVolumePoints(500, 0, 1, 1);
  for (const auto& x : points.colwise()) {
    const int cell = basis_->FindCell(x);
    const Eigen::Vector4d weights =
        basis_->shape_matrix(cell) * Eigen::Vector4d(x[0], x[1], x[2], 1);
    EXPECT_GT(weights.minCoeff(), -1e-13);
  }
}

// On all faces, by what their three vertices have in common.
TEST_P(VolumeBasisTest, FieldsAreContinuous) {
  const VolumeCoefficients cells =
      basis_->CellsFromTheta(DrawTheta(*basis_, 0.5, 9));
  std::mt19937_64 generator(2);
  std::uniform_real_distribution<double> uniform(0, 1);
  int faces = 0;
  for (int c = 0; c < basis_->num_cells(); ++c) {
    for (int other = 0; other < c; ++other) {
      std::vector<int> shared;
      for (const int v : basis_->cells()[c]) {
        for (const int w : basis_->cells()[other]) {
          if (v == w) shared.push_back(v);
        }
      }
      if (shared.size() < 3) continue;
      ++faces;
      Eigen::Vector3d x = Eigen::Vector3d::Zero();
      double sum = 0;
      for (const int v : shared) {
        const double weight = uniform(generator);
        sum += weight;
        x += weight * basis_->vertices().col(v);
      }
      EXPECT_LT(
          (VelocityIn(cells, c, x / sum) - VelocityIn(cells, other, x / sum))
              .norm(),
          1e-13 * cells.cwiseAbs().maxCoeff());
    }
  }
  // Four inside each box, and two on each side between boxes.
  const int nx = GetParam().nx, ny = GetParam().ny, nz = GetParam().nz;
  EXPECT_EQ(faces,
            4 * nx * ny * nz + 2 * ((nx - 1) * ny * nz + nx * (ny - 1) * nz +
                                    nx * ny * (nz - 1)));
}

// The columns differ; what they span does not.
TEST(VolumeBasis, SparseBasesSpanWhatDenseOnesDo) {
  for (const bool zero_boundary : {false, true}) {
    for (const auto& [nx, ny, nz] :
         {std::array<int, 3>{1, 1, 1}, std::array<int, 3>{2, 3, 1},
          std::array<int, 3>{3, 4, 5}}) {
      const auto dense = VolumeBasis::Create({nx, ny, nz, zero_boundary});
      const auto sparse =
          VolumeBasis::Create({nx, ny, nz, zero_boundary, false, true});
      ASSERT_EQ(dense.ok(), sparse.ok());
      if (!dense.ok()) continue;
      ASSERT_EQ((*sparse)->theta_size(), (*dense)->theta_size());
      EXPECT_TRUE((*sparse)->is_sparse());
      const Eigen::VectorXd theta = DrawTheta(**sparse, 1, 1);
      const VolumeCoefficients cells = (*sparse)->CellsFromTheta(theta);
      const VolumeCoefficients same =
          (*dense)->CellsFromTheta((*dense)->ThetaFromCells(cells));
      EXPECT_LT((same - cells).cwiseAbs().maxCoeff(),
                1e-12 * cells.cwiseAbs().maxCoeff());
    }
  }
}

TEST(VolumeBasis, FindsACellOfEveryPoint) {
  const auto basis = *VolumeBasis::Create({});
  const double kNaN = std::numeric_limits<double>::quiet_NaN();
  const double kInfinity = std::numeric_limits<double>::infinity();
  for (const double x :
       {kNaN, -kInfinity, -1e300, 0.0, 1.0, 1e300, kInfinity}) {
    for (const double y : {kNaN, 0.5}) {
      for (const Eigen::Vector3d& point :
           {Eigen::Vector3d(x, y, y), Eigen::Vector3d(y, x, y),
            Eigen::Vector3d(y, y, x)}) {
        const int cell = basis->FindCell(point);
        EXPECT_GE(cell, 0) << point.transpose();
        EXPECT_LT(cell, basis->num_cells()) << point.transpose();
      }
    }
  }
}

// The rows of the original library's table in three dimensions.
TEST(VolumeBasis, ThetaIsAsLongAsLibcpabs) {
  const std::vector<test_util::GoldenDimension> rows =
      test_util::ReadGoldenDimensions(3);
  EXPECT_EQ(rows.size(), 16u);
  for (const test_util::GoldenDimension& row : rows) {
    VolumeOptions options;
    options.nx = row.cells[0];
    options.ny = row.cells[1];
    options.nz = row.cells[2];
    options.zero_boundary = row.zero_boundary;
    options.volume_preserving = row.volume_preserving;
    SCOPED_TRACE(KindName(options));
    test_util::ExpectThetaSize(VolumeBasis::Create(options), row);
  }
  EXPECT_THAT(VolumeBasis::Create({2, 33, 2}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("volume.ny is 33; use 1 to 32")));
  EXPECT_THAT(VolumeBasis::Create({2, 9, 2, true, true}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("volume.ny is 9; use 1 to 8 with "
                                 "volume_preserving")));
  EXPECT_THAT(VolumeBasis::Create({2, 2, 2, true, true, true}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("sparse_basis is set with")));
}

}  // namespace
}  // namespace cpab
