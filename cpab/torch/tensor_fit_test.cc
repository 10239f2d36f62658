#include "cpab/torch/tensor_fit.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <limits>

#include "Eigen/Core"
#include "cpab/batch/flow_chain.h"
#include "cpab/torch/transform.h"
#include "gtest/gtest.h"

namespace cpab {
namespace {

using torch::Tensor;

Tensor Uniform(torch::IntArrayRef shape, uint64_t seed) {
  return torch::rand(shape, at::make_generator<at::CPUGeneratorImpl>(seed),
                     torch::kFloat64);
}

// Keypoints and where a smooth motion, and some noise, takes them: [B, K, 2].
struct Pairs {
  Tensor from, to;
};
Pairs SmoothMotion(int64_t batch, int64_t count, uint64_t seed) {
  const Tensor from = 0.1 + 0.8 * Uniform({batch, count, 2}, seed);
  const Tensor noise = 0.02 * (Uniform({batch, count, 2}, seed + 1) - 0.5);
  return {from, from + 0.05 * torch::sin(4 * from.flip(2) + 1) + noise};
}

KeypointFitter MakeFitter(const FitOptions& options = {}) {
  return KeypointFitter::Create(Basis::Create({4, 4}).value(), options).value();
}

class FitKeypointsTest : public ::testing::Test {
 protected:
  const KeypointFitter fitter_ = MakeFitter();
  const Transform transform_{fitter_.basis()};
};

// `residual` and the transform of the same library must tell the same: the fit
// is in double, the flow of the float32 theta within 1e-6 of it (rounding of
// 58 coefficients of order 1, weighed by points of order 1).
TEST_F(FitKeypointsTest, ThetaCarriesTheKeypoints) {
  const Pairs pairs = SmoothMotion(6, 5, 1);
  const Tensor from = pairs.from.to(torch::kFloat32);
  const Tensor to = pairs.to.to(torch::kFloat32);
  const KeypointFit fit = FitKeypoints(fitter_, from, to);
  EXPECT_EQ(fit.theta.scalar_type(), torch::kFloat32);
  EXPECT_EQ(fit.theta.sizes(), torch::IntArrayRef({6, 58}));
  EXPECT_TRUE(fit.converged.all().item<bool>());
  const Tensor residual =
      (transform_.Apply(fit.theta, from) - to).flatten(1).norm(2, 1);
  EXPECT_LT((residual - fit.residual).abs().max().item<double>(), 5e-6);
  EXPECT_LT(residual.max().item<double>(), 1e-3);
}

TEST_F(FitKeypointsTest, ThetaIsThatOfAChainOfOneStage) {
  const Pairs pairs = SmoothMotion(1, 5, 1);
  const Tensor theta = FitKeypoints(fitter_, pairs.from, pairs.to).theta;
  const FlowChain chain(
      fitter_.basis(),
      Eigen::Map<const Eigen::VectorXd>(theta.data_ptr<double>(), 58),
      FlowChain::Time::kUnitEach);
  const Eigen::Map<const Eigen::Matrix2Xd> from(pairs.from.data_ptr<double>(),
                                                2, 5);
  const Tensor moved = transform_.Apply(theta, pairs.from);
  const Eigen::Map<const Eigen::Matrix2Xd> expected(moved.data_ptr<double>(), 2,
                                                    5);
  EXPECT_LT((chain.Transform(from) - expected).norm(), 1e-12);
}

TEST_F(FitKeypointsTest, IsBitIdenticalAloneInABatchAndOnAnyThreads) {
  const Pairs pairs = SmoothMotion(8, 5, 2);
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const Tensor serial = FitKeypoints(fitter_, pairs.from, pairs.to).theta;
  at::set_num_threads(3);
  const Tensor parallel = FitKeypoints(fitter_, pairs.from, pairs.to).theta;
  at::set_num_threads(threads);
  EXPECT_TRUE(torch::equal(serial, parallel));
  for (int64_t b : {0, 3, 7}) {
    const Tensor alone = FitKeypoints(fitter_, pairs.from.slice(0, b, b + 1),
                                      pairs.to.slice(0, b, b + 1))
                             .theta;
    EXPECT_TRUE(torch::equal(alone[0], serial[b])) << b;
  }
}

TEST_F(FitKeypointsTest, PairsOfWeightZeroArePadding) {
  const Pairs pairs = SmoothMotion(1, 5, 3);
  Tensor padded_from = torch::full({1, 9, 2}, 0.3, torch::kFloat64);
  Tensor padded_to = torch::full(
      {1, 9, 2}, std::numeric_limits<double>::quiet_NaN(), torch::kFloat64);
  Tensor weights = torch::zeros({1, 9}, torch::kFloat64);
  padded_from.slice(1, 2, 7) = pairs.from;
  padded_to.slice(1, 2, 7) = pairs.to;
  weights.slice(1, 2, 7) = 1;
  EXPECT_TRUE(torch::equal(FitKeypoints(fitter_, padded_from, padded_to,
                                        ThetaGradient::kDetached, weights)
                               .theta,
                           FitKeypoints(fitter_, pairs.from, pairs.to).theta));
}

TEST_F(FitKeypointsTest, NanStaysInItsProblem) {
  const Pairs pairs = SmoothMotion(3, 5, 4);
  const Tensor whole = FitKeypoints(fitter_, pairs.from, pairs.to).theta;
  Tensor from = pairs.from.clone();
  from[1][2][0] = std::numeric_limits<double>::quiet_NaN();
  const KeypointFit fit = FitKeypoints(fitter_, from, pairs.to);
  EXPECT_TRUE(fit.theta[1].isnan().all().item<bool>());
  EXPECT_TRUE(fit.residual[1].isnan().item<bool>());
  EXPECT_FALSE(fit.converged[1].item<bool>());
  EXPECT_TRUE(torch::equal(fit.theta[0], whole[0]));
  EXPECT_TRUE(torch::equal(fit.theta[2], whole[2]));
}

TEST_F(FitKeypointsTest, NoPairsGiveTheIdentity) {
  const Tensor none = torch::zeros({2, 0, 2});
  const KeypointFit fit = FitKeypoints(fitter_, none, none);
  EXPECT_TRUE(torch::equal(fit.theta, torch::zeros({2, 58})));
  EXPECT_TRUE(fit.converged.all().item<bool>());
}

TEST_F(FitKeypointsTest, ThetaIsDetachedUnlessAskedFor) {
  const Pairs pairs = SmoothMotion(2, 5, 5);
  const Tensor from = pairs.from.clone().requires_grad_();
  EXPECT_FALSE(FitKeypoints(fitter_, from, pairs.to).theta.requires_grad());
  EXPECT_TRUE(FitKeypoints(fitter_, from, pairs.to, ThetaGradient::kImplicit)
                  .theta.requires_grad());
}

TEST_F(FitKeypointsTest, SaysWhichGradientsAreExactOncePulledBack) {
  const Pairs pairs = SmoothMotion(3, 5, 5);
  const Tensor from = pairs.from.clone();
  from[1][2][0] = std::numeric_limits<double>::quiet_NaN();
  const KeypointFit fit = FitKeypoints(fitter_, from.requires_grad_(), pairs.to,
                                       ThetaGradient::kImplicit);
  EXPECT_FALSE(fit.exact_gradient.any().item<bool>());
  fit.theta.sum().backward();
  EXPECT_TRUE(
      torch::equal(fit.exact_gradient, torch::tensor({true, false, true})));
  EXPECT_FALSE(FitKeypoints(fitter_, from, pairs.to).exact_gradient.defined());
}

TEST_F(FitKeypointsTest, ThetaIsTheSameWithAndWithoutGradient) {
  const Pairs pairs = SmoothMotion(4, 5, 9);
  const Tensor from = pairs.from.clone().requires_grad_();
  EXPECT_TRUE(torch::equal(
      FitKeypoints(fitter_, from, pairs.to).theta,
      FitKeypoints(fitter_, from, pairs.to, ThetaGradient::kImplicit)
          .theta.detach()));
}

// Both keypoint sets, through theta and the transform at other points, against
// central differences of everything. The solves end up to some 1e-9 from their
// minimum, which a step of 1e-4 leaves as 1e-5 in the quotients; the worst seen
// is below 1e-5 of the largest gradient (at a step of 1e-5: 1.2e-4, at 1e-6:
// 4e-5, both from where the solves end).
TEST(FitKeypointsGradientTest, AgreesWithDifferencesOfTheWholeSolve) {
  FitOptions options;
  options.tolerance = 1e-15;
  options.max_iterations = 200;
  const KeypointFitter fitter = MakeFitter(options);
  const Transform transform(fitter.basis());
  const Pairs pairs = SmoothMotion(2, 5, 6);
  const Tensor probes = Uniform({2, 3, 2}, 7),
               cotangent = Uniform({2, 3, 2}, 8);
  const auto loss = [&](const Tensor& from, const Tensor& to) {
    const Tensor theta =
        FitKeypoints(fitter, from, to, ThetaGradient::kImplicit).theta;
    return (transform.Apply(theta, probes) * cotangent).sum();
  };
  std::vector<Tensor> inputs = {pairs.from.clone().requires_grad_(),
                                pairs.to.clone().requires_grad_()};
  loss(inputs[0], inputs[1]).backward();
  constexpr double kStep = 1e-4;
  for (size_t which = 0; which < inputs.size(); ++which) {
    const Tensor gradient = inputs[which].grad();
    torch::NoGradGuard no_grad;
    const double scale = gradient.abs().max().item<double>();
    for (int64_t i = 0; i < gradient.numel(); ++i) {
      std::vector<Tensor> ahead = {inputs[0].clone(), inputs[1].clone()};
      std::vector<Tensor> behind = {inputs[0].clone(), inputs[1].clone()};
      ahead[which].view(-1)[i] += kStep;
      behind[which].view(-1)[i] -= kStep;
      const double difference =
          (loss(ahead[0], ahead[1]) - loss(behind[0], behind[1]))
              .item<double>() /
          (2 * kStep);
      EXPECT_NEAR(gradient.view(-1)[i].item<double>(), difference, 1e-4 * scale)
          << (which == 0 ? "from " : "to ") << i;
    }
  }
}

// Kernels, by the host's build of them: theta, its gradient and all else, as on
// the CPU up to rounding. cpab/cuda/fit_batch_test.cc argues for the bound; the
// gradient is taken at the minimum near theta, which is found to 1e-9.
TEST_F(FitKeypointsTest, KernelsAgreeWithTheCpu) {
  const Pairs pairs = SmoothMotion(4, 6, 10);
  Tensor weights = torch::ones({4, 6}, torch::kFloat64);
  weights[1][2] = 0;
  weights[3][0] = 2;
  const Tensor cotangent = Uniform({4, 58}, 11);
  KeypointFit fits[2];
  Tensor from[2], to[2];
  for (const int i : {0, 1}) {
    from[i] = pairs.from.clone().requires_grad_();
    to[i] = pairs.to.clone().requires_grad_();
    fits[i] = FitKeypoints(
        fitter_, from[i], to[i], ThetaGradient::kImplicit, weights,
        i == 0 ? FitImplementation::kAutomatic : FitImplementation::kKernels);
    (fits[i].theta * cotangent).sum().backward();
  }
  const auto near = [](const Tensor& a, const Tensor& b) {
    return (a - b).abs().max().item<double>() /
           (1 + b.abs().max().item<double>());
  };
  EXPECT_LT(near(fits[1].theta, fits[0].theta), 1e-9);
  EXPECT_LT(near(fits[1].residual, fits[0].residual), 1e-9);
  EXPECT_LT(near(fits[1].max_gradient, fits[0].max_gradient), 1e-8);
  EXPECT_TRUE(torch::equal(fits[1].iterations, fits[0].iterations));
  EXPECT_TRUE(torch::equal(fits[1].converged, fits[0].converged));
  EXPECT_TRUE(torch::equal(fits[1].exact_gradient, fits[0].exact_gradient));
  EXPECT_LT(near(from[1].grad(), from[0].grad()), 1e-6);
  EXPECT_LT(near(to[1].grad(), to[0].grad()), 1e-6);
  EXPECT_EQ(from[1].grad()[1][2].abs().max().item<double>(), 0);
}

TEST_F(FitKeypointsTest, KernelsTakeFloat32AndNoPairs) {
  const Pairs pairs = SmoothMotion(3, 5, 12);
  const auto fit = [&](const Tensor& from, const Tensor& to) {
    return FitKeypoints(fitter_, from, to, ThetaGradient::kDetached, {},
                        FitImplementation::kKernels);
  };
  const KeypointFit single =
      fit(pairs.from.to(torch::kFloat32), pairs.to.to(torch::kFloat32));
  EXPECT_EQ(single.theta.scalar_type(), torch::kFloat32);
  EXPECT_FALSE(single.theta.requires_grad());
  // The pairs are rounded by 3e-8, theta by as much of its size.
  EXPECT_LT((single.theta - fit(pairs.from, pairs.to).theta)
                .abs()
                .max()
                .item<double>(),
            1e-4);
  const KeypointFit none =
      fit(pairs.from.slice(1, 0, 0), pairs.to.slice(1, 0, 0));
  EXPECT_TRUE(torch::equal(none.theta, torch::zeros({3, 58}, torch::kFloat64)));
  FitOptions options;
  options.solver = FitOptions::Solver::kAdam;
  EXPECT_THROW(
      FitKeypoints(MakeFitter(options), pairs.from, pairs.to,
                   ThetaGradient::kDetached, {}, FitImplementation::kKernels),
      c10::Error);
}

TEST_F(FitKeypointsTest, GradientIsThatOfThePairsThatWereFitted) {
  const Pairs pairs = SmoothMotion(2, 5, 4);
  for (const auto implementation :
       {FitImplementation::kAutomatic, FitImplementation::kKernels}) {
    Tensor gradient[2];
    for (const bool is_changed : {false, true}) {
      Tensor from = pairs.from.clone().requires_grad_();
      Tensor to = pairs.to.clone(), weights = torch::ones({2, 5}, from.dtype());
      const Tensor theta =
          FitKeypoints(fitter_, from, to, ThetaGradient::kImplicit, weights,
                       implementation)
              .theta;
      if (is_changed) {
        const torch::NoGradGuard no_grad;
        from.mul_(2).sub_(1);
        to.mul_(2).sub_(1);
        weights.mul_(3);
      }
      theta.sum().backward();
      gradient[is_changed] = from.grad();
    }
    EXPECT_TRUE(torch::equal(gradient[0], gradient[1]));
  }
}

TEST_F(FitKeypointsTest, CreateGraphThrows) {
  const Pairs pairs = SmoothMotion(2, 5, 13);
  for (const auto implementation :
       {FitImplementation::kAutomatic, FitImplementation::kKernels}) {
    const Tensor from = pairs.from.clone().requires_grad_();
    const Tensor theta =
        FitKeypoints(fitter_, from, pairs.to, ThetaGradient::kImplicit, {},
                     implementation)
            .theta;
    EXPECT_THROW(theta.sum().backward({}, /*retain_graph=*/true,
                                      /*create_graph=*/true),
                 c10::Error);
  }
}

TEST_F(FitKeypointsTest, RejectsWrongShapesAndDtypes) {
  const Tensor from = torch::zeros({2, 5, 2});
  EXPECT_THROW(FitKeypoints(fitter_, from[0], from[0]), c10::Error);
  EXPECT_THROW(FitKeypoints(fitter_, from, torch::zeros({2, 4, 2})),
               c10::Error);
  EXPECT_THROW(FitKeypoints(fitter_, from, from.to(torch::kFloat64)),
               c10::Error);
  EXPECT_THROW(FitKeypoints(fitter_, from, from, ThetaGradient::kDetached,
                            torch::ones({2, 4})),
               c10::Error);
  for (const auto implementation :
       {FitImplementation::kAutomatic, FitImplementation::kKernels}) {
    EXPECT_THROW(
        FitKeypoints(fitter_, from, from, ThetaGradient::kDetached,
                     torch::ones({2, 5}, torch::kFloat64), implementation),
        c10::Error);
  }
}

}  // namespace
}  // namespace cpab
