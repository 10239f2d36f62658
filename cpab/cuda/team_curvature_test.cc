// The kernels' second derivatives and their solver against those of the
// processor, at one field: see cpab/fit/keypoint_curvature.h and
// cpab/fit/curvature_solve.h.
#include "cpab/cuda/team_curvature.h"

#include <limits>
#include <memory>
#include <vector>

#include "Eigen/Core"
#include "cpab/cuda/team_curvature_solve.h"
#include "cpab/field/basis.h"
#include "cpab/field/prior.h"
#include "cpab/fit/curvature_solve.h"
#include "cpab/fit/fit_problem.h"
#include "cpab/fit/keypoint_curvature.h"
#include "cpab/fit/keypoint_objective.h"
#include "cpab/testing/draws.h"
#include "gtest/gtest.h"

namespace cpab::kernels {
namespace {

constexpr int kCount = 4;

// Forces at random, which make a field and a theta; residuals of 0.05 beside
// the noise.
class TeamCurvatureTest : public ::testing::TestWithParam<double> {
 protected:
  TeamCurvatureTest() {
    options_.noise = GetParam();
    pairs_.from = test_util::DrawPoints(kCount, 0.1, 0.9, 1);
    pairs_.to = pairs_.from + test_util::DrawPoints(kCount, -0.05, 0.05, 2);
    pairs_.weights.setOnes(kCount);
    columns_ = static_cast<int>(model_.vertex_covariance.rows());
    const FitSizes sizes({3, 2}, kCount);
    doubles_.resize(sizes.doubles_of_problem() + sizes.doubles_of_state() +
                    DoublesOfCurvature(sizes) +
                    DoublesOfCurvatureSolver(sizes));
    ints_.resize(sizes.ints_of_problem() + sizes.ints_of_state());
    FitArena arena = {doubles_.data(), ints_.data()};
    problem_ = std::make_unique<KeypointProblem<OneThread>>(
        team_, FitModel{{3, 2}, model_.vertex_covariance.data()},
        options_.noise,
        FitPairs{kCount, pairs_.from.data(), pairs_.to.data(), nullptr},
        &arena);
    FitState state = problem_->MakeState(&arena);
    curvature_ = std::make_unique<KeypointCurvature<OneThread>>(*problem_,
                                                                sizes, &arena);
    solver_ =
        std::make_unique<CurvatureSolver<OneThread>>(team_, sizes, &arena);
    const Eigen::VectorXd force = Draw(3) * 0.05;
    Eigen::Map<Eigen::VectorXd>(state.force, columns_) = force;
    problem_->GatherPairs();
    problem_->Evaluate(state);
    curvature_->SetTo(state, kTension);
    expected_ = std::make_unique<cpab::KeypointCurvature>(
        model_, options_, pairs_, kTension, model_.theta_from_force * force);
  }

  Eigen::VectorXd Draw(uint64_t seed) const {
    const Eigen::Matrix2Xd points =
        test_util::DrawPoints(columns_ / 2, -1, 1, seed);
    return points.reshaped();
  }
  // W^T h: the dual vector of theta that h stands for.
  Eigen::VectorXd OfTheta(const Eigen::VectorXd& h) const {
    return model_.basis()->ThetaFromVertexDual(h);
  }

  static constexpr double kTension = 0.5;
  const OneThread team_{};
  FitOptions options_;
  const cpab::FitModel model_{
      Prior::Create(Basis::Create({3, 2}).value(), {}).value()};
  int columns_;
  WeightedPairs pairs_;
  std::vector<double> doubles_;
  std::vector<int> ints_;
  std::unique_ptr<KeypointProblem<OneThread>> problem_;
  std::unique_ptr<KeypointCurvature<OneThread>> curvature_;
  std::unique_ptr<CurvatureSolver<OneThread>> solver_;
  std::unique_ptr<cpab::KeypointCurvature> expected_;
};

INSTANTIATE_TEST_SUITE_P(Noises, TeamCurvatureTest,
                         ::testing::Values(2e-4, 1e-12));

TEST_P(TeamCurvatureTest, HasTheCostAndTheGradient) {
  EXPECT_NEAR(curvature_->cost(), expected_->cost(), 1e-11 * expected_->cost());
  Eigen::VectorXd h(columns_);
  curvature_->Descent(h.data());
  EXPECT_LT((OfTheta(h) + expected_->gradient()).norm(),
            1e-9 * expected_->gradient().norm());
}

TEST_P(TeamCurvatureTest, SolvesWithTheGaussNewtonHessian) {
  const Eigen::VectorXd h = Draw(4);
  Eigen::VectorXd p(columns_), u(columns_);
  curvature_->SolveGaussNewton(h.data(), p.data(), u.data());
  const Eigen::VectorXd theta = expected_->SolveGaussNewton(OfTheta(h));
  EXPECT_LT((model_.theta_from_force * p - theta).norm(), 1e-9 * theta.norm());
  EXPECT_LT((u - model_.basis()->vertex_basis() * theta).norm(),
            1e-9 * u.norm());
}

TEST_P(TeamCurvatureTest, MovesForcesAndPointsAsTheProcessorDoes) {
  const Eigen::VectorXd theta = model_.theta_from_force * Draw(5);
  const Eigen::VectorXd u = model_.basis()->vertex_basis() * theta;
  Eigen::Matrix2Xd change(2, kCount), points(2, kCount);
  curvature_->ForceChange(u.data(), change.data());
  const Eigen::Matrix2Xd expected = expected_->ForceChange(theta);
  EXPECT_LT((change - expected).norm(), 1e-9 * expected.norm());
  curvature_->ToPoints(change.data(), points.data());
  EXPECT_LT((points - expected_->ToPoints(expected)).norm(),
            1e-9 * points.norm());
  // By central differences, good to 1e-10 of the forces they difference.
  Eigen::VectorXd h(columns_);
  curvature_->MinusCurvatureTimes(u.data(), true, h.data());
  const auto transport = expected_->TransportAlong(theta);
  EXPECT_LT((OfTheta(h) + transport.theta).norm(),
            1e-6 * transport.theta.norm());
  curvature_->TransportPoints(u.data(), points.data());
  EXPECT_LT((points - transport.points).norm(), 1e-6 * transport.points.norm());
}

TEST_P(TeamCurvatureTest, SolverFindsWhatTheProcessorsDoes) {
  Eigen::VectorXd h = Draw(6);
  Eigen::VectorXd p(columns_), u(columns_);
  const bool steep =
      solver_->Solve(curvature_.get(), h.data(), 1e-8, p.data(), u.data());
  const CurvatureSolution expected =
      SolveCurvature(*expected_, OfTheta(h), 1e-8);
  EXPECT_EQ(steep, expected.least_curvature >= solver::kLeastCurvature);
  EXPECT_LT((model_.theta_from_force * p - expected.x).norm(),
            1e-5 * expected.x.norm());
  h[3] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE(
      solver_->Solve(curvature_.get(), h.data(), 1e-8, p.data(), u.data()));
  EXPECT_TRUE(p.array().isNaN().all());
  h.setZero();
  EXPECT_TRUE(
      solver_->Solve(curvature_.get(), h.data(), 1e-8, p.data(), u.data()));
  EXPECT_TRUE(p.isZero(0));
}

}  // namespace
}  // namespace cpab::kernels
