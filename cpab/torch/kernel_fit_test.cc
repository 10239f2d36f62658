// Fits of tensors by kernels against KeypointFitter, problem by problem.
// cpab/cuda/fit_batch_test.cc argues for the tolerances of theta and of what
// follows from it; gradients are taken at the minimum near theta, which is
// found to 1e-9.
#include "cpab/torch/kernel_fit.h"

#include <torch/types.h>

#include <limits>
#include <vector>

#include "Eigen/Core"
#include "cpab/field/basis.h"
#include "cpab/fit/fit.h"
#include "cpab/fit/keypoint_objective.h"
#include "cpab/testing/draws.h"
#include "cpab/torch/tensor_of.h"
#include "gtest/gtest.h"

namespace cpab {
namespace {

using test_util::DrawPoints;
using torch::Tensor;

constexpr double kThetaTolerance = 1e-9;
constexpr double kGradientTolerance = 1e-6;

KeypointFitter MakeFitter(const FitOptions& options = {}) {
  return KeypointFitter::Create(Basis::Create({4, 3}).value(), options).value();
}

Eigen::VectorXd VectorOf(const Tensor& row) {
  const Tensor dense = row.contiguous();
  return Eigen::Map<const Eigen::VectorXd>(dense.data_ptr<double>(),
                                           dense.numel());
}

// Of the size of `expected`, and at least of 1.
double RelativeDifference(const Tensor& actual, const Tensor& expected) {
  return (actual - expected).abs().max().item<double>() /
         (1 + expected.abs().max().item<double>());
}

// A smooth motion with some noise, one that no diffeomorphism makes, and the
// identity, six pairs each.
std::vector<KeypointPairs> DrawProblems() {
  constexpr int kPairs = 6;
  KeypointPairs smooth = {DrawPoints(kPairs, 0.1, 0.9, 1), {}, {}};
  smooth.to = smooth.from;
  smooth.to.array() +=
      0.05 * (4 * smooth.from.colwise().reverse().array()).sin();
  smooth.to += DrawPoints(kPairs, -0.01, 0.01, 2);
  const KeypointPairs crossing = {
      DrawPoints(kPairs, 0, 1, 3), DrawPoints(kPairs, 0, 1, 4), {}};
  const Eigen::Matrix2Xd points = DrawPoints(kPairs, 0, 1, 5);
  return {smooth, crossing, {points, points, {}}};
}

// The problems as tensors; undefined weights where the problems have none.
struct Tensors {
  explicit Tensors(const std::vector<KeypointPairs>& problems) {
    std::vector<Tensor> p, q, w;
    for (const KeypointPairs& pairs : problems) {
      p.push_back(TensorOf(pairs.from));
      q.push_back(TensorOf(pairs.to));
      w.push_back(TensorOf(pairs.weights).view(-1));
    }
    from = torch::stack(p);
    to = torch::stack(q);
    if (w[0].numel() > 0) weights = torch::stack(w);
  }

