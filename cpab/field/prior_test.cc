#include "cpab/field/prior.h"

#include <cmath>

#include "Eigen/Eigenvalues"
#include "cpab/testing/draws.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"

namespace cpab {
namespace {

using ::testing::HasSubstr;

std::shared_ptr<const Prior> MakePrior(const TessellationOptions& tessellation,
                                       const PriorOptions& options = {}) {
  return Prior::Create(Basis::Create(tessellation).value(), options).value();
}

class PriorTest : public ::testing::TestWithParam<TessellationOptions> {
 protected:
  const std::shared_ptr<const Prior> prior_ = MakePrior(GetParam());
  const int size_ = prior_->basis()->theta_size();
};

INSTANTIATE_TEST_SUITE_P(Tessellations, PriorTest,
                         ::testing::ValuesIn(test_util::AllKinds()),
                         [](const auto& info) {
                           return test_util::KindName(info.param);
                         });

// The condition number of Sigma is below 1e4, so that the product of inverses
// is off by 1e4 times rounding.
TEST_P(PriorTest, PrecisionIsTheInverseOfTheCovariance) {
  const Eigen::MatrixXd product = prior_->precision() * prior_->covariance();
  EXPECT_LT((product - Eigen::MatrixXd::Identity(size_, size_)).norm(), 1e-10);
}

TEST_P(PriorTest, EnergyIsTheQuadraticFormOfThePrecision) {
  const Eigen::VectorXd theta = test_util::DrawTheta(*prior_->basis(), 0.5, 1);
  const double expected = theta.dot(prior_->precision() * theta);
  EXPECT_NEAR(prior_->Energy(theta), expected, 1e-12 * expected);
  EXPECT_EQ(prior_->Energy(Eigen::VectorXd::Zero(size_)), 0);
}

// The energy of a sample is chi-squared with d degrees of freedom: mean d,
// variance 2 d. Bound: five standard deviations of the mean of 500.
TEST_P(PriorTest, SamplesHaveTheEnergyOfTheDistribution) {
  std::mt19937_64 generator(3);
  double sum = 0;
  for (int i = 0; i < 500; ++i)
    sum += prior_->Energy(prior_->Sample(generator));
  EXPECT_NEAR(sum / 500, size_, 5 * std::sqrt(2.0 * size_ / 500));
}

TEST_P(PriorTest, LogDensityDiffersFromTheModesByHalfTheEnergy) {
  const Eigen::VectorXd theta = test_util::DrawTheta(*prior_->basis(), 0.5, 1);
  const Eigen::VectorXd zero = Eigen::VectorXd::Zero(size_);
  const double energy = prior_->Energy(theta);
  EXPECT_NEAR(prior_->LogDensity(zero) - prior_->LogDensity(theta), energy / 2,
              1e-12 * (1 + energy));
  // log sqrt(det(precision / 2 pi)), by eigenvalues.
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> eigen(
      prior_->precision() / (2 * M_PI));
  const double log_det = eigen.eigenvalues().array().log().sum() / 2;
  EXPECT_NEAR(prior_->LogDensity(zero), log_det, 1e-8);
}

// 1x1 cells leave all five vertices free, so that the vertex covariance is the
// kernel's as it is written.
TEST(PriorKernelTest, IsTheKernelWhereVerticesAreFree) {
  PriorOptions options;
  options.length_scale = 0.4;
  options.speed = 0.7;
  options.gradient = 0.5;
  const auto prior = MakePrior({1, 1}, options);
  const RowMajorMatrix& W = prior->basis()->vertex_basis();
  const Eigen::MatrixXd covariance = W * prior->covariance() * W.transpose();
  const Eigen::Matrix2Xd& vertices = prior->basis()->tessellation().vertices();
  ASSERT_EQ(W.rows(), W.cols());
  for (int p = 0; p < vertices.cols(); ++p) {
    for (int q = 0; q < vertices.cols(); ++q) {
      const Eigen::Vector2d a = vertices.col(p), b = vertices.col(q);
      const Eigen::Vector2d c(0.5, 0.5);
      const double kernel =
          0.49 * std::exp(-(a - b).norm() / 0.4) + 0.25 * (a - c).dot(b - c);
      EXPECT_NEAR(covariance(2 * p, 2 * q), kernel, 1e-12);
      EXPECT_NEAR(covariance(2 * p + 1, 2 * q + 1), kernel, 1e-12);
      EXPECT_NEAR(covariance(2 * p, 2 * q + 1), 0, 1e-12);
    }
  }
}

TEST(PriorSampleTest, DependsOnTheSeedAlone) {
  const auto prior = MakePrior({4, 4});
  std::mt19937_64 a(5), b(5), c(6);
  const Eigen::VectorXd sample = prior->Sample(a);
  EXPECT_EQ(sample, prior->Sample(b));
  EXPECT_NE(sample, prior->Sample(c));
}

TEST(PriorOptionsTest, OutOfRangeIsNamed) {
  const auto basis = Basis::Create({2, 2}).value();
  PriorOptions options;
  options.length_scale = 0;
  EXPECT_THAT(Prior::Create(basis, options).status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("prior.length_scale is 0")));
  options = {};
  options.speed = -1;
  EXPECT_THAT(Prior::Create(basis, options).status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("prior.speed is -1")));
  options = {};
  options.gradient = std::nan("");
  EXPECT_THAT(Prior::Create(basis, options).status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("prior.gradient is nan")));
}

}  // namespace
}  // namespace cpab
