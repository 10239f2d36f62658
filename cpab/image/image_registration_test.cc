#include "cpab/image/image_registration.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "cpab/batch/basis_prior.h"
#include "cpab/field/refine.h"
#include "cpab/image/image_objective.h"
#include "cpab/image/warp.h"
#include "cpab/testing/draws.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "opencv2/imgproc.hpp"
#include "third_party/absl/status_matchers.h"

namespace cpab {
namespace {

using ::testing::HasSubstr;

// Blobs at random places: structure in all directions, [size, size] 8-bit.
cv::Mat Blobs(int size, int seed) {
  cv::RNG random(seed);
  cv::Mat image(size, size, CV_8UC3, cv::Scalar(60, 60, 60));
  for (int i = 0; i < 40; ++i) {
    cv::circle(image, {random.uniform(0, size), random.uniform(0, size)},
               random.uniform(size / 30, size / 8),
               cv::Scalar::all(random.uniform(0, 255)), cv::FILLED,
               cv::LINE_AA);
  }
  cv::GaussianBlur(image, image, {}, size / 60.0);
  return image;
}

// As the last level compares it.
ReducedImage Compared(const cv::Mat& image, int side) {
  cv::Mat grey, result;
  cv::transform(image, grey, cv::Matx13f(1.f / 3, 1.f / 3, 1.f / 3));
  grey.convertTo(grey, CV_32F, 1.0 / 255);
  cv::resize(grey, result, {side, side}, 0, 0, cv::INTER_AREA);
  return {result, image.size()};
}

// The objective at what was found is at most that at the planted field, which
// explains the images but for the error of their resampling, and has a prior's
// energy to pay. Being not negative, that energy leaves for the mean square no
// more than the whole.
void ExpectNoWorseThan(const Eigen::VectorXd& planted, const cv::Mat& moving,
                       const cv::Mat& fixed, const RegistrationOptions& options,
                       const RegistrationResult& result) {
  const ImageObjective objective(
      Compared(moving, options.largest_side),
      Compared(fixed, options.largest_side), result.basis,
      BasisPriorOf(*result.basis, options.prior).value(), 1, options.noise);
  const double most = objective.Value(planted);
  EXPECT_LE(objective.Value(result.theta), most);
  const double weight = 64 / (2 * options.noise * options.noise);
  EXPECT_LE(result.rms_after * result.rms_after, most / weight);
}

RegistrationOptions SmallOptions() {
  RegistrationOptions options;
  options.cells = {2, 4};
  options.largest_side = 64;
  return options;
}

TEST(Register, FindsAKnownWarp) {
  const cv::Mat moving = Blobs(160, 1);
  const auto basis = Basis::Create({4, 4}).value();
  const auto prior = Prior::Create(basis, {}).value();
  std::mt19937_64 generator(5);
  const Eigen::VectorXd theta = 0.04 * prior->Sample(generator);
  const Flow truth(basis, theta);
  WarpOptions warp_options;
  warp_options.outside = WarpOptions::Outside::kNearestPixel;
  const cv::Mat fixed = Warp(moving, truth, warp_options).value();

  RegistrationOptions sparse = SmallOptions(), fine = SmallOptions();
  sparse.sparse_basis = true;
  fine.cells = {4, 36};  // Sparse by itself.
  fine.largest_side = 32;
  for (const RegistrationOptions& options : {SmallOptions(), sparse, fine}) {
    const auto result = Register(moving, fixed, options);
    ASSERT_THAT(result, IsOk());
    EXPECT_EQ(result->basis->is_sparse(),
              options.sparse_basis || options.cells[1] > 32);
    EXPECT_TRUE(result->converged);
    ExpectNoWorseThan(RefineTheta(*basis, theta, *result->basis).value(),
                      moving, fixed, options, *result);
    // In the interior, where all is visible, the motion itself is found: to
    // half a pixel of the 64 on average, a tenth of what there is to find.
    double error = 0, motion = 0, largest = 0;
    const Eigen::Matrix2Xd points = test_util::DrawPoints(200, 0.15, 0.85, 2);
    const Flow found = result->flow();
    for (const auto& x : points.colwise()) {
      error += (found(x) - truth(x)).norm() / 200;
      motion += (truth(x) - x).norm() / 200;
      largest = std::max(largest, (truth(x) - x).norm());
    }
    EXPECT_GT(motion, 0.02);
    // Beyond an eighth of the picture, registration promises nothing: with
    // 0.08 for 0.04 above, the pictures that one version of OpenCV draws led
    // to a local minimum.
    EXPECT_LT(largest, 1.0 / 8);
    // With more cells than pixels those where the picture is flat follow the
    // prior: all that the objective says of them is that they are nearer to the
    // truth than rest is.
    if (options.cells[1] > 32) {
      EXPECT_LT(error, motion);
      continue;
    }
    EXPECT_LT(error, 0.5 / options.largest_side);
    EXPECT_LT(error, motion / 4);
  }
}

// Waves moved by a known distance, which is found whole however much both
// images are reduced.
TEST(Register, DisplacementsDoNotDependOnTheReduction) {
  constexpr int kSize = 512;
  const auto waves = [](double shift) {
    cv::Mat image(kSize, kSize, CV_32F);
    for (int i = 0; i < kSize; ++i) {
      for (int j = 0; j < kSize; ++j) {
        const double x = j / (kSize - 1.0) - shift, y = i / (kSize - 1.0);
        image.at<float>(i, j) =
            static_cast<float>(0.5 + 0.2 * std::sin(9 * x + 2 * y) +
                               0.2 * std::cos(7 * y - 3 * x));
      }
    }
    return image;
  };
  const cv::Mat moving = waves(0.05), fixed = waves(0);
  RegistrationOptions options;
  options.cells = {1, 2};
  // What the prior takes is then too little to be seen.
  options.noise = 1e-3;
  for (const int side : {32, 64}) {
    options.largest_side = side;
    const auto result = Register(moving, fixed, options);
    ASSERT_THAT(result, IsOk());
    const Flow found = result->flow();
    double mean = 0;
    const Eigen::Matrix2Xd points = test_util::DrawPoints(100, 0.3, 0.7, 2);
    for (const auto& x : points.colwise()) {
      mean += (found(x) - x).x() / 100;
    }
    // Interpolation between what is left takes 0.2 %. Were its outer centres 0
    // and 1, it would be 3 % and 1.4 % more.
    EXPECT_NEAR(mean, 0.05, 0.005 * 0.05) << side;
  }
}

TEST(Register, FindsAKnownWarpByAFieldThatChanges) {
  const cv::Mat moving = Blobs(160, 1);
  const auto basis = Basis::Create({4, 4}).value();
  const auto prior = Prior::Create(basis, {}).value();
  std::mt19937_64 generator(5);
  const Flow truth(basis, 0.08 * prior->Sample(generator));
  WarpOptions warp_options;
  warp_options.outside = WarpOptions::Outside::kNearestPixel;
  const cv::Mat fixed = Warp(moving, truth, warp_options).value();
  RegistrationOptions options = SmallOptions();
  options.num_stages = 3;
  const auto result = Register(moving, fixed, options);
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->theta.size(), 3 * result->basis->theta_size());
  EXPECT_LT(result->rms_after, result->rms_before / 8);
  const Eigen::Matrix2Xd points = test_util::DrawPoints(200, 0.15, 0.85, 2);
  const Eigen::Matrix2Xd found = result->chain().Transform(points);
  double error = 0;
  for (int n = 0; n < 200; ++n) {
    error += (found.col(n) - truth(points.col(n))).norm() / 200;
  }
  EXPECT_LT(error, 0.5 / 64);
  options.num_stages = 0;
  EXPECT_THAT(Register(moving, fixed, options),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("num_stages is 0; use 1 to 16")));
}

