// The kernels' keypoint inference against KeypointFitter::Fit. Both take the
// same steps; sums are added up in another order, and flows rounded otherwise.
//
// So iterates differ by rounding, which a step amplifies by the condition of
// its equations: the rows of the Jacobian of pairs close to each other, damped
// by the compliance rho / tension of at least noise sqrt(K) / tension = 5e-5
// against variances of up to 1, give some 1e5. Five to thirty steps from 1e-15
// leave 1e-9 of theta, unless a test of convergence or of descent falls out the
// other way, which happens where two costs agree to rounding.
#include "cpab/cuda/fit_batch.h"

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "Eigen/Core"
#include "cpab/field/basis.h"
#include "cpab/fit/fit.h"
#include "cpab/fit/keypoint_objective.h"
#include "cpab/testing/draws.h"
#include "cpab/testing/golden_file.h"
#include "cpab/testing/keypoint_draws.h"
#include "gtest/gtest.h"

namespace cpab::kernels {
namespace {

using test_util::DrawNonsense;
using test_util::DrawPoints;
using test_util::DrawSmoothMotion;
using test_util::MakeFitter;

constexpr double kThetaTolerance = 1e-9;

// Problems laid out for the kernels' sources, and what comes of them. All have
// as many pairs; all or none have weights.
class Batch {
 public:
  Batch(const KeypointFitter& fitter,
        const std::vector<KeypointPairs>& problems)
      : fitter_(fitter),
        size_(static_cast<int64_t>(problems.size())),
        count_(static_cast<int>(problems[0].from.cols())),
        converged_(new bool[size_]),
        force_(model().vertex_covariance.rows(), size_),
        numbers_(size_, 4),
        iterations_(size_) {
    for (const KeypointPairs& pairs : problems) {
      Append(pairs.from, &from_);
      Append(pairs.to, &to_);
      Append(pairs.weights, &weights_);
    }
    FitOnHost(Problems(),
              {force_.data(), numbers_.col(0).data(), numbers_.col(1).data(),
               numbers_.col(2).data(), numbers_.col(3).data(),
               iterations_.data(), converged_.get()});
  }

  std::vector<FitResult> Results() const {
    std::vector<FitResult> results;
    for (int64_t b = 0; b < size_; ++b) {
      results.push_back({model().theta_from_force * force_.col(b),
                         numbers_(b, 0), numbers_(b, 1), numbers_(b, 2),
                         numbers_(b, 3), static_cast<int>(iterations_[b]),
                         converged_[b]});
    }
    return results;
  }

  // Column b of dl_dtheta pulled back through problem b.
  std::vector<PairsGradient> Pullback(const Eigen::MatrixXd& dl_dtheta) const {
    Eigen::MatrixXd gradient(force_.rows(), size_);
    // Column by column: a product's rounding depends on its size.
    for (int64_t b = 0; b < size_; ++b) {
      gradient.col(b) = model().force_from_dual * dl_dtheta.col(b);
    }
    Eigen::MatrixXd from(2, count_ * size_), to(2, count_ * size_);
    const std::unique_ptr<bool[]> exact(new bool[size_]);
    PullbackFitOnHost(Problems(),
                      {force_.data(), numbers_.col(2).data(), gradient.data(),
                       from.data(), to.data(), exact.get()});
    std::vector<PairsGradient> gradients;
    for (int64_t b = 0; b < size_; ++b) {
      gradients.push_back({from.middleCols(b * count_, count_),
                           to.middleCols(b * count_, count_), exact[b]});
    }
    return gradients;
  }

 private:
  template <typename Columns>
  static void Append(const Columns& columns, std::vector<double>* values) {
    values->insert(values->end(), columns.data(),
                   columns.data() + columns.size());
  }
  const cpab::FitModel& model() const { return *fitter_.model(); }
  FitBatch Problems() const {
    const auto& cells = fitter_.basis()->tessellation().options();
    const FitOptions& fit = fitter_.options();
    return {{{cells.nx, cells.ny, cells.zero_boundary},
             model().vertex_covariance.data()},
            {fit.tension, fit.noise, fit.tolerance, fit.trust_region,
             fit.max_gradient, fit.max_iterations},
            size_,
            count_,
            from_.data(),
            to_.data(),
            weights_.empty() ? nullptr : weights_.data()};
  }

