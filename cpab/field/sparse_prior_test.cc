#include "cpab/field/sparse_prior.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <random>
#include <vector>

#include "Eigen/Cholesky"
#include "Eigen/LU"
#include "cpab/field/basis.h"
#include "cpab/testing/draws.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"

namespace cpab {
namespace {

using ::testing::HasSubstr;

FiniteElements ElementsOf(const Basis& basis) {
  return MakeFiniteElements(basis.tessellation().cells(),
                            basis.tessellation().num_vertices(),
                            [&basis](int cell) -> const Eigen::Matrix3d& {
                              return basis.shape_matrix(cell);
                            });
}

std::shared_ptr<const SparsePrior> PriorOf(const Basis& basis,
                                           const PriorOptions& options) {
  return SparsePrior::Create(basis.sparse_vertex_basis(),
                             basis.tessellation().vertices(), ElementsOf(basis),
                             options)
      .value();
}

TEST(FiniteElements, IntegrateOverTheSquare) {
  const auto basis = Basis::Create({3, 5}).value();
  const FiniteElements elements = ElementsOf(*basis);
  EXPECT_NEAR(elements.mass.sum(), 1, 1e-14);
  // The gradient of a + b x + c y is (b, c) everywhere.
  const Eigen::VectorXd linear =
      (2 + 3 * basis->tessellation().vertices().row(0).array() -
       basis->tessellation().vertices().row(1).array())
          .transpose();
  EXPECT_NEAR(linear.dot(elements.stiffness * linear), 10, 1e-12);
}

// The formulas of sparse_prior.h with dense matrices.
TEST(SparsePrior, AgreesWithDenseMatrices) {
  for (const double gradient : {0.0, 0.3}) {
    for (const bool zero_boundary : {false, true}) {
      const auto basis =
          Basis::Create({4, 3, zero_boundary, false, true}).value();
      PriorOptions options;
      options.speed = 0.7;
      options.gradient = gradient;
      const auto prior = PriorOf(*basis, options);
      const FiniteElements elements = ElementsOf(*basis);
      const double kappa = std::sqrt(2) / options.length_scale;
      const Eigen::MatrixXd C = elements.mass.asDiagonal();
      const Eigen::MatrixXd sum =
          kappa * kappa * C + Eigen::MatrixXd(elements.stiffness);
      const Eigen::MatrixXd Q =
          sum * C.inverse() * sum / (0.49 * 4 * M_PI * kappa * kappa);
      const Eigen::MatrixXd X =
          (basis->tessellation().vertices().array() - 0.5).transpose();
      const Eigen::MatrixXd K =
          Q.inverse() + gradient * gradient * X * X.transpose();
      const int d = basis->theta_size();
      Eigen::MatrixXd precision(d, d);
      Eigen::MatrixXd columns(2 * X.rows(), d);
      for (int k = 0; k < d; ++k) {
        const Eigen::Matrix2Xd u =
            basis->VerticesFromTheta(Eigen::VectorXd::Unit(d, k));
        columns.col(k) << u.row(0).transpose(), u.row(1).transpose();
      }
      const Eigen::MatrixXd inverse = K.inverse();
      precision = columns.topRows(X.rows()).transpose() * inverse *
                      columns.topRows(X.rows()) +
                  columns.bottomRows(X.rows()).transpose() * inverse *
                      columns.bottomRows(X.rows());
      const Eigen::VectorXd theta = test_util::DrawTheta(*basis, 1, 1);
      const double energy = theta.dot(precision * theta);
      EXPECT_NEAR(prior->Energy(theta), energy, 1e-8 * energy);
      const Eigen::MatrixXd L = precision.llt().matrixL();
      EXPECT_NEAR(prior->LogDensity(theta),
                  L.diagonal().array().log().sum() -
                      0.5 * (energy + d * std::log(2 * M_PI)),
                  1e-7 * energy);
      // Samples have this covariance: of 4000 along one direction.
      std::mt19937_64 generator(1);
      const Eigen::VectorXd direction = test_util::DrawTheta(*basis, 1, 2);
      double variance = 0, mean_energy = 0;
      for (int i = 0; i < 4000; ++i) {
        const Eigen::VectorXd sample = prior->Sample(generator);
        variance += std::pow(direction.dot(sample), 2) / 4000;
        mean_energy += prior->Energy(sample) / 4000;
      }
      // The standard error of both is a share of sqrt(2 / 4000) = 0.022, and of
      // that over sqrt(d).
      const double expected = direction.dot(precision.llt().solve(direction));
      EXPECT_NEAR(variance, expected, 5 * 0.023 * expected);
      EXPECT_NEAR(mean_energy, d, 5 * 0.023 * std::sqrt(d));
    }
  }
}

// Away from the border the covariance is Matern's: at the distance
// length_scale (kappa r) K_1(kappa r) with kappa r = sqrt(2) is 0.4417.
TEST(SparsePrior, HasMaternsCovarianceInside) {
  const auto basis = Basis::Create({32, 32, true, false, true}).value();
  PriorOptions options;
  options.length_scale = 0.1;
  options.speed = 2;
  options.gradient = 0;
  const auto prior = PriorOf(*basis, options);
  std::mt19937_64 generator(3);
  const auto corner = [](int i, int j) { return i + 33 * j; };
  double variance = 0, covariance = 0;
  constexpr int kSamples = 400;
  for (int n = 0; n < kSamples; ++n) {
    const Eigen::Matrix2Xd u =
        basis->VerticesFromTheta(prior->Sample(generator));
    // Five places, and both components.
    for (const int i : {10, 13, 16, 19, 21}) {
      for (int a = 0; a < 2; ++a) {
        const double here = u(a, corner(i, 16));
        variance += here * here / (10 * kSamples);
        // 3.2 cells on, between two corners.
        const double there =
            0.8 * u(a, corner(i, 19)) + 0.2 * u(a, corner(i, 20));
        covariance += here * there / (10 * kSamples);
      }
    }
  }
  EXPECT_NEAR(variance, 4, 0.4);
  EXPECT_NEAR(covariance / variance, 0.44, 0.06);
}

// Over long distances all moves as one, with the share of the constant field.
TEST(SparsePrior, HasTheConstantFieldsVarianceOverLongDistances) {
  const auto basis = Basis::Create({8, 8, false, false, true}).value();
  const int middle = 4 + 9 * 4;
  const Eigen::VectorXd dual =
      basis->sparse_vertex_basis()->TransposeTimes(Eigen::VectorXd::Unit(
          2 * basis->tessellation().num_vertices(), 2 * middle));
  PriorOptions options;
  options.speed = 0.7;
  options.gradient = 0;
  for (const double length_scale : {2.0, 5.0}) {
    options.length_scale = length_scale;
    const auto prior = PriorOf(*basis, options);
    const double deviation = std::sqrt(2 * M_PI) * length_scale * 0.7;
    EXPECT_NEAR(std::sqrt(dual.dot(prior->CovarianceTimes(dual).col(0))),
                deviation, 0.02 * deviation);
  }
}

// Sigma^-1 and Sigma undo each other, and the energy is that of Sigma^-1.
TEST(SparsePrior, PrecisionAndCovarianceAreInverse) {
  for (const bool zero_boundary : {false, true}) {
    const auto basis =
        Basis::Create({6, 5, zero_boundary, false, true}).value();
    const auto prior = PriorOf(*basis, {});
    const Eigen::VectorXd theta = test_util::DrawTheta(*basis, 1, 1);
    const Eigen::VectorXd dual = prior->PrecisionTimes(theta);
    EXPECT_NEAR(theta.dot(dual), prior->Energy(theta),
                1e-12 * prior->Energy(theta));
    EXPECT_LT((prior->CovarianceTimes(dual) - theta).norm(),
              1e-9 * theta.norm());
  }
}

// A cube of n^3 boxes of six tetrahedra each, with a free velocity at each
// vertex: theta is the velocities.
struct Cube {
  explicit Cube(int n) : vertices(3, (n + 1) * (n + 1) * (n + 1)) {
    const auto vertex = [n](int i, int j, int k) {
      return i + (n + 1) * (j + (n + 1) * k);
    };
    for (int k = 0; k <= n; ++k) {
      for (int j = 0; j <= n; ++j) {
        for (int i = 0; i <= n; ++i) {
          vertices.col(vertex(i, j, k)) = Eigen::Vector3d(i, j, k) / n;
        }
      }
    }
    for (int box = 0; box < n * n * n; ++box) {
      std::array<int, 3> order = {0, 1, 2};
      do {
        std::array<int, 3> at = {box % n, box / n % n, box / (n * n)};
        std::array<int, 4> cell = {vertex(at[0], at[1], at[2])};
        for (int step = 0; step < 3; ++step) {
          ++at[order[step]];
          cell[step + 1] = vertex(at[0], at[1], at[2]);
        }
        cells.push_back(cell);
      } while (std::next_permutation(order.begin(), order.end()));
    }
    SparseMatrix identity(vertices.size(), vertices.size());
    identity.setIdentity();
    basis = std::make_shared<const SparseBasis>(identity, identity);
  }

