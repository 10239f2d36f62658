// Laws of the motion models. CPAB's own are in //cpab.
#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>
#include <limits>
#include <string>

#include "gtest/gtest.h"
#include "networks/testing/tensor_near.h"
#include "pipelines/config/motion_choice.h"
#include "pipelines/model/affine.h"
#include "pipelines/model/bspline.h"
#include "pipelines/model/keypoints_test_util.h"
#include "pipelines/model/motion_model.h"
#include "pipelines/model/thin_plate.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using networks::test_util::TensorNear;
using torch::Tensor;

Tensor Affine(const Tensor& from, const Tensor& to, const Tensor& points) {
  return AffineFromKeypoints(from, to, points, 1e-4);
}
Tensor ThinPlate(const Tensor& from, const Tensor& to, const Tensor& points) {
  return ThinPlateFromKeypoints(from, to, points, {});
}

Tensor BSpline(const Tensor& from, const Tensor& to, const Tensor& points) {
  return BSplineFromKeypoints(BSplineOptions())(from, to, points);
}

struct ClosedForm {
  const char* name;
  Tensor (*map)(const Tensor& from, const Tensor& to, const Tensor& points);
};

class ClosedFormTest : public testing::TestWithParam<ClosedForm> {
 protected:
  Tensor Map(const Tensor& from, const Tensor& to) const {
    return GetParam().map(from, to, Plane(1.2).expand({from.size(0), -1, -1}));
  }
};

TEST_P(ClosedFormTest, MeetsTranslationsExactly) {
  const Tensor from = RandomKeypoints(4, 1);
  const Tensor shift = torch::tensor({0.5, -0.25}, torch::kFloat64);
  EXPECT_THAT(Map(from, from + shift),
              TensorNear((Plane(1.2) + shift).expand({4, -1, -1}), 1e-12));
}

TEST_P(ClosedFormTest, MeetsAffineMotionUpToTheRidge) {
  const Tensor from = RandomKeypoints(8, 2);
  const Tensor linear =
      torch::tensor({{1.2, 0.3}, {-0.4, 0.8}}, torch::kFloat64);
  const auto apply = [&](const Tensor& x) {
    return torch::matmul(x, linear) + 0.1;
  };
  // Of motions of up to 1.4 the affine ridge takes 1e-4 over the scatter's
  // smallest eigenvalue, 0.1; the spline gives another affine_ridge /
  // bending_ridge = 1 % of the affine part to bending, which extrapolates less.
  EXPECT_THAT(Map(from, apply(from)),
              TensorNear(apply(Plane(1.2)).expand({8, -1, -1}), 0.05));
}

// Against central differences, along a random direction of all keypoints.
TEST_P(ClosedFormTest, HasTheGradientOfFiniteDifferences) {
  Tensor from = RandomKeypoints(3, 3).requires_grad_();
  Tensor to = (from + 0.2 * torch::sin(7 * from)).detach().requires_grad_();
  const Tensor cotangent = torch::randn({3, 81, 2}, torch::kFloat64);
  const auto loss = [&](const Tensor& p, const Tensor& q) {
    return (Map(p, q) * cotangent).sum();
  };
  loss(from, to).backward();
  const torch::NoGradGuard no_grad;
  const Tensor dp = torch::randn_like(from), dq = torch::randn_like(to);
  constexpr double kStep = 1e-5;
  const double expected = ((loss(from + kStep * dp, to + kStep * dq) -
                            loss(from - kStep * dp, to - kStep * dq)) /
                           (2 * kStep))
                              .item<double>();
  const double actual =
      ((from.grad() * dp).sum() + (to.grad() * dq).sum()).item<double>();
  // Differences are wrong by kStep^2 times the third derivative, and by 1e-16 /
  // kStep times values of about 100.
  EXPECT_NEAR(actual, expected, 1e-5 * std::abs(expected) + 1e-7);
}

// |T(x) - x| stays within a multiple of |d| that depends on the ridges alone:
// the Cauchy-Schwarz bound sqrt(k(x, x) / ridge) of a fit with prior covariance
// k, sqrt(100 (1 + 2.9) / 0.01) where |x| <= 1.7, and a mean. An ill-posed
// system reaches any number on the way to a line.
constexpr double kGain = 200;

double LargestGain(const Tensor& moved, const Tensor& from, const Tensor& to) {
  const Tensor gain = (moved - Plane(1.2)).norm(2, -1).amax(1) /
                      (to - from).flatten(1).norm(2, 1);
  return gain.max().item<double>();
}

TEST_P(ClosedFormTest, StaysBoundedForKeypointsOnAndNearALine) {
  const Tensor along = torch::linspace(-0.5, 0.5, 5, torch::kFloat64);
  const Tensor bumps = torch::tensor({1., -1., 0.5, -0.5, 1.}, torch::kFloat64);
  for (double off = 0; off < 0.3; off = off == 0 ? 1e-9 : 1.3 * off) {
    const Tensor from =
        torch::stack({along, 0.3 * along + off * bumps}, 1).unsqueeze(0);
    const Tensor to = from + 0.1 * torch::sin(40 * RandomKeypoints(1, 4));
    EXPECT_LT(LargestGain(Map(from, to), from, to), kGain) << off;
  }
}

