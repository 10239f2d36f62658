#include "cpab/cuda/keypoint_problem.h"

#include <cmath>
#include <memory>
#include <vector>

#include "Eigen/Cholesky"
#include "Eigen/Core"
#include "cpab/field/basis.h"
#include "cpab/field/prior.h"
#include "cpab/field/velocity_field.h"
#include "cpab/fit/fit_problem.h"
#include "cpab/fit/keypoint_objective.h"
#include "cpab/testing/draws.h"
#include "gtest/gtest.h"

namespace cpab::kernels {
namespace {

// Five pairs, the second of weight 0, about a field of random forces.
class KeypointProblemTest : public ::testing::Test {
 protected:
  KeypointProblemTest() {
    from_ = test_util::DrawPoints(kCount, 0.1, 0.9, 1);
    to_ = from_ + test_util::DrawPoints(kCount, -0.1, 0.1, 2);
    force_ = Eigen::VectorXd::Zero(model_.vertex_covariance.rows());
    force_.head(12) << 0.5, -0.2, 0.1, 0.4, -0.3, 0.2, 0.3, 0.1, -0.4, 0.2, 0.1,
        -0.1;
    MakeProblem(kNoise);
  }

  void MakeProblem(double noise) {
    const FitSizes sizes({3, 2}, kCount);
    doubles_.resize(sizes.doubles_of_problem() + sizes.doubles_of_state());
    ints_.resize(sizes.ints_of_problem() + sizes.ints_of_state());
    arena_ = {doubles_.data(), ints_.data()};
    problem_ = std::make_unique<KeypointProblem<OneThread>>(
        team_, FitModel{{3, 2}, model_.vertex_covariance.data()}, noise,
        FitPairs{kCount, from_.data(), to_.data(), weights_.data()}, &arena_);
    state_ = problem_->MakeState(&arena_);
    Eigen::Map<Eigen::VectorXd>(state_.force, force_.size()) = force_;
  }

  // What the processor has of the same.
  WeightedPairs Expected() const {
    WeightedPairs pairs;
    pairs.index = {0, 2, 3, 4};
    pairs.from.resize(2, 4);
    pairs.to.resize(2, 4);
    pairs.weights.resize(4);
    for (int i = 0; i < 4; ++i) {
      pairs.from.col(i) = from_.col(pairs.index[i]);
      pairs.to.col(i) = to_.col(pairs.index[i]);
      pairs.weights[i] = weights_[pairs.index[i]];
    }
    return pairs;
  }
  VelocityField FieldOfForce() const {
    return VelocityField(model_.basis(), model_.theta_from_force * force_);
  }