  const KeypointFitter fitter_;
  const int64_t size_;
  const int count_;
  std::vector<double> from_, to_, weights_;
  const std::unique_ptr<bool[]> converged_;
  Eigen::MatrixXd force_;    // [2 vertices, B]
  Eigen::MatrixXd numbers_;  // [B, 4]
  std::vector<int64_t> iterations_;
};

std::vector<FitResult> FitAll(const KeypointFitter& fitter,
                              const std::vector<KeypointPairs>& problems) {
  return Batch(fitter, problems).Results();
}

// `of_cost`: relative. Where a decision fell out the other way, the costs agree
// to the tolerance of the fit.
void ExpectSame(const KeypointFitter& fitter, const FitResult& result,
                const FitResult& expected, const std::string& what) {
  SCOPED_TRACE(what);
  EXPECT_EQ(result.iterations, expected.iterations);
  EXPECT_EQ(result.converged, expected.converged);
  const double tolerance =
      kThetaTolerance * (1 + expected.theta.cwiseAbs().maxCoeff());
  EXPECT_LT((result.theta - expected.theta).cwiseAbs().maxCoeff(), tolerance);
  EXPECT_NEAR(result.residual, expected.residual, tolerance);
  EXPECT_NEAR(result.cost, expected.cost, fitter.options().tension * tolerance);
  EXPECT_NEAR(result.tension, expected.tension,
              fitter.options().tension * tolerance);
  EXPECT_NEAR(result.max_gradient, expected.max_gradient, 10 * tolerance);
}

struct Setting {
  std::string name;
  TessellationOptions tessellation;
};

class FitBatchTest : public ::testing::TestWithParam<Setting> {
 protected:
  void ExpectAsTheFitter(const KeypointFitter& fitter,
                         const std::vector<KeypointPairs>& problems) {
    const std::vector<FitResult> results = FitAll(fitter, problems);
    for (size_t b = 0; b < problems.size(); ++b) {
      ExpectSame(fitter, results[b], fitter.Fit(problems[b]),
                 std::to_string(b));
    }
  }
  const KeypointFitter fitter_ = MakeFitter(GetParam().tessellation);
};

INSTANTIATE_TEST_SUITE_P(
    Settings, FitBatchTest,
    ::testing::Values(Setting{"local", {4, 4, false, false}},
                      Setting{"global", {6, 6, false, false}},
                      Setting{"fixed_border", {3, 5, true, false}},
                      Setting{"equal_area", {4, 4, false, true}}),
    [](const auto& info) { return info.param.name; });

TEST_P(FitBatchTest, SmoothMotionsAreFittedAsByTheFitter) {
  for (const int count : {1, 5, 20}) {
    std::vector<KeypointPairs> problems;
    for (uint64_t seed = 0; seed < 10; ++seed) {
      problems.push_back(DrawSmoothMotion(count, 0.02, seed));
    }
    ExpectAsTheFitter(fitter_, problems);
  }
}

TEST_P(FitBatchTest, NonsenseIsFittedAsByTheFitter) {
  std::vector<KeypointPairs> problems;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    problems.push_back(DrawNonsense(7, seed));
  }
  ExpectAsTheFitter(fitter_, problems);
}

TEST_P(FitBatchTest, MaxGradientTakesTensionAwayAsInTheFitter) {
  FitOptions options;
  options.max_gradient = 1;
  const KeypointFitter strict = MakeFitter(GetParam().tessellation, options);
  std::vector<KeypointPairs> problems;
  for (uint64_t seed = 0; seed < 10; ++seed) {
    problems.push_back(DrawNonsense(5, 100 + seed));
  }
  ExpectAsTheFitter(strict, problems);
  EXPECT_LT(FitAll(strict, problems)[0].tension, options.tension);
}

TEST_P(FitBatchTest, RunsOutOfIterationsAsTheFitterDoes) {
  FitOptions options;
  options.max_iterations = 2;
  options.max_gradient = 0.5;
  const KeypointFitter hasty = MakeFitter(GetParam().tessellation, options);
  std::vector<KeypointPairs> problems;
  for (uint64_t seed = 0; seed < 5; ++seed) {
    problems.push_back(DrawNonsense(5, seed));
  }
  ExpectAsTheFitter(hasty, problems);
}

TEST_P(FitBatchTest, WeightsCountAsInTheFitter) {
  std::vector<KeypointPairs> problems;
  for (uint64_t seed = 0; seed < 5; ++seed) {
    KeypointPairs pairs = DrawSmoothMotion(8, 0.02, seed);
    pairs.weights = Eigen::VectorXd::LinSpaced(8, 0, 2);
    pairs.weights[5] = 0;
    pairs.from.col(5).setConstant(std::nan(""));
    problems.push_back(pairs);
  }
  ExpectAsTheFitter(fitter_, problems);
}

TEST_P(FitBatchTest, IdentityAndNoPairsGiveExactlyZero) {
  KeypointPairs pairs;
  pairs.from = pairs.to = DrawPoints(5, -0.2, 1.2, 1);
  KeypointPairs ignored = DrawNonsense(5, 2);
  pairs.weights = Eigen::VectorXd::Ones(5);
  ignored.weights = Eigen::VectorXd::Zero(5);
  for (const FitResult& result : FitAll(fitter_, {pairs, ignored})) {
    EXPECT_TRUE(result.theta.isZero(0));
    EXPECT_EQ(result.residual, 0);
    EXPECT_EQ(result.cost, 0);
    EXPECT_EQ(result.iterations, 0);
    EXPECT_TRUE(result.converged);
  }
}

TEST_P(FitBatchTest, WhatIsNotFiniteComesOutAsNanInItsProblemOnly) {
  const KeypointPairs good = DrawSmoothMotion(5, 0.02, 7);
  KeypointPairs nan = good, infinite = good, far = good;
  nan.to(1, 2) = std::nan("");
  infinite.from(0, 1) = HUGE_VAL;
  far.to(0, 0) = 1e160;
  const std::vector<FitResult> results =
      FitAll(fitter_, {good, nan, good, infinite, far, good});
  for (const int b : {1, 3, 4}) {
    EXPECT_TRUE(results[b].theta.array().isNaN().all()) << b;
    EXPECT_TRUE(std::isnan(results[b].residual)) << b;
    EXPECT_FALSE(results[b].converged) << b;
  }
  EXPECT_EQ(results[0].theta, results[2].theta);
  EXPECT_EQ(results[0].theta, results[5].theta);
  EXPECT_EQ(results[0].theta, FitAll(fitter_, {good})[0].theta);
  KeypointPairs negative = good;
  negative.weights = Eigen::VectorXd::Ones(5);
  negative.weights[0] = -1;
  EXPECT_TRUE(FitAll(fitter_, {negative})[0].theta.array().isNaN().all());
}

// ---- The gradient.

Eigen::MatrixXd DrawCotangents(const KeypointFitter& fitter, size_t count) {
  Eigen::MatrixXd result(fitter.basis()->theta_size(), count);
  for (size_t b = 0; b < count; ++b) {
    result.col(b) = test_util::DrawTheta(*fitter.basis(), 1, 500 + b);
  }
  return result;
}

// Both solve for the same minimum and end their linear systems at residuals of
// 1e-8, which the shallowest direction that counts as a minimum (a fiftieth)
// stretches to 5e-7 each; that much was seen in one of 200 draws, 6e-8 in the
// others. Where no minimum is nearby, Newton's steps end at different places.
constexpr double kPullbackTolerance = 1e-6;

// What rounding in the sums along a path of hundreds of steps is worth in the
// pairs' coordinates. Some gradients are 1e7 times as sensitive.
constexpr double kPairRounding = 1e-12;

double DistanceOf(const PairsGradient& a, const PairsGradient& b) {
  return (a.from - b.from).norm() + (a.to - b.to).norm();
}

// How far the gradient moves where the pairs do by kPairRounding.
double RoundingOfPullback(const KeypointFitter& fitter,
                          const KeypointPairs& pairs,
                          const Eigen::VectorXd& cotangent,
                          const PairsGradient& gradient) {
  KeypointPairs moved = pairs;
  for (Eigen::Index k = 0; k < moved.to.cols(); ++k) {
    const double angle = static_cast<double>(k);
    moved.to.col(k) +=
        kPairRounding * Eigen::Vector2d(std::cos(angle), std::sin(angle));
  }
  return DistanceOf(fitter.Pullback(moved, fitter.Fit(moved), cotangent),
                    gradient);
}

void ExpectPullbackAsTheFitter(const KeypointFitter& fitter,
                               const std::vector<KeypointPairs>& problems,
                               double least_exact) {
  const Eigen::MatrixXd cotangents = DrawCotangents(fitter, problems.size());
  const std::vector<PairsGradient> gradients =
      Batch(fitter, problems).Pullback(cotangents);
  size_t exact = 0;
  for (size_t b = 0; b < problems.size(); ++b) {
    SCOPED_TRACE(b);
    const PairsGradient expected = fitter.Pullback(
        problems[b], fitter.Fit(problems[b]), cotangents.col(b));
    const PairsGradient& gradient = gradients[b];
    EXPECT_EQ(gradient.exact, expected.exact);
    EXPECT_TRUE(gradient.from.allFinite() && gradient.to.allFinite());
    if (!expected.exact) continue;
    ++exact;
    EXPECT_LT(DistanceOf(gradient, expected),
              kPullbackTolerance * (expected.from.norm() + expected.to.norm()) +
                  RoundingOfPullback(fitter, problems[b], cotangents.col(b),
                                     expected));
  }
  EXPECT_GE(static_cast<double>(exact),
            least_exact * static_cast<double>(problems.size()));
}

TEST_P(FitBatchTest, SmoothMotionsArePulledBackAsByTheFitter) {
  for (const int count : {1, 5, 20}) {
    std::vector<KeypointPairs> problems;
    for (uint64_t seed = 0; seed < 10; ++seed) {
      problems.push_back(DrawSmoothMotion(count, 0.02, seed));
    }
    ExpectPullbackAsTheFitter(fitter_, problems, 0.9);
  }
}

TEST_P(FitBatchTest, NonsenseIsPulledBackAsByTheFitter) {
  std::vector<KeypointPairs> problems;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    problems.push_back(DrawNonsense(7, seed));
  }
  ExpectPullbackAsTheFitter(fitter_, problems, 0.5);
}