  FiniteElements Elements() const {
    return MakeFiniteElements(cells, vertices.cols(), [this](int cell) {
      Eigen::Matrix4d corners;
      for (int n = 0; n < 4; ++n) {
        corners.col(n) << vertices.col(cells[cell][n]), 1;
      }
      return Eigen::Matrix4d(corners.inverse());
    });
  }

  Eigen::MatrixXd vertices;
  std::vector<std::array<int, 4>> cells;
  std::shared_ptr<const SparseBasis> basis;
};

// The formulas of sparse_prior.h with dense matrices, for each component.
TEST(SparsePrior, AgreesWithDenseMatricesInSpace) {
  const Cube cube(5);
  PriorOptions options;
  options.speed = 0.7;
  const FiniteElements elements = cube.Elements();
  EXPECT_NEAR(elements.mass.sum(), 1, 1e-14);
  const auto prior =
      SparsePrior::Create(cube.basis, cube.vertices, elements, options).value();
  const double kappa = 1 / options.length_scale;
  const Eigen::MatrixXd C = elements.mass.asDiagonal();
  const Eigen::MatrixXd sum =
      kappa * kappa * C + Eigen::MatrixXd(elements.stiffness);
  const Eigen::MatrixXd Q = sum * C.inverse() * sum / (0.49 * 8 * M_PI * kappa);
  const Eigen::MatrixXd X = (cube.vertices.array() - 0.5).transpose();
  const Eigen::MatrixXd precision =
      (Q.inverse() + 0.09 * X * X.transpose()).inverse();
  const Eigen::Index d = cube.vertices.size();
  std::srand(1);
  const Eigen::VectorXd theta = Eigen::VectorXd::Random(d);
  const Eigen::MatrixXd velocities = theta.reshaped(3, d / 3);
  const Eigen::MatrixXd expected = velocities * precision;
  EXPECT_LT(
      (prior->PrecisionTimes(theta) - Eigen::VectorXd(expected.reshaped()))
          .norm(),
      1e-8 * expected.norm());
  const double energy = velocities.cwiseProduct(expected).sum();
  EXPECT_NEAR(prior->Energy(theta), energy, 1e-8 * energy);
  EXPECT_LT(
      (prior->CovarianceTimes(prior->PrecisionTimes(theta)) - theta).norm(),
      1e-9 * theta.norm());
  const Eigen::MatrixXd L = precision.llt().matrixL();
  EXPECT_NEAR(prior->LogDensity(theta),
              3 * L.diagonal().array().log().sum() -
                  0.5 * (energy + static_cast<double>(d) * std::log(2 * M_PI)),
              1e-7 * energy);
  // The energy of a sample has mean d and variance 2 d: of 200.
  std::mt19937_64 generator(1);
  double mean = 0;
  for (int i = 0; i < 200; ++i) {
    mean += prior->Energy(prior->Sample(generator)) / 200;
  }
  EXPECT_NEAR(mean, static_cast<double>(d),
              5 * std::sqrt(2 * static_cast<double>(d) / 200));
}

// kappa^4 beside the eigenvalues of G C^-1 G is then below rounding.
TEST(SparsePrior, IsRefusedWherePrecisionIsSingularToRounding) {
  PriorOptions options;
  const auto basis = Basis::Create({10, 10, false, false, true}).value();
  const Cube cube(4);
  for (const double length_scale : {1e3, 1e4, 1e6, 1e8}) {
    options.length_scale = length_scale;
    const auto refused = StatusIs(absl::StatusCode::kInvalidArgument,
                                  HasSubstr("prior.length_scale is 1"));
    EXPECT_THAT(SparsePrior::Create(basis->sparse_vertex_basis(),
                                    basis->tessellation().vertices(),
                                    ElementsOf(*basis), options)
                    .status(),
                refused);
    EXPECT_THAT(
        SparsePrior::Create(cube.basis, cube.vertices, cube.Elements(), options)
            .status(),
        refused);
  }
  options = {};
  options.speed = 1e200;
  EXPECT_THAT(SparsePrior::Create(basis->sparse_vertex_basis(),
                                  basis->tessellation().vertices(),
                                  ElementsOf(*basis), options)
                  .status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("prior.speed 1e+200")));
  // What the message advises.
  options = {};
  options.length_scale = 1;
  for (const bool volume_preserving : {false, true}) {
    const auto fine =
        Basis::Create({32, 32, false, volume_preserving, true}).value();
    const auto prior = PriorOf(*fine, options);
    std::mt19937_64 generator(1);
    EXPECT_NEAR(prior->Energy(prior->Sample(generator)), fine->theta_size(),
                5 * std::sqrt(2.0 * fine->theta_size()));
  }
}

TEST(SparsePrior, OptionsOutOfRangeAreNamed) {
  const auto basis = Basis::Create({2, 2, false, false, true}).value();
  PriorOptions options;
  options.speed = 0;
  EXPECT_THAT(SparsePrior::Create(basis->sparse_vertex_basis(),
                                  basis->tessellation().vertices(),
                                  ElementsOf(*basis), options)
                  .status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("prior.speed is 0")));
  const auto dense = Basis::Create({2, 2}).value();
  EXPECT_THAT(SparsePrior::Create(dense->sparse_vertex_basis(),
                                  dense->tessellation().vertices(),
                                  ElementsOf(*dense), {})
                  .status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("not stored sparsely")));
  // The dense one has no place for it.
  EXPECT_THAT(SmoothnessPrior::Create(basis->tessellation().vertices(),
                                      basis->vertex_basis(), {})
                  .status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("stored sparsely")));
}

}  // namespace
}  // namespace cpab
