#include "cpab/landmark/stage_prior.h"

#include <cstdlib>

#include "cpab/batch/basis_prior.h"
#include "gtest/gtest.h"

namespace cpab {
namespace {

template <typename Prior>
void ExpectTheMeanOverStages(const Prior& prior, int d, int num_stages) {
  const auto stages = StagePrior::Create(prior, num_stages);
  ASSERT_EQ(stages->theta_size(), num_stages * d);
  std::srand(1);
  const Eigen::VectorXd theta = Eigen::VectorXd::Random(num_stages * d);
  double energy = 0;
  for (int i = 0; i < num_stages; ++i) {
    energy += prior->Energy(theta.segment(i * d, d)) / num_stages;
  }
  EXPECT_NEAR(stages->Energy(theta), energy, 1e-12 * energy);
  const Eigen::VectorXd dual = stages->PrecisionTimes(theta);
  EXPECT_NEAR(theta.dot(dual), energy, 1e-9 * energy);
  // Sigma undoes Sigma^-1.
  RowMajorMatrix J(2, num_stages * d);
  J << dual.transpose(), -2 * dual.transpose();
  const Eigen::MatrixXd back = stages->CovarianceTimesTranspose(J);
  EXPECT_LT((back.col(0) - theta).norm(), 1e-8 * theta.norm());
  EXPECT_LT((back.col(1) + 2 * theta).norm(), 1e-8 * theta.norm());
}

TEST(StagePrior, IsTheMeanOverStages) {
  const auto dense = Basis::Create({4, 3}).value();
  const auto sparse = Basis::Create({4, 3, false, false, true}).value();
  const std::shared_ptr<const SmoothnessPrior> of_dense =
      SmoothnessPrior::Create(dense->tessellation().vertices(),
                              dense->vertex_basis(), {})
          .value();
  const std::shared_ptr<const SparsePrior> of_sparse =
      SparsePriorOf(*sparse, {}).value();
  for (const int num_stages : {1, 3}) {
    ExpectTheMeanOverStages(of_dense, dense->theta_size(), num_stages);
    ExpectTheMeanOverStages(of_sparse, sparse->theta_size(), num_stages);
    EXPECT_FALSE(StagePrior::Create(of_sparse, num_stages)->is_dense());
    const auto stages = StagePrior::Create(of_dense, num_stages);
    EXPECT_TRUE(stages->is_dense());
    const Eigen::VectorXd theta = Eigen::VectorXd::Random(stages->theta_size());
    const Eigen::VectorXd dual = stages->PrecisionTimes(theta);
    EXPECT_LT((stages->Precision() * theta - dual).norm(), 1e-12 * dual.norm());
  }
}

}  // namespace
}  // namespace cpab
