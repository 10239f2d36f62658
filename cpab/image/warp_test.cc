#include "cpab/image/warp.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <set>

#include "cpab/testing/draws.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "opencv2/imgproc.hpp"
#include "third_party/absl/status_matchers.h"

namespace cpab {
namespace {

using ::testing::HasSubstr;

// A smooth picture, [rows, cols] float in [0, 1].
cv::Mat SmoothImage(int rows, int cols) {
  cv::Mat image(rows, cols, CV_32F);
  for (int i = 0; i < rows; ++i) {
    for (int j = 0; j < cols; ++j) {
      image.at<float>(i, j) =
          static_cast<float>(0.5 + 0.25 * std::sin(7.0 * j / cols) +
                             0.25 * std::cos(5.0 * i / rows));
    }
  }
  return image;
}

double MaxDifference(const cv::Mat& a, const cv::Mat& b) {
  return cv::norm(a, b, cv::NORM_INF);
}

class WarpTest : public ::testing::Test {
 protected:
  const std::shared_ptr<const Basis> basis_ =
      Basis::Create({4, 4, /*zero_boundary=*/true, false}).value();
  const Flow flow_{basis_, test_util::DrawTheta(*basis_, 1.5, 3)};
};

TEST_F(WarpTest, LooksUpWhereEachPixelComesFrom) {
  const cv::Mat image = SmoothImage(37, 50);
  const auto warped = Warp(image, flow_);
  ASSERT_THAT(warped, IsOk());
  EXPECT_GT(MaxDifference(*warped, image), 0.05);
  for (int i = 0; i < image.rows; ++i) {
    for (int j = 0; j < image.cols; ++j) {
      const Eigen::Vector2d y = flow_(Eigen::Vector2d(j / 49.0, i / 36.0));
      const double column = y.x() * 49, row = y.y() * 36;
      const int c = std::min(48, static_cast<int>(column));
      const int r = std::min(35, static_cast<int>(row));
      const double u = column - c, v = row - r;
      const double expected = (1 - v) * ((1 - u) * image.at<float>(r, c) +
                                         u * image.at<float>(r, c + 1)) +
                              v * ((1 - u) * image.at<float>(r + 1, c) +
                                   u * image.at<float>(r + 1, c + 1));
      // Slopes of at most 0.04 a pixel, coordinates at 1/32 of a pixel.
      EXPECT_NEAR(warped->at<float>(i, j), expected, 0.04 * 2 / 64);
    }
  }
}

TEST_F(WarpTest, TheInverseUndoesIt) {
  const cv::Mat image = SmoothImage(120, 90);
  const auto there = Warp(image, flow_);
  const auto back = Warp(*there, flow_.Inverse());
  ASSERT_THAT(back, IsOk());
  // Twice the error of bilinear interpolation, h^2 f'' / 8, and of 1/32 pixel.
  EXPECT_LT(MaxDifference(*back, image), 0.01);
  EXPECT_GT(MaxDifference(*there, image), 0.05);
}

TEST_F(WarpTest, ZeroThetaKeepsEveryPixel) {
  const Flow identity(basis_, Eigen::VectorXd::Zero(basis_->theta_size()));
  cv::Mat image(33, 21, CV_8UC3);
  cv::randu(image, 0, 256);
  EXPECT_EQ(MaxDifference(*Warp(image, identity), image), 0);
  const cv::Mat pixel(1, 1, CV_8U, cv::Scalar(7));
  EXPECT_EQ(MaxDifference(*Warp(pixel, identity), pixel), 0);
}

TEST_F(WarpTest, LabelsStayLabels) {
  cv::Mat labels(60, 60, CV_32S, cv::Scalar(3));
  cv::circle(labels, {30, 30}, 12, cv::Scalar(1 << 20), cv::FILLED);
  WarpOptions options;
  options.interpolation = WarpOptions::Interpolation::kNearest;
  const auto warped = Warp(labels, flow_, options);
  ASSERT_THAT(warped, IsOk());
  const std::set<int> values(warped->begin<int>(), warped->end<int>());
  EXPECT_THAT(values, ::testing::ElementsAre(3, 1 << 20));
  EXPECT_GT(MaxDifference(*warped, labels), 0);
}

// v = 30 (x - 1/2): e^30 of the picture's width away from the centre.
TEST(WarpOfFarPoints, IsThePixelOfTheirOwnSide) {
  const auto basis = Basis::Create({2, 2}).value();
  Eigen::Matrix2Xd velocities =
      30 * (basis->tessellation().vertices().array() - 0.5);
  velocities.row(1).setZero();
  const Flow flow(basis, basis->ThetaFromVertices(velocities));
  cv::Mat row(2, 41, CV_8U);
  for (int j = 0; j < 41; ++j) row.col(j) = j + 1;
  for (const auto interpolation : {WarpOptions::Interpolation::kLinear,
                                   WarpOptions::Interpolation::kNearest}) {
    for (const auto outside :
         {WarpOptions::Outside::kZero, WarpOptions::Outside::kNearestPixel}) {
      const cv::Mat warped = *Warp(row, flow, {interpolation, outside});
      const bool zero = outside == WarpOptions::Outside::kZero;
      for (int j = 0; j < 41; ++j) {
        if (j == 20) continue;  // The centre.
        EXPECT_EQ(warped.at<uint8_t>(1, j), zero ? 0 : j < 20 ? 1 : 41) << j;
      }
    }
  }
}

TEST_F(WarpTest, BandsAndThreadsLeaveNoTrace) {
  const cv::Mat image = SmoothImage(100, 64);
  EXPECT_EQ(
      MaxDifference(*Warp(image, flow_, {}, OnThreads(3)), *Warp(image, flow_)),
      0);
}

long PeakMemoryKb() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

// By how much `work` raises the peak of resident memory, in a process of its
// own that begins with none of this one's peaks.
long PeakGrowthKb(const std::function<void()>& work) {
  int ends[2];
  if (pipe(ends) != 0) return -1;
  const pid_t child = fork();
  if (child == 0) {
    const long before = PeakMemoryKb();
    work();
    const long growth = PeakMemoryKb() - before;
    _exit(write(ends[1], &growth, sizeof(growth)) == sizeof(growth) ? 0 : 1);
  }
  long growth = -1;
  close(ends[1]);
  if (read(ends[0], &growth, sizeof(growth)) != sizeof(growth)) growth = -1;
  close(ends[0]);
  waitpid(child, nullptr, 0);
  return growth;
}

// A sanitizer's own memory, and what it keeps of freed blocks, counts as ours.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kHasSanitizer = true;
#elif defined(__has_feature)
constexpr bool kHasSanitizer = __has_feature(address_sanitizer) ||
                               __has_feature(thread_sanitizer) ||
                               __has_feature(memory_sanitizer);
#else
constexpr bool kHasSanitizer = false;
#endif

TEST_F(WarpTest, MemoryDoesNotDependOnTheSizeOfTheta) {
  if (kHasSanitizer) GTEST_SKIP() << "a sanitizer changes the memory taken";
  const cv::Mat image(4000, 4000, CV_8U, cv::Scalar(100));
  constexpr long kResultKb = 4000 * 4000 / 1024;
  for (const int cells : {1, 12}) {  // d = 10 and 514.
    const auto basis = Basis::Create({cells, cells}).value();
    const Flow flow(basis, test_util::DrawTheta(*basis, 0.02, 1));
    const long growth =
        PeakGrowthKb([&] { EXPECT_THAT(Warp(image, flow), IsOk()); });
    // The result, and bands: 16 rows of 4000 pixels, 50 bytes each.
    EXPECT_GE(growth, kResultKb / 2) << cells;
    EXPECT_LT(growth, kResultKb + 6000) << cells;
  }
}

TEST_F(WarpTest, OutsideIsZeroOrTheNearestPixel) {
  const auto basis = Basis::Create({1, 1}).value();
  const Flow right(
      basis, basis->ThetaFromVertices(Eigen::Vector2d(0.5, 0).replicate(1, 5)));
  const cv::Mat image(4, 11, CV_8U, cv::Scalar(200));
  WarpOptions options;
  EXPECT_EQ(Warp(image, right, options)->at<uchar>(2, 10), 0);
  EXPECT_EQ(Warp(image, right, options)->at<uchar>(2, 3), 200);
  options.outside = WarpOptions::Outside::kNearestPixel;
  EXPECT_EQ(Warp(image, right, options)->at<uchar>(2, 10), 200);
}

TEST_F(WarpTest, RefusesWhatItCannotWarp) {
  EXPECT_THAT(Warp(cv::Mat(), flow_),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("empty")));
  EXPECT_THAT(Warp(cv::Mat(4, 4, CV_32S), flow_),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("int32 with kNearest")));
  EXPECT_THAT(Warp(cv::Mat(1, 40000, CV_8U), flow_),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("40000x1; use two dimensions of at most")));
}

}  // namespace
}  // namespace cpab