TEST_P(FitBatchTest, LoweredTensionIsPulledBackAsByTheFitter) {
  FitOptions options;
  options.max_gradient = 1;
  const KeypointFitter strict = MakeFitter(GetParam().tessellation, options);
  std::vector<KeypointPairs> problems;
  for (uint64_t seed = 0; seed < 10; ++seed) {
    problems.push_back(DrawNonsense(5, 100 + seed));
  }
  ExpectPullbackAsTheFitter(strict, problems, 0.5);
}

TEST_P(FitBatchTest, WeightsArePulledBackAsByTheFitter) {
  std::vector<KeypointPairs> problems;
  for (uint64_t seed = 0; seed < 5; ++seed) {
    KeypointPairs pairs = DrawSmoothMotion(8, 0.02, seed);
    pairs.weights = Eigen::VectorXd::LinSpaced(8, 0, 2);
    pairs.weights[5] = 0;
    pairs.from.col(5).setConstant(std::nan(""));
    problems.push_back(pairs);
  }
  ExpectPullbackAsTheFitter(fitter_, problems, 0.8);
  const auto gradients =
      Batch(fitter_, problems).Pullback(DrawCotangents(fitter_, 5));
  EXPECT_TRUE(gradients[0].to.col(0).isZero(0));
  EXPECT_TRUE(gradients[0].from.col(5).isZero(0));
}