TEST(Register, LeavesEqualImagesAlone) {
  const cv::Mat image = Blobs(80, 2);
  const auto result = Register(image, image, SmallOptions());
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->rms_before, 0);
  EXPECT_EQ(result->theta.norm(), 0);
}

// 1x1 cells with both constraints have no field: the default levels start with
// the next number.
TEST(Register, KeepsTheBorderAndAreas) {
  const cv::Mat moving = Blobs(80, 5);
  const auto basis = Basis::Create({4, 4, true, true}).value();
  std::mt19937_64 generator(6);
  const Flow truth(basis,
                   0.04 * Prior::Create(basis, {}).value()->Sample(generator));
  const cv::Mat fixed = Warp(moving, truth).value();
  RegistrationOptions options;
  options.zero_boundary = options.volume_preserving = true;
  options.largest_side = 32;
  const auto result = Register(moving, fixed, options);
  ASSERT_THAT(result, IsOk());
  EXPECT_LT(result->rms_after, result->rms_before);
  const Eigen::Matrix2Xd corners =
      (Eigen::Matrix2Xd(2, 3) << 0, 1, 1, 0, 0, 1).finished();
  EXPECT_LT((result->chain().Transform(corners) - corners).norm(), 1e-12);
  options.cells = {1, 1};
  EXPECT_THAT(Register(moving, fixed, options),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("no velocity field but zero")));
}

