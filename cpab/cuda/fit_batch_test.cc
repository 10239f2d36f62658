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

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "Eigen/Core"
#include "cpab/field/basis.h"
#include "cpab/fit/fit.h"
#include "cpab/testing/draws.h"
#include "cpab/testing/safetensors.h"
#include "gtest/gtest.h"

namespace cpab::kernels {
namespace {

using test_util::DrawPoints;

constexpr double kThetaTolerance = 1e-9;

KeypointFitter MakeFitter(const TessellationOptions& tessellation,
                          const FitOptions& options = {}) {
  return KeypointFitter::Create(Basis::Create(tessellation).value(), options)
      .value();
}

KeypointPairs DrawSmoothMotion(int count, double noise, uint64_t seed) {
  KeypointPairs pairs;
  pairs.from = DrawPoints(count, 0.1, 0.9, seed);
  pairs.to = pairs.from;
  pairs.to.array() += 0.05 * (4 * pairs.from.colwise().reverse().array()).sin();
  pairs.to += DrawPoints(count, -noise, noise, seed + 1000);
  return pairs;
}

KeypointPairs DrawNonsense(int count, uint64_t seed) {
  return {DrawPoints(count, 0, 1, seed), DrawPoints(count, 0, 1, seed + 1), {}};
}

// All problems have as many pairs; all or none have weights.
std::vector<FitResult> FitAll(const KeypointFitter& fitter,
                              const std::vector<KeypointPairs>& problems) {
  const TessellationOptions& options = fitter.basis()->tessellation().options();
  const FitOptions& fit = fitter.options();
  const RowMajorMatrix& w = fitter.basis()->vertex_basis();
  const RowMajorMatrix theta_from_force =
      fitter.prior().covariance() * w.transpose();
  const RowMajorMatrix covariance = w * theta_from_force;
  const auto batch = static_cast<int64_t>(problems.size());
  const auto count = static_cast<int>(problems[0].from.cols());
  std::vector<double> from, to, weights;
  for (const KeypointPairs& pairs : problems) {
    from.insert(from.end(), pairs.from.data(),
                pairs.from.data() + pairs.from.size());
    to.insert(to.end(), pairs.to.data(), pairs.to.data() + pairs.to.size());
    weights.insert(weights.end(), pairs.weights.data(),
                   pairs.weights.data() + pairs.weights.size());
  }
  const FitBatch fits = {
      {{options.nx, options.ny}, covariance.data()},
      {fit.tension, fit.noise, fit.tolerance, fit.trust_region,
       fit.max_gradient, fit.max_iterations},
      batch,
      count,
      from.data(),
      to.data(),
      weights.empty() ? nullptr : weights.data()};
  Eigen::MatrixXd force(w.rows(), batch);
  Eigen::VectorXd residual(batch), cost(batch), tension(batch),
      max_gradient(batch);
  std::vector<int64_t> iterations(batch);
  const std::unique_ptr<bool[]> converged(new bool[batch]);
  FitOnHost(fits, {force.data(), residual.data(), cost.data(), tension.data(),
                   max_gradient.data(), iterations.data(), converged.get()});
  std::vector<FitResult> results;
  for (int64_t b = 0; b < batch; ++b) {
    results.push_back({theta_from_force * force.col(b), residual[b], cost[b],
                       tension[b], max_gradient[b],
                       static_cast<int>(iterations[b]), converged[b]});
  }
  return results;
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