TEST_P(FitBatchTest, GradientsOfOneProblemDoNotDependOnTheOthers) {
  const std::vector<KeypointPairs> problems = {DrawSmoothMotion(5, 0.02, 1),
                                               DrawNonsense(5, 2),
                                               DrawSmoothMotion(5, 0.02, 3)};
  const Eigen::MatrixXd cotangents = DrawCotangents(fitter_, 3);
  const auto together = Batch(fitter_, problems).Pullback(cotangents);
  for (size_t b = 0; b < problems.size(); ++b) {
    const auto alone =
        Batch(fitter_, {problems[b]}).Pullback(cotangents.col(b));
    EXPECT_EQ(alone[0].from, together[b].from);
    EXPECT_EQ(alone[0].to, together[b].to);
  }
}

TEST_P(FitBatchTest, GradientsAreZeroOrNanWhereTheFittersAre) {
  const KeypointPairs good = DrawSmoothMotion(5, 0.02, 7);
  KeypointPairs nan = good, ignored = good;
  nan.to(1, 2) = std::nan("");
  nan.weights = ignored.weights = Eigen::VectorXd::Ones(5);
  nan.weights[4] = 0;
  ignored.weights.setZero();
  Eigen::MatrixXd cotangents = DrawCotangents(fitter_, 2);
  auto gradients = Batch(fitter_, {nan, ignored}).Pullback(cotangents);
  EXPECT_TRUE(gradients[0].from.leftCols(4).array().isNaN().all());
  EXPECT_TRUE(gradients[0].to.col(4).isZero(0));
  EXPECT_FALSE(gradients[0].exact);
  EXPECT_TRUE(gradients[1].from.isZero(0) && gradients[1].to.isZero(0));
  EXPECT_TRUE(gradients[1].exact);
  cotangents.setZero();
  gradients = Batch(fitter_, {good, good}).Pullback(cotangents);
  EXPECT_TRUE(gradients[0].from.isZero(0) && gradients[0].to.isZero(0));
  cotangents = DrawCotangents(fitter_, 2);
  cotangents(3, 0) = std::nan("");
  gradients = Batch(fitter_, {good, good}).Pullback(cotangents);
  EXPECT_TRUE(gradients[0].from.array().isNaN().all());
  EXPECT_TRUE(gradients[0].to.array().isNaN().all());
  EXPECT_FALSE(gradients[0].exact);
  EXPECT_TRUE(gradients[1].to.allFinite() && gradients[1].exact);
}