TEST(Register, TakesDifferentSizesAndDepths) {
  const cv::Mat moving = Blobs(80, 3);
  cv::Mat grey, fixed;
  cv::cvtColor(moving, grey, cv::COLOR_BGR2GRAY);
  cv::resize(grey, grey, {50, 40}, 0, 0, cv::INTER_AREA);
  grey.convertTo(fixed, CV_32F, 1.0 / 255);
  const auto result = Register(moving, fixed, SmallOptions());
  ASSERT_THAT(result, IsOk());
  EXPECT_LE(result->rms_after, result->rms_before);
}

// Differences of these pixels overflow, and so does a step of the solver: the
// images are then sampled at NaN.
TEST(Register, SaysThatImagesBeyondFloatsDidNotConverge) {
  cv::Mat moving(16, 16, CV_32F), fixed(16, 16, CV_32F);
  for (int i = 0; i < 16; ++i) {
    for (int j = 0; j < 16; ++j) {
      moving.at<float>(i, j) = (i + j) % 2 == 0 ? 3e38f : -3e38f;
      fixed.at<float>(i, j) = -moving.at<float>(i, j);
    }
  }
  RegistrationOptions options;
  options.cells = {2};
  options.largest_side = 16;
  const auto result = Register(moving, fixed, options);
  ASSERT_THAT(result, IsOk());
  EXPECT_FALSE(result->converged);
  EXPECT_TRUE(result->theta.allFinite());
}

TEST(Register, NamesWhatIsWrong) {
  const cv::Mat image = Blobs(40, 4);
  EXPECT_THAT(Register(cv::Mat(), image),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("the moving image has 0x0 pixels")));
  EXPECT_THAT(Register(image, cv::Mat(1, 9, CV_8U)),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("the fixed image has 9x1 pixels")));
  cv::Mat hole(16, 16, CV_32F, cv::Scalar::all(0.5));
  hole.at<float>(3, 4) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(Register(hole, image),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("the moving image has a pixel that is not")));
  RegistrationOptions options;
  options.cells = {2, 5};
  EXPECT_THAT(Register(image, image, options),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("has 5 after 2; use a multiple")));
  options = {};
  options.noise = 0;
  EXPECT_THAT(Register(image, image, options),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("registration.noise is 0; use above 0")));
  options.noise = std::numeric_limits<double>::infinity();
  EXPECT_THAT(Register(image, image, options),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("registration.noise is inf; use above 0")));
  for (const double tolerance : {std::nan(""), -1e-4, 1.0}) {
    options = {};
    options.tolerance = tolerance;
    EXPECT_THAT(Register(image, image, options),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("use at least 0 and below 1")));
  }
}

}  // namespace
}  // namespace cpab