TEST_P(ClosedFormTest, StaysBoundedForCoincidentKeypoints) {
  Tensor from = RandomKeypoints(2, 5);
  from.select(1, 1) = from.select(1, 0);  // two at one place
  from[1] = from[1][0].clone();           // all at one place
  const Tensor to = from + 0.2 * torch::sin(40 * RandomKeypoints(2, 6));
  EXPECT_LT(LargestGain(Map(from, to), from, to), kGain);
}

INSTANTIATE_TEST_SUITE_P(All, ClosedFormTest,
                         testing::Values(ClosedForm{"Affine", Affine},
                                         ClosedForm{"ThinPlate", ThinPlate},
                                         ClosedForm{"BSpline", BSpline}),
                         [](const auto& info) { return info.param.name; });

// Under these laws is every member of MotionConfig's oneof, with the schema's
// defaults: a new motion model needs no word here.
class MotionModelTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    MotionConfig config;
    config.GetReflection()->MutableMessage(
        &config, config.GetDescriptor()->FindFieldByName(GetParam()));
    const auto model = MakeMotionModel(config);
    ASSERT_THAT(model, IsOk());
    model_ = *model;
  }
  const Tensor points_ = Plane(1.2)[0].to(torch::kFloat32);
  std::shared_ptr<const MotionModel> model_;
};

// thin_plate_original is the one that it is not a law of: see there.
TEST_P(MotionModelTest, EqualKeypointsGiveTheIdentity) {
  if (GetParam() == "thin_plate_original") GTEST_SKIP();
  const Tensor keypoints = RandomKeypoints(3, 1).to(torch::kFloat32);
  const InferredMotion motion = model_->Infer(keypoints, keypoints, points_);
  // CPAB rounds once on the way to the unit square and once on the way back.
  EXPECT_THAT(motion.moved, TensorNear(points_.expand({3, -1, -1}), 3e-7));
  EXPECT_EQ(motion.residual.max().item<float>(), 0);
}

TEST_P(MotionModelTest, ResidualIsThatOfTheMap) {
  const Tensor from = RandomKeypoints(1, 2).to(torch::kFloat32);
  const Tensor to = from + 0.1 * torch::sin(9 * from);
  const InferredMotion at_keypoints = model_->Infer(from, to, from[0]);
  EXPECT_NEAR((at_keypoints.moved - to).norm().item<float>(),
              at_keypoints.residual[0].item<float>(), 1e-5);
}

TEST_P(MotionModelTest, IsTheSameAloneAndInAnyBatch) {
  const Tensor from = RandomKeypoints(6, 3).to(torch::kFloat32);
  const Tensor to = from + 0.1 * torch::sin(9 * from);
  const InferredMotion all = model_->Infer(from, to, points_);
  for (int64_t i = 0; i < 6; ++i) {
    const InferredMotion one =
        model_->Infer(from.slice(0, i, i + 1), to.slice(0, i, i + 1), points_);
    EXPECT_TRUE(torch::equal(one.moved[0], all.moved[i])) << i;
    EXPECT_TRUE(torch::equal(one.residual[0], all.residual[i])) << i;
  }
}

TEST_P(MotionModelTest, KeypointsThatAreNotFiniteSpoilTheirProblemOnly) {
  const Tensor from = RandomKeypoints(3, 4).to(torch::kFloat32);
  const Tensor to = from + 0.1 * torch::sin(9 * from);
  const InferredMotion good = model_->Infer(from, to, points_);
  Tensor bad = to.clone();
  bad[1][2][0] = std::numeric_limits<float>::quiet_NaN();
  const InferredMotion mixed = model_->Infer(from, bad, points_);
  EXPECT_TRUE(mixed.moved[1].isnan().any().item<bool>());
  EXPECT_TRUE(mixed.residual[1].isnan().item<bool>());
  for (const int64_t i : {0, 2}) {
    EXPECT_TRUE(torch::equal(mixed.moved[i], good.moved[i])) << i;
  }
}

TEST_P(MotionModelTest, GradientReachesBothSetsOfKeypoints) {
  Tensor from = RandomKeypoints(2, 5).to(torch::kFloat32).requires_grad_();
  Tensor to = (from + 0.1 * torch::sin(9 * from)).detach().requires_grad_();
  model_->Infer(from, to, points_).moved.square().sum().backward();
  EXPECT_GT(from.grad().abs().min().item<float>(), 0);
  EXPECT_GT(to.grad().abs().min().item<float>(), 0);
}

INSTANTIATE_TEST_SUITE_P(All, MotionModelTest, testing::ValuesIn(MotionNames()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace pipelines