// ---- The authors' keypoints.

struct GoldenFile {
  int cells;
  std::string file;
};

class GoldenFitTest : public ::testing::TestWithParam<GoldenFile> {};

INSTANTIATE_TEST_SUITE_P(
    Files, GoldenFitTest,
    ::testing::Values(GoldenFile{4, "kp_infer_4x4_5pts.safetensors"},
                      GoldenFile{6, "kp_infer_6x6_50pts.safetensors"}),
    [](const auto& info) {
      return "cells" + std::to_string(info.param.cells);
    });

TEST_P(GoldenFitTest, EveryMotionIsFittedAsByTheFitter) {
  const auto golden =
      test_util::ReadGolden("cpab/testdata/" + GetParam().file).value();
  const KeypointFitter fitter =
      MakeFitter({GetParam().cells, GetParam().cells});
  const auto& driving = golden["kp_driving"];
  const auto& source = golden["kp_source"];
  const int64_t count = driving.shape[1];
  std::vector<KeypointPairs> problems;
  for (int64_t i = 0; i < driving.shape[0]; ++i) {
    const auto columns = [&](const test_util::GoldenTensor& keypoints) {
      const Eigen::Map<const Eigen::Matrix2Xd> points(
          keypoints.values.data() + 2 * count * i, 2, count);
      return Eigen::Matrix2Xd((points.array() + 1) / 2);
    };
    problems.push_back({columns(driving), columns(source), {}});
  }
  ASSERT_GE(problems.size(), 12u);
  const std::vector<FitResult> results = FitAll(fitter, problems);
  for (size_t i = 0; i < problems.size(); ++i) {
    ExpectSame(fitter, results[i], fitter.Fit(problems[i]), std::to_string(i));
  }
}

}  // namespace
}  // namespace cpab::kernels