  static constexpr int kCount = 5;
  static constexpr double kNoise = 2e-4;
  const OneThread team_{};
  const cpab::FitModel model_{
      Prior::Create(Basis::Create({3, 2}).value(), {}).value()};
  Eigen::Matrix2Xd from_, to_;
  std::vector<double> weights_ = {1, 0, 2, 1, 0.5};
  std::vector<double> doubles_;
  std::vector<int> ints_;
  FitArena arena_;
  std::unique_ptr<KeypointProblem<OneThread>> problem_;
  FitState state_;
  Eigen::VectorXd force_;
};

TEST_F(KeypointProblemTest, GathersThePairsThatCount) {
  ASSERT_EQ(problem_->GatherPairs(), 4);
  EXPECT_EQ(problem_->rows(), 8);
  EXPECT_EQ(problem_->index(1), 2);
  EXPECT_EQ(problem_->weight(1), 2);
  EXPECT_EQ(problem_->from(1).x, from_(0, 2));
  EXPECT_NEAR(problem_->floor(), kNoise * kNoise * 4.5, 1e-20);
  for (const double bad : {std::nan(""), HUGE_VAL, 1e160}) {
    to_(1, 3) = bad;
    EXPECT_EQ(problem_->GatherPairs(), -1) << bad;
  }
  to_(1, 3) = 0.5;
  for (const double bad : {-1.0, 1e308}) {
    weights_[0] = weights_[2] = bad;
    EXPECT_EQ(problem_->GatherPairs(), -1) << bad;
  }
}

TEST_F(KeypointProblemTest, EvaluatesTheFieldAsTheProcessorDoes) {
  ASSERT_EQ(problem_->GatherPairs(), 4);
  problem_->Evaluate(state_);
  const WeightedPairs pairs = Expected();
  const VelocityField field = FieldOfForce();
  const FlowAtPairs flow(field, pairs);
  const int n = problem_->columns();
  EXPECT_LT((Eigen::Map<const Eigen::VectorXd>(state_.velocities, n) -
             model_.vertex_covariance * force_)
                .norm(),
            1e-13);
  EXPECT_LT((Eigen::Map<const Eigen::Matrix2Xd>(state_.residual, 2, 4) -
             flow.residual)
                .norm(),
            1e-13);
  // Row by row of D.
  for (int c = 0; c < n; ++c) {
    const Eigen::VectorXd unit = Eigen::VectorXd::Unit(n, c);
    const Eigen::Matrix2Xd column = flow.jacobian.Times(unit);
    for (int i = 0; i < 8; ++i) {
      EXPECT_NEAR(problem_->RowTimes(state_, i, unit.data()),
                  column(i % 2, i / 2), 1e-13);
    }
  }
  FitOptions options;
  options.noise = kNoise;
  const double cost =
      ResidualNorm(pairs.weights, options).Value(flow.residual, 3) +
      0.5 * model_.prior->Energy(model_.theta_from_force * force_);
  EXPECT_NEAR(problem_->Cost(state_, 3), cost, 1e-10 * cost);
  EXPECT_NEAR(problem_->MaxGradient(state_.velocities, nullptr),
              MaxGradient(field.cells()), 1e-12);
}

TEST_F(KeypointProblemTest, SaysWhatRoundingMayChangeAsTheProcessorDoes) {
  for (const double noise : {kNoise, 1e-30}) {
    MakeProblem(noise);
    ASSERT_EQ(problem_->GatherPairs(), 4);
    problem_->Evaluate(state_);
    const WeightedPairs pairs = Expected();
    FitOptions options;
    options.noise = noise;
    const double expected =
        ResidualNorm(pairs.weights, options)
            .Rounding(FlowAtPairs(FieldOfForce(), pairs).residual, 3,
                      pairs.Size());
    EXPECT_NEAR(problem_->Rounding(state_, 3), expected, 1e-12 * expected);
  }
}

TEST_F(KeypointProblemTest, EqualPairsCostNothingHoweverLittleNoise) {
  to_ = from_;
  force_.setZero();
  MakeProblem(1e-170);
  ASSERT_EQ(problem_->GatherPairs(), 4);
  problem_->Evaluate(state_);
  EXPECT_EQ(problem_->Cost(state_, 3), 0);
}

TEST_F(KeypointProblemTest, SolvesItsSystems) {
  ASSERT_EQ(problem_->GatherPairs(), 4);
  problem_->Evaluate(state_);
  RowMajorMatrix product(8, problem_->columns()), gram(8, 8);
  problem_->FormGram(state_, product.data(), gram.data());
  RowMajorMatrix D =
      Eigen::Map<const RowMajorMatrix>(state_.jacobian, 8, problem_->columns());
  EXPECT_LT((product - D * model_.vertex_covariance).norm(), 1e-12);
  EXPECT_LT((gram - product * D.transpose()).norm(), 1e-12);
  gram.diagonal().array() += 0.1;
  const Eigen::VectorXd b = Eigen::VectorXd::LinSpaced(8, -1, 2);
  const Eigen::VectorXd expected = Eigen::MatrixXd(gram).llt().solve(b);
  problem_->Factor(gram.data());
  Eigen::VectorXd x = b;
  problem_->Substitute(gram.data(), x.data());
  EXPECT_LT((x - expected).norm(), 1e-12 * expected.norm());
}

}  // namespace
}  // namespace cpab::kernels
