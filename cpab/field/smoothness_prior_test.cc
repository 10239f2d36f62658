#include "cpab/field/smoothness_prior.h"

#include <cmath>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"

namespace cpab {
namespace {

using ::testing::HasSubstr;

// Where every velocity is free, W = I, the covariance is the kernel's as it is
// written, for each component alone.
TEST(SmoothnessPrior, IsTheKernelInEachNumberOfDimensions) {
  PriorOptions options;
  options.length_scale = 0.4;
  options.speed = 0.7;
  options.gradient = 0.5;
  for (const int dimensions : {1, 2, 3}) {
    Eigen::MatrixXd vertices(dimensions, 4);
    for (int v = 0; v < 4; ++v) {
      for (int a = 0; a < dimensions; ++a) {
        vertices(a, v) = std::fmod(0.3 * v + 0.17 * a * v + 0.1, 1);
      }
    }
    const Eigen::Index size = 4 * dimensions;
    const auto prior = SmoothnessPrior::Create(
        vertices, RowMajorMatrix::Identity(size, size), options);
    const Eigen::MatrixXd& covariance = (*prior)->covariance();
    for (int p = 0; p < size; ++p) {
      for (int q = 0; q < size; ++q) {
        const Eigen::VectorXd a = vertices.col(p / dimensions);
        const Eigen::VectorXd b = vertices.col(q / dimensions);
        const double kernel =
            0.49 * std::exp(-(a - b).norm() / 0.4) +
            0.25 * (a.array() - 0.5).matrix().dot((b.array() - 0.5).matrix());
        EXPECT_NEAR(covariance(p, q),
                    p % dimensions == q % dimensions ? kernel : 0, 1e-12);
      }
    }
  }
}

// Nearly equal velocities everywhere, whose differences are lost to rounding.
TEST(SmoothnessPrior, IsRefusedWhereCovarianceIsSingularToRounding) {
  const Eigen::RowVector3d vertices(0, 0.5, 1);
  const RowMajorMatrix W = RowMajorMatrix::Identity(3, 3);
  PriorOptions options;
  options.length_scale = 1e8;
  EXPECT_THAT(SmoothnessPrior::Create(vertices, W, options), IsOk());
  for (const double length_scale : {1e14, 1e17, 1e30}) {
    options.length_scale = length_scale;
    EXPECT_THAT(SmoothnessPrior::Create(vertices, W, options).status(),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("prior.length_scale is 1e+")));
  }
  options = {};
  options.speed = 1e200;
  EXPECT_THAT(SmoothnessPrior::Create(vertices, W, options).status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("prior.speed 1e+200")));
}

}  // namespace
}  // namespace cpab
