#include "cpab/landmark/landmark_fit.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "cpab/batch/flow_chain.h"
#include "cpab/field/parallel.h"
#include "cpab/fit/fit.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"

namespace cpab {
namespace {

using ::testing::HasSubstr;

std::shared_ptr<const IntervalBasis> Interval() {
  return IntervalBasis::Create({8}).value();
}
std::shared_ptr<const Basis> Plane() {
  return Basis::Create({2, 3, true}).value();
}
std::shared_ptr<const VolumeBasis> Volume() {
  return VolumeBasis::Create({2, 2, 2, true}).value();
}
std::shared_ptr<const Basis> SparsePlane() {
  return Basis::Create({3, 4, true, false, true}).value();
}
std::shared_ptr<const VolumeBasis> SparseVolume() {
  return VolumeBasis::Create({3, 2, 2, false, false, true}).value();
}

// A fitter with what the tests need of its flow.
struct Subject {
  std::string name;
  LandmarkFitter fitter;
  std::function<Eigen::MatrixXd(const Eigen::VectorXd&, const Eigen::MatrixXd&)>
      transform;
};

template <int D>
Subject MakeSubject(const std::string& name,
                    std::shared_ptr<const typename Chain<D>::Basis> basis,
                    const FitOptions& options, int num_stages) {
  return {name, LandmarkFitter::Create(basis, options, num_stages).value(),
          [=](const Eigen::VectorXd& theta, const Eigen::MatrixXd& points) {
            const Chain<D> chain(
                basis, theta.reshaped(theta.size() / num_stages, num_stages),
                Chain<D>::Time::kUnitTogether);
            return Eigen::MatrixXd(chain.Transform(points));
          }};
}

std::vector<Subject> Subjects(const FitOptions& options = {}) {
  return {
      MakeSubject<1>("interval", Interval(), options, 1),
      MakeSubject<1>("interval, three stages", Interval(), options, 3),
      MakeSubject<2>("plane", Plane(), options, 1),
      MakeSubject<2>("plane, two stages", Plane(), options, 2),
      MakeSubject<3>("volume", Volume(), options, 1),
      MakeSubject<3>("volume, two stages", Volume(), options, 2),
      MakeSubject<2>("plane, sparse", SparsePlane(), options, 1),
      MakeSubject<2>("plane, sparse, two stages", SparsePlane(), options, 2),
      MakeSubject<3>("volume, sparse", SparseVolume(), options, 1)};
}

// Pairs in [0.2, 0.8]^D, in order and `size` away along each axis.
LandmarkPairs Draw(int dimensions, int count, double size, uint64_t seed) {
  std::mt19937_64 generator(seed);
  std::normal_distribution<double> normal(0, size);
  LandmarkPairs pairs;
  pairs.from.resize(dimensions, count);
  pairs.to.resize(dimensions, count);
  for (int k = 0; k < count; ++k) {
    for (int a = 0; a < dimensions; ++a) {
      const double place = std::fmod(
          (a == 1 ? 2 : 1) * (k + 0.5) / count + (a == 2 ? 0.4 * k : 0), 1);
      pairs.from(a, k) = 0.2 + 0.6 * place;
      pairs.to(a, k) = pairs.from(a, k) + normal(generator);
    }
  }
  return pairs;
}

TEST(LandmarkFit, MeetsPairs) {
  for (const Subject& subject : Subjects()) {
    SCOPED_TRACE(subject.name);
    const LandmarkPairs pairs = Draw(subject.fitter.dimensions(), 3, 0.02, 1);
    const FitResult result = subject.fitter.Fit(pairs);
    EXPECT_TRUE(result.converged);
    const Eigen::MatrixXd residual =
        pairs.to - subject.transform(result.theta, pairs.from);
    EXPECT_NEAR(residual.norm(), result.residual, 1e-12);
    // The noise is 2e-4 a pair.
    EXPECT_LT(result.residual, 2e-3);
    EXPECT_LE(result.max_gradient, 5);
  }
}

TEST(LandmarkFit, ANoiseBelowRoundingEndsNoFitEarly) {
  FitOptions options;
  options.noise = 1e-12;
  const std::vector<Subject> subjects = Subjects(options);
  options.noise = 1e-30;
  const std::vector<Subject> with_less = Subjects(options);
  for (size_t i = 0; i < subjects.size(); ++i) {
    SCOPED_TRACE(subjects[i].name);
    const LandmarkPairs pairs =
        Draw(subjects[i].fitter.dimensions(), 3, 0.02, 1);
    EXPECT_LT(with_less[i].fitter.Fit(pairs).residual,
              subjects[i].fitter.Fit(pairs).residual + 1e-6);
  }
}

// (1) and (2) of KeypointFitter.
TEST(LandmarkFit, EqualOrNoPairsAreTheIdentity) {
  for (const Subject& subject : Subjects()) {
    LandmarkPairs pairs = Draw(subject.fitter.dimensions(), 4, 0.1, 2);
    pairs.to = pairs.from;
    const FitResult result = subject.fitter.Fit(pairs);
    EXPECT_TRUE(result.theta.isZero(0));
    EXPECT_EQ(result.iterations, 0);
    const Eigen::MatrixXd none(subject.fitter.dimensions(), 0);
    EXPECT_TRUE(subject.fitter.Fit({none, none, {}}).theta.isZero(0));
  }
}

// Half the prior's energy, as of pairs that are met.
TEST(LandmarkFit, NoPairsCostWhatPairsThatAreMetCost) {
  for (const Subject& subject : Subjects()) {
    SCOPED_TRACE(subject.name);
    LandmarkPairs pairs = Draw(subject.fitter.dimensions(), 4, 0.02, 2);
    const Eigen::VectorXd theta = subject.fitter.Fit(pairs).theta;
    pairs.to = subject.transform(theta, pairs.from);
    const double met = subject.fitter.Cost(pairs, theta);
    EXPECT_GT(met, 0);
    const Eigen::MatrixXd none(subject.fitter.dimensions(), 0);
    EXPECT_NEAR(subject.fitter.Cost({none, none, {}}, theta), met, 1e-9 * met);
    pairs.weights.setZero(4);
    EXPECT_NEAR(subject.fitter.Cost(pairs, theta), met, 1e-9 * met);
  }
}

// The gradient of such a field overflows its paths.
TEST(LandmarkFit, PathsWithoutAnEndCostNan) {
  const auto basis = Basis::Create({4, 4}).value();
  const auto fitter = LandmarkFitter::Create(basis, {}).value();
  const Eigen::VectorXd theta =
      Eigen::VectorXd::Constant(fitter.theta_size(), 1e6);
  EXPECT_TRUE(std::isnan(fitter.Cost(Draw(2, 3, 0.1, 1), theta)));
}

// Without bounds on steps and gradients, some of the steps are to such fields.
TEST(LandmarkFit, TakesNoStepToPathsWithoutAnEnd) {
  FitOptions options;
  options.prior.speed = options.prior.gradient = 1e4;
  options.noise = 1e-3;
  options.trust_region = options.max_gradient = 1e12;
  options.max_iterations = 60;
  const LandmarkPairs pairs = {
      Eigen::Vector2d(0.6, 0.3), Eigen::Vector2d(65, 11), {}};
  for (const bool sparse : {false, true}) {
    const auto basis = Basis::Create({2, 2, false, false, sparse}).value();
    const auto fitter =
        LandmarkFitter::Create(basis, options, sparse ? 1 : 2).value();
    EXPECT_TRUE(std::isfinite(fitter.Fit(pairs).residual)) << sparse;
  }
}

TEST(LandmarkFit, ContradictionsStayBounded) {
  for (const Subject& subject : Subjects()) {
    LandmarkPairs pairs;
    pairs.from = pairs.to =
        Eigen::MatrixXd::Constant(subject.fitter.dimensions(), 2, 0.5);
    pairs.to.row(0) << 0.3, 0.7;
    const FitResult result = subject.fitter.Fit(pairs);
    // The identity is the best for both: by symmetry nothing pulls.
    EXPECT_NEAR(result.residual, 0.2 * std::sqrt(2), 1e-12) << subject.name;
    EXPECT_LE(result.max_gradient, 5 + 1e-9);
  }
}

TEST(LandmarkFit, IsTheMinimumOfTheCost) {
  FitOptions options;
  options.tolerance = 1e-14;
  options.max_iterations = 200;
  for (const Subject& subject : Subjects(options)) {
    SCOPED_TRACE(subject.name);
    const LandmarkPairs pairs = Draw(subject.fitter.dimensions(), 5, 0.05, 3);
    const FitResult result = subject.fitter.Fit(pairs);
    ASSERT_EQ(result.tension, options.tension);
    EXPECT_NEAR(subject.fitter.Cost(pairs, result.theta), result.cost, 1e-12);
    std::mt19937_64 generator(1);
    std::normal_distribution<double> normal(0, 1e-3);
    for (int i = 0; i < 20; ++i) {
      Eigen::VectorXd theta = result.theta;
      for (double& element : theta) element += normal(generator);
      EXPECT_GE(subject.fitter.Cost(pairs, theta), result.cost);
    }
  }
}

TEST(LandmarkFit, BoundsTheVelocityGradient) {
  FitOptions options;
  options.max_gradient = 1;
  for (const Subject& subject : Subjects(options)) {
    const LandmarkPairs pairs = Draw(subject.fitter.dimensions(), 6, 0.2, 4);
    const FitResult result = subject.fitter.Fit(pairs);
    EXPECT_LE(result.max_gradient, 1 + 1e-12) << subject.name;
    EXPECT_LT(result.tension, options.tension) << subject.name;
  }
}

TEST(LandmarkFit, LeavesOutPairsOfWeightZero) {
  for (const Subject& subject : Subjects()) {
    LandmarkPairs pairs = Draw(subject.fitter.dimensions(), 4, 0.05, 5);
    const LandmarkPairs first = {
        pairs.from.leftCols(3), pairs.to.leftCols(3), {}};
    pairs.weights = Eigen::Vector4d(1, 1, 1, 0);
    pairs.to.col(3).setConstant(std::nan(""));
    const FitResult alone = subject.fitter.Fit(first);
    EXPECT_EQ(subject.fitter.Fit(pairs).theta, alone.theta);
    const auto both = subject.fitter.FitAll({first, pairs}, OnThreads(2));
    EXPECT_EQ(both[0].theta, alone.theta);
    EXPECT_EQ(both[1].theta, alone.theta);
    pairs.weights[3] = 1;
    EXPECT_TRUE(subject.fitter.Fit(pairs).theta.hasNaN());
    const auto gradient = subject.fitter.Pullback(
        pairs, subject.fitter.Fit(pairs),
        Eigen::VectorXd::Ones(subject.fitter.theta_size()));
    EXPECT_TRUE(gradient.to.hasNaN());
    EXPECT_FALSE(gradient.exact);
  }
}

TEST(LandmarkFit, MinimumIsWhereTheCostIsLevel) {
  for (const Subject& subject : Subjects()) {
    SCOPED_TRACE(subject.name);
    const LandmarkPairs pairs = Draw(subject.fitter.dimensions(), 3, 0.04, 6);
    const FitResult result = subject.fitter.Fit(pairs);
    const FitResult minimum = subject.fitter.Minimum(pairs, result);
    EXPECT_TRUE(minimum.converged);
    EXPECT_LE(minimum.cost, result.cost);
    const double h = 1e-7;
    for (int i = 0; i < subject.fitter.theta_size(); ++i) {
      Eigen::VectorXd theta = minimum.theta;
      theta[i] += h;
      const double ahead = subject.fitter.Cost(pairs, theta);
      theta[i] -= 2 * h;
      // Slopes of single terms are up to 8.
      EXPECT_NEAR(ahead, subject.fitter.Cost(pairs, theta), 1e-4 * 2 * h);
    }
  }
}

// What KeypointFitter::Minimum promises of `iterations` and `converged`.
TEST(LandmarkFit, MinimumCountsItsStepsAndKeepsToTheBound) {
  FitOptions bounded;
  bounded.max_gradient = 0.01;
  const std::vector<Subject> subjects = Subjects();
  const std::vector<Subject> with_bound = Subjects(bounded);
  for (size_t i = 0; i < subjects.size(); ++i) {
    SCOPED_TRACE(subjects[i].name);
    const LandmarkFitter& fitter = subjects[i].fitter;
    const LandmarkPairs pairs = Draw(fitter.dimensions(), 3, 0.02, 1);
    const FitResult minimum = fitter.Minimum(pairs, fitter.Fit(pairs));
    EXPECT_TRUE(minimum.converged);
    EXPECT_GT(minimum.max_gradient, bounded.max_gradient);
    FitResult again = minimum;
    again.iterations = 1000;
    EXPECT_LE(fitter.Minimum(pairs, again).iterations, 2);
    EXPECT_FALSE(with_bound[i].fitter.Minimum(pairs, minimum).converged);
  }
}

// Newton's full steps from so far away are to fields of paths without an end.
TEST(LandmarkFit, MinimumAndPullbackOfAnUnfinishedFitAreFinite) {
  FitOptions options;
  options.tension = 1e4;
  options.max_iterations = 5;
  const auto basis = Basis::Create({2, 2, false, false, true}).value();
  const auto fitter = LandmarkFitter::Create(basis, options).value();
  LandmarkPairs pairs;
  pairs.from.resize(2, 4);
  pairs.to.resize(2, 4);
  pairs.from << 0.8035, 0.0398, 0.5092, 0.6609, 0.8546, 0.5773, 0.0095, 0.2017;
  pairs.to << 0.7291, 0.7545, 0.8608, 0.4929, 0.6077, 0.0919, 0.4263, 0.9306;
  const FitResult result = fitter.Fit(pairs);
  const FitResult minimum = fitter.Minimum(pairs, result);
  EXPECT_LE(minimum.cost, result.cost);
  EXPECT_TRUE(minimum.theta.allFinite());
  const LandmarkGradient gradient = fitter.Pullback(
      pairs, result, Eigen::VectorXd::Ones(fitter.theta_size()));
  EXPECT_TRUE(gradient.from.allFinite());
  EXPECT_TRUE(gradient.to.allFinite());
}

TEST(LandmarkFit, EqualStagesCostWhatOneFieldCosts) {
  const auto one = LandmarkFitter::Create(Plane(), {}).value();
  const auto four = LandmarkFitter::Create(Plane(), {}, 4).value();
  const LandmarkPairs pairs = Draw(2, 4, 0.05, 8);
  const FitResult result = one.Fit(pairs);
  EXPECT_NEAR(four.Cost(pairs, result.theta.replicate(4, 1)), result.cost,
              1e-10);
}

// Two points pass through one place, one after the other, in two directions: a
// constant field has to bend one of the ways round the other.
TEST(LandmarkFit, StagesMeetWhatOneFieldCannot) {
  LandmarkPairs pairs;
  pairs.from.resize(2, 3);
  pairs.to.resize(2, 3);
  pairs.from << 0.5, 0.2, 0.5, 0.5, 0.5, 0.3;
  pairs.to << 0.5, 0.5, 0.5, 0.8, 0.5, 0.3;
  FitOptions options;
  options.max_iterations = 200;
  const auto basis = Basis::Create({4, 4, true}).value();
  const FitResult one =
      LandmarkFitter::Create(basis, options).value().Fit(pairs);
  const FitResult four =
      LandmarkFitter::Create(basis, options, 4).value().Fit(pairs);
  EXPECT_LT(four.cost, 0.8 * one.cost);
  EXPECT_LT(std::max(one.residual, four.residual), 1e-3);
}

// The sparse fitter of the plane is another program for the same objective.
TEST(LandmarkFit, AgreesWithTheFitterOfThePlane) {
  FitOptions options;
  options.tolerance = 1e-12;
  options.max_iterations = 200;
  const LandmarkPairs pairs = Draw(2, 5, 0.05, 9);
  const auto dense = LandmarkFitter::Create(Plane(), options).value();
  const auto sparse = KeypointFitter::Create(Plane(), options).value();
  const FitResult a = dense.Fit(pairs);
  const FitResult b = sparse.Fit({pairs.from, pairs.to, pairs.weights});
  EXPECT_NEAR(a.cost, b.cost, 1e-8 * b.cost);
  EXPECT_LT((a.theta - b.theta).norm(), 1e-4);
}

// Differences of the minimum: the noise of 2e-4 leaves (h / 2e-4)^2 of them.
TEST(LandmarkFit, PullbackIsTheGradientOfTheMinimum) {
  for (const Subject& subject : Subjects()) {
    SCOPED_TRACE(subject.name);
    const LandmarkFitter& fitter = subject.fitter;
    LandmarkPairs pairs = Draw(fitter.dimensions(), 3, 0.04, 6);
    pairs.weights = Eigen::Vector3d(1, 2, 0.5);
    std::mt19937_64 generator(7);
    std::normal_distribution<double> normal;
    Eigen::VectorXd direction(fitter.theta_size());
    for (double& element : direction) element = normal(generator);
    // Right however loose the fit was.
    const LandmarkGradient gradient =
        fitter.Pullback(pairs, fitter.Fit(pairs), direction);
    EXPECT_TRUE(gradient.exact);
    const double h = 1e-6;
    const auto slope = [&](auto member, int a, int k) {
      double values[2];
      for (int side = 0; side < 2; ++side) {
        LandmarkPairs moved = pairs;
        (moved.*member)(a, k) += side == 0 ? -h : h;
        values[side] =
            fitter.Minimum(moved, fitter.Fit(moved)).theta.dot(direction);
      }
      return (values[1] - values[0]) / (2 * h);
    };
    const double scale = gradient.to.norm() + gradient.from.norm();
    for (int k = 0; k < 3; ++k) {
      for (int a = 0; a < fitter.dimensions(); ++a) {
        EXPECT_NEAR(gradient.to(a, k), slope(&LandmarkPairs::to, a, k),
                    2e-4 * scale);
        EXPECT_NEAR(gradient.from(a, k), slope(&LandmarkPairs::from, a, k),
                    2e-4 * scale);
      }
    }
  }
}

TEST(LandmarkFit, CotangentsThatAreNotFiniteGiveNan) {
  for (const Subject& subject : Subjects()) {
    SCOPED_TRACE(subject.name);
    const LandmarkPairs pairs = Draw(subject.fitter.dimensions(), 3, 0.04, 6);
    Eigen::VectorXd direction =
        Eigen::VectorXd::Ones(subject.fitter.theta_size());
    direction[1] = std::nan("");
    const LandmarkGradient gradient =
        subject.fitter.Pullback(pairs, subject.fitter.Fit(pairs), direction);
    EXPECT_TRUE(gradient.from.array().isNaN().all());
    EXPECT_TRUE(gradient.to.array().isNaN().all());
    EXPECT_FALSE(gradient.exact);
  }
}

// Of which the square underflows.
TEST(LandmarkFit, EqualPairsHaveCostsAndGradientsHoweverLittleNoise) {
  FitOptions options;
  options.noise = 1e-170;
  for (const Subject& subject : Subjects(options)) {
    SCOPED_TRACE(subject.name);
    const LandmarkPairs pairs = Draw(subject.fitter.dimensions(), 3, 0, 6);
    const FitResult result = subject.fitter.Fit(pairs);
    EXPECT_EQ(result.cost, 0);
    const LandmarkGradient gradient = subject.fitter.Pullback(
        pairs, result, Eigen::VectorXd::Ones(subject.fitter.theta_size()));
    EXPECT_TRUE(gradient.to.allFinite());
    EXPECT_TRUE(gradient.from.allFinite());
  }
}

TEST(LandmarkFit, WeightsWhoseSumsOverflowGiveNan) {
  for (const Subject& subject : Subjects()) {
    SCOPED_TRACE(subject.name);
    LandmarkPairs pairs = Draw(subject.fitter.dimensions(), 4, 0.1, 6);
    for (const double size : {1.0, 1e-9}) {
      pairs.from *= size;
      pairs.to *= size;
      pairs.weights.setConstant(4, 1e308);
      EXPECT_TRUE(std::isnan(subject.fitter.Fit(pairs).cost)) << size;
      const Eigen::VectorXd zero =
          Eigen::VectorXd::Zero(subject.fitter.theta_size());
      EXPECT_TRUE(std::isnan(subject.fitter.Cost(pairs, zero))) << size;
    }
  }
}

TEST(LandmarkFit, OptionsOutOfRangeAreNamed) {
  FitOptions options;
  options.noise = 0;
  EXPECT_THAT(LandmarkFitter::Create(Interval(), options).status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("fit.noise is 0")));
  options = {};
  options.prior.speed = -1;
  EXPECT_THAT(LandmarkFitter::Create(Volume(), options).status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("prior.speed is -1")));
  EXPECT_THAT(LandmarkFitter::Create(Plane(), {}, 0).status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("number of stages is 0; use 1 to 64")));
  options = {};
  options.solver = FitOptions::Solver::kAdam;
  EXPECT_THAT(LandmarkFitter::Create(Interval(), options).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("kAdam")));
}

}  // namespace
}  // namespace cpab
