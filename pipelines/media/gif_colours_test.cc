#include "pipelines/media/gif_colours.h"

#include <cmath>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "pipelines/media/ffmpeg_util.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines::media {
namespace {

using ::absl::StatusCode;

struct Painted {
  cv::Mat rgb;
  std::vector<uint32_t> palette;
  int64_t pts;
};

Painted Copy(const AVFrame& frame) {
  EXPECT_EQ(frame.format, AV_PIX_FMT_PAL8);
  const auto* const palette = reinterpret_cast<const uint32_t*>(frame.data[1]);
  Painted painted{cv::Mat(frame.height, frame.width, CV_8UC3),
                  {palette, palette + 256},
                  frame.pts};
  for (int y = 0; y < frame.height; ++y) {
    for (int x = 0; x < frame.width; ++x) {
      const uint32_t colour = palette[frame.data[0][y * frame.linesize[0] + x]];
      EXPECT_EQ(colour >> 24, 255u) << "transparent";
      painted.rgb.at<cv::Vec3b>(y, x) = {static_cast<uint8_t>(colour >> 16),
                                         static_cast<uint8_t>(colour >> 8),
                                         static_cast<uint8_t>(colour)};
    }
  }
  return painted;
}

std::vector<Painted> FlushAll(GifColours* colours) {
  std::vector<Painted> painted;
  EXPECT_THAT(colours->Flush([&](const AVFrame& frame) {
    painted.push_back(Copy(frame));
    return absl::OkStatus();
  }),
              IsOk());
  return painted;
}

// Soft shades of skin, of which a table for all colours has few.
cv::Mat Shades(cv::Size size, int shift) {
  cv::Mat picture(size, CV_8UC3);
  for (int y = 0; y < size.height; ++y) {
    for (int x = 0; x < size.width; ++x) {
      picture.at<cv::Vec3b>(y, x) =
          cv::Vec3b(static_cast<uint8_t>(170 + (x + shift) % 60),
                    static_cast<uint8_t>(120 + y % 50),
                    static_cast<uint8_t>(110 + y / 4));
    }
  }
  return picture;
}

double MeanError(const cv::Mat& a, const cv::Mat& b) {
  return cv::norm(a, b, cv::NORM_L1) / static_cast<double>(3 * a.total());
}

TEST(GifColours, GivesEachFrameWithItsTime) {
  GifColours colours;
  const cv::Scalar plain[] = {{255, 0, 0}, {10, 200, 90}, {0, 0, 0}};
  const int64_t times[] = {-3, 4, 90};
  for (int i = 0; i < 3; ++i) {
    colours.Push(cv::Mat(5, 7, CV_8UC3, plain[i]), times[i]);
  }
  const std::vector<Painted> painted = FlushAll(&colours);
  ASSERT_EQ(painted.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(painted[i].pts, times[i]);
    EXPECT_EQ(cv::norm(painted[i].rgb, cv::Mat(5, 7, CV_8UC3, plain[i]),
                       cv::NORM_INF),
              0);
  }
  EXPECT_TRUE(FlushAll(&colours).empty());
}

TEST(GifColours, AreThoseOfTheFrames) {
  GifColours colours;
  const cv::Size size(96, 80);
  for (int i = 0; i < 4; ++i) colours.Push(Shades(size, 5 * i), i);
  const std::vector<Painted> painted = FlushAll(&colours);
  ASSERT_EQ(painted.size(), 4u);
  // The table of 3 bits of red and green and 2 of blue, nearest colours.
  const cv::Mat shades = Shades(size, 0);
  cv::Mat fixed = shades.clone();
  for (int y = 0; y < size.height; ++y) {
    for (int x = 0; x < size.width; ++x) {
      for (int c = 0; c < 3; ++c) {
        const double step = c == 2 ? 255 / 3.0 : 255 / 7.0;
        uint8_t& value = fixed.at<cv::Vec3b>(y, x)[c];
        value = static_cast<uint8_t>(std::lround(value / step) * step);
      }
    }
  }
  EXPECT_LT(4 * MeanError(painted[0].rgb, shades), MeanError(fixed, shades));
  for (const Painted& frame : painted) {
    EXPECT_EQ(frame.palette, painted[0].palette);
  }
}

TEST(GifColours, DoNotFlickerWhereNothingMoves) {
  GifColours colours;
  const cv::Size size(96, 80);
  const cv::Rect still(0, 40, 96, 40);
  for (int i = 0; i < 4; ++i) {
    cv::Mat frame = Shades(size, 0);
    Shades({96, 40}, 9 * i).copyTo(frame(cv::Rect(0, 0, 96, 40)));
    colours.Push(frame, i);
  }
  const std::vector<Painted> painted = FlushAll(&colours);
  ASSERT_EQ(painted.size(), 4u);
  for (const Painted& frame : painted) {
    EXPECT_EQ(cv::norm(frame.rgb(still), painted[0].rgb(still), cv::NORM_INF),
              0);
  }
}

TEST(GifColours, AreChosenAnewForEachPiece) {
  GifColours colours(/*max_bytes=*/2 * 16 * 16 * 3);
  colours.Push(cv::Mat(16, 16, CV_8UC3, cv::Scalar(1, 2, 3)), 0);
  EXPECT_FALSE(colours.is_full());
  colours.Push(cv::Mat(16, 16, CV_8UC3, cv::Scalar(4, 5, 6)), 1);
  EXPECT_TRUE(colours.is_full());
  const std::vector<Painted> first = FlushAll(&colours);
  ASSERT_EQ(first.size(), 2u);
  EXPECT_FALSE(colours.is_full());
  colours.Push(cv::Mat(16, 16, CV_8UC3, cv::Scalar(70, 80, 90)), 2);
  const std::vector<Painted> second = FlushAll(&colours);
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second[0].rgb.at<cv::Vec3b>(3, 3), cv::Vec3b(70, 80, 90));
  EXPECT_NE(second[0].palette, first[0].palette);
}

TEST(GifColours, EndsWithTheErrorOfWhoTakesThem) {
  GifColours colours;
  for (int i = 0; i < 3; ++i) colours.Push(Shades({16, 16}, i), i);
  int taken = 0;
  EXPECT_THAT(colours.Flush([&](const AVFrame&) {
    return ++taken < 2 ? absl::OkStatus()
                       : absl::ResourceExhaustedError("full");
  }),
              StatusIs(StatusCode::kResourceExhausted, "full"));
  EXPECT_EQ(taken, 2);
}

TEST(GifColours, TakesTheSmallestFrames) {
  GifColours colours;
  colours.Push(cv::Mat(1, 1, CV_8UC3, cv::Scalar(9, 99, 199)), 0);
  const std::vector<Painted> painted = FlushAll(&colours);
  ASSERT_EQ(painted.size(), 1u);
  EXPECT_EQ(painted[0].rgb.at<cv::Vec3b>(0, 0), cv::Vec3b(9, 99, 199));
}

}  // namespace
}  // namespace pipelines::media