  Tensor from, to, weights;
};

// Every number of the fits and of their pullback is the fitter's.
void ExpectAsOfFitter(const KeypointFitter& fitter,
                      const std::vector<KeypointPairs>& problems) {
  const Tensors tensors(problems);
  const KernelFit fit =
      FitByKernels(fitter, tensors.from, tensors.to, tensors.weights);
  const Tensor dl_dtheta = TensorOf(Eigen::MatrixXd(
      test_util::DrawTheta(*fitter.basis(), 1, 6)
          .replicate(1, static_cast<Eigen::Index>(problems.size()))));
  const KernelPairsGradient gradient = PullbackByKernels(
      fitter, tensors.from, tensors.to, tensors.weights, fit, dl_dtheta);
  for (size_t b = 0; b < problems.size(); ++b) {
    SCOPED_TRACE(b);
    const auto i = static_cast<int64_t>(b);
    const FitResult expected = fitter.Fit(problems[b]);
    EXPECT_LT(RelativeDifference(fit.theta[i], TensorOf(expected.theta)[0]),
              kThetaTolerance);
    EXPECT_NEAR(fit.residual[i].item<double>(), expected.residual,
                kThetaTolerance);
    EXPECT_NEAR(fit.tension[i].item<double>(), expected.tension,
                kThetaTolerance * expected.tension);
    EXPECT_NEAR(fit.max_gradient[i].item<double>(), expected.max_gradient,
                10 * kThetaTolerance * (1 + expected.max_gradient));
    EXPECT_EQ(fit.iterations[i].item<int64_t>(), expected.iterations);
    EXPECT_EQ(fit.converged[i].item<bool>(), expected.converged);
    // The velocities at the vertices, u = W theta = W Sigma W^T force.
    const Eigen::VectorXd velocities =
        fitter.model()->vertex_covariance * VectorOf(fit.force[i]);
    EXPECT_LT((velocities -
               fitter.basis()->VerticesFromTheta(expected.theta).reshaped())
                  .cwiseAbs()
                  .maxCoeff(),
              10 * kThetaTolerance);

    const PairsGradient of_pairs =
        fitter.Pullback(problems[b], expected, VectorOf(dl_dtheta[i]));
    EXPECT_LT(RelativeDifference(gradient.from[i], TensorOf(of_pairs.from)),
              kGradientTolerance);
    EXPECT_LT(RelativeDifference(gradient.to[i], TensorOf(of_pairs.to)),
              kGradientTolerance);
    EXPECT_EQ(gradient.exact[i].item<bool>(), of_pairs.exact);
  }
}

TEST(KernelFit, IsTheFittersForEachProblemOfABatch) {
  ExpectAsOfFitter(MakeFitter(), DrawProblems());
}

TEST(KernelFit, TakesWeights) {
  std::vector<KeypointPairs> problems = DrawProblems();
  for (KeypointPairs& pairs : problems) {
    pairs.weights = Eigen::VectorXd::Ones(pairs.from.cols());
  }
  problems[0].weights[2] = 0;
  problems[0].to(1, 2) = std::numeric_limits<double>::quiet_NaN();
  problems[1].weights[0] = 2.5;
  ExpectAsOfFitter(MakeFitter(), problems);
  const Tensors tensors(problems);
  const KeypointFitter fitter = MakeFitter();
  const KernelFit fit =
      FitByKernels(fitter, tensors.from, tensors.to, tensors.weights);
  const KernelPairsGradient gradient =
      PullbackByKernels(fitter, tensors.from, tensors.to, tensors.weights, fit,
                        torch::ones_like(fit.theta));
  EXPECT_EQ(gradient.from[0][2].abs().sum().item<double>(), 0);
  EXPECT_EQ(gradient.to[0][2].abs().sum().item<double>(), 0);
}

TEST(KernelFit, LowersTheTensionToKeepTheGradientWithinItsBound) {
  FitOptions options;
  options.max_gradient = 0.8;
  const KeypointFitter fitter = MakeFitter(options);
  const std::vector<KeypointPairs> problems = DrawProblems();
  const Tensors tensors(problems);
  const KernelFit fit = FitByKernels(fitter, tensors.from, tensors.to, {});
  EXPECT_LT(fit.tension[1].item<double>(), options.tension);
  EXPECT_LE(fit.max_gradient.max().item<double>(), options.max_gradient);
  ExpectAsOfFitter(fitter, problems);
}

TEST(KernelFit, KeepsNanWithinItsProblem) {
  std::vector<KeypointPairs> problems = DrawProblems();
  const KeypointFitter fitter = MakeFitter();
  const Tensors whole(problems);
  const KernelFit expected = FitByKernels(fitter, whole.from, whole.to, {});
  problems[1].from(0, 3) = std::numeric_limits<double>::quiet_NaN();
  const Tensors tensors(problems);
  const KernelFit fit = FitByKernels(fitter, tensors.from, tensors.to, {});
  EXPECT_TRUE(fit.theta[1].isnan().all().item<bool>());
  EXPECT_TRUE(fit.residual[1].isnan().item<bool>());
  EXPECT_FALSE(fit.converged[1].item<bool>());
  for (const int b : {0, 2}) {
    EXPECT_TRUE(torch::equal(fit.theta[b], expected.theta[b])) << b;
  }
  const KernelPairsGradient gradient = PullbackByKernels(
      fitter, tensors.from, tensors.to, {}, fit, torch::ones_like(fit.theta));
  EXPECT_TRUE(gradient.from[1].isnan().all().item<bool>());
  EXPECT_FALSE(gradient.exact[1].item<bool>());
  EXPECT_TRUE(gradient.from[0].isfinite().all().item<bool>());
}

TEST(KernelFit, ComputesInFloat64WhateverThePairsAre) {
  const Tensors tensors(DrawProblems());
  const Tensor from = tensors.from.to(torch::kFloat32);
  // Keypoints come as slices of other tensors, too.
  const Tensor to = tensors.to.to(torch::kFloat32)
                        .transpose(1, 2)
                        .contiguous()
                        .transpose(1, 2);
  const KeypointFitter fitter = MakeFitter();
  const KernelFit single = FitByKernels(fitter, from, to, {});
  const KernelFit twice = FitByKernels(fitter, from.to(torch::kFloat64),
                                       to.to(torch::kFloat64), {});
  EXPECT_EQ(single.theta.scalar_type(), torch::kFloat64);
  EXPECT_TRUE(torch::equal(single.theta, twice.theta));
  EXPECT_FALSE(
      FitByKernels(fitter, tensors.from.clone().requires_grad_(), to, {})
          .theta.requires_grad());
}

// Offsets into a problem's matrix of [2K, 2K] must be ints: 46342^2 > 2^31.
TEST(KernelFit, RefusesMorePairsThanItsMatrixCanHave) {
  const Tensor none = torch::zeros({0, 23171, 2}, torch::kFloat64);
  EXPECT_THROW(FitByKernels(MakeFitter(), none, none, {}), c10::Error);
}

TEST(KernelFit, OfNoProblemsIsEmpty) {
  const KeypointFitter fitter = MakeFitter();
  const Tensor none = torch::zeros({0, 5, 2}, torch::kFloat64);
  const KernelFit fit = FitByKernels(fitter, none, none, {});
  EXPECT_EQ(fit.theta.sizes(),
            torch::IntArrayRef({0, fitter.basis()->theta_size()}));
  EXPECT_EQ(
      PullbackByKernels(fitter, none, none, {}, fit, fit.theta).from.sizes(),
      none.sizes());
}

}  // namespace
}  // namespace cpab
