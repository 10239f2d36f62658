#include "cpab/fit/keypoint_minimum.h"

#include <cstdint>
#include <limits>
#include <memory>

#include "Eigen/Core"
#include "cpab/field/basis.h"
#include "cpab/field/prior.h"
#include "cpab/fit/gauss_newton.h"
#include "cpab/fit/keypoint_curvature.h"
#include "cpab/fit/solver_constants.h"
#include "cpab/testing/draws.h"
#include "gtest/gtest.h"

namespace cpab {
namespace {

class KeypointMinimumTest : public ::testing::Test {
 protected:
  // Eight pairs that ask for moves of up to `move`.
  WeightedPairs Pairs(double move) const {
    WeightedPairs pairs;
    pairs.from = test_util::DrawPoints(8, 0.1, 0.9, 1);
    pairs.to = pairs.from + test_util::DrawPoints(8, -move, move, 2);
    pairs.weights.setOnes(8);
    return pairs;
  }

  KeypointCurvature At(const WeightedPairs& pairs,
                       const KeypointMinimum& minimum) const {
    return KeypointCurvature(model_, options_, pairs, minimum.tension,
                             minimum.theta);
  }

  double Gradient(const KeypointMinimum& minimum) const {
    return MaxGradient(basis_->CellsFromTheta(minimum.theta));
  }

  // What a Gauss-Newton step from there would take from E, as a fraction of E:
  // g^T G^-1 g of the gradient g.
  double Decrease(const WeightedPairs& pairs,
                  const KeypointMinimum& minimum) const {
    const KeypointCurvature at = At(pairs, minimum);
    return at.gradient().dot(at.SolveGaussNewton(at.gradient())) / at.cost();
  }

  FitOptions options_;
  const std::shared_ptr<const Basis> basis_ = Basis::Create({4, 3}).value();
  const FitModel model_{Prior::Create(basis_, {}).value()};
};

// The last step is full, predicts a decrease of at most kSettled, and leaves
// its square but for what its system was solved to, at most a tenth of the
// step: a hundredth of the decrease.
TEST_F(KeypointMinimumTest, IsStationaryToRounding) {
  for (const double move : {0.02, 0.05}) {
    const WeightedPairs pairs = Pairs(move);
    const FitResult result = FitByGaussNewton(model_, options_, pairs);
    const MinimaOfFit minima = FindMinima(model_, options_, pairs, result);
    EXPECT_TRUE(minima.converged);
    EXPECT_GT(minima.iterations, 0);
    ASSERT_EQ(minima.stages.size(), 1u);
    EXPECT_EQ(minima.stages[0].tension, options_.tension);
    EXPECT_GT(Decrease(pairs, {options_.tension, result.theta}), 1e-8);
    EXPECT_LT(Decrease(pairs, minima.stages[0]), 0.01 * solver::kSettled);
  }
}

TEST_F(KeypointMinimumTest, HasTheLeastCostOfItsNeighbours) {
  const WeightedPairs pairs = Pairs(0.05);
  const MinimaOfFit minima = FindMinima(
      model_, options_, pairs, FitByGaussNewton(model_, options_, pairs));
  const KeypointMinimum& minimum = minima.stages[0];
  const double least = At(pairs, minimum).cost();
  for (uint64_t seed = 10; seed < 30; ++seed) {
    const Eigen::VectorXd step = test_util::DrawTheta(*basis_, 1e-3, seed);
    EXPECT_GT(At(pairs, {minimum.tension, minimum.theta + step}).cost(), least)
        << seed;
    EXPECT_GT(At(pairs, {minimum.tension, minimum.theta - step}).cost(), least)
        << seed;
  }
}

// The square root of what IsStationaryToRounding allows of E is 1e-6, of which
// theta of norm 1 has about as much.
TEST_F(KeypointMinimumTest, IsTheSameHoweverLooselyTheFitEnded) {
  const WeightedPairs pairs = Pairs(0.03);
  options_.tolerance = 1e-10;
  options_.max_iterations = 200;
  const FitResult tight = FitByGaussNewton(model_, options_, pairs);
  const Eigen::VectorXd expected =
      FindMinima(model_, options_, pairs, tight).stages[0].theta;
  options_.tolerance = 0.1;
  const FitResult loose = FitByGaussNewton(model_, options_, pairs);
  const MinimaOfFit minima = FindMinima(model_, options_, pairs, loose);
  EXPECT_GT((loose.theta - expected).norm(), 1e-4 * expected.norm());
  EXPECT_LT((minima.stages[0].theta - expected).norm(), 1e-6 * expected.norm());
}

TEST_F(KeypointMinimumTest, OfPairsThatStayIsTheIdentity) {
  WeightedPairs pairs = Pairs(0);
  const MinimaOfFit minima = FindMinima(
      model_, options_, pairs, FitByGaussNewton(model_, options_, pairs));
  EXPECT_TRUE(minima.converged);
  ASSERT_EQ(minima.stages.size(), 1u);
  EXPECT_EQ(minima.stages[0].theta.cwiseAbs().maxCoeff(), 0);
}

// The first stage is the minimum of the options without the bound, wherever the
// bounded fit ended; each further one has the tension that the one before
// allows.
TEST_F(KeypointMinimumTest, LowersTheTensionUntilTheGradientIsWithinItsBound) {
  const WeightedPairs pairs = Pairs(0.1);
  options_.max_gradient = std::numeric_limits<double>::infinity();
  const FitResult free = FitByGaussNewton(model_, options_, pairs);
  const KeypointMinimum unbounded =
      FindMinima(model_, options_, pairs, free).stages[0];
  options_.max_gradient = 0.5 * Gradient(unbounded);

  const FitResult result = FitByGaussNewton(model_, options_, pairs);
  EXPECT_LT(result.tension, options_.tension);
  const MinimaOfFit minima = FindMinima(model_, options_, pairs, result);
  EXPECT_TRUE(minima.converged);
  ASSERT_GT(minima.stages.size(), 1u);
  EXPECT_EQ(minima.stages[0].tension, options_.tension);
  EXPECT_LT((minima.stages[0].theta - unbounded.theta).norm(),
            1e-6 * unbounded.theta.norm());
  for (size_t i = 0; i + 1 < minima.stages.size(); ++i) {
    const double gradient = Gradient(minima.stages[i]);
    EXPECT_GT(gradient, options_.max_gradient) << i;
    EXPECT_EQ(
        minima.stages[i + 1].tension,
        minima.stages[i].tension * LoweredTension(gradient, options_).factor)
        << i;
  }
  for (const KeypointMinimum& stage : minima.stages) {
    EXPECT_LT(Decrease(pairs, stage), 0.01 * solver::kSettled);
  }
  EXPECT_LE(Gradient(minima.stages.back()), options_.max_gradient);
}

// Twenty stages that quarter the tension leave 1e-12 of it, and of the field's
// gradient no less than that.
TEST_F(KeypointMinimumTest, SaysThatABoundIsOutOfReach) {
  const WeightedPairs pairs = Pairs(0.1);
  const FitResult result = FitByGaussNewton(model_, options_, pairs);
  ASSERT_EQ(result.tension, options_.tension);
  options_.max_gradient = 1e-30;
  const MinimaOfFit minima = FindMinima(model_, options_, pairs, result);
  EXPECT_FALSE(minima.converged);
  EXPECT_EQ(minima.stages.size(),
            static_cast<size_t>(solver::kMaxTensionStages));
}

}  // namespace
}  // namespace cpab
