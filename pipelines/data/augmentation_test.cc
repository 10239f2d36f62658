#include "pipelines/data/augmentation.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "opencv2/imgproc.hpp"
#include "pipelines/base/random.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines::data {
namespace {

using ::testing::HasSubstr;

// Smooth and coloured, away from 0 and 255, so that nothing saturates.
cv::Mat Picture(uint64_t seed) {
  Random random({seed});
  cv::Mat small(4, 4, CV_8UC3), rgb;
  for (int i = 0; i < 16; ++i) {
    for (int c = 0; c < 3; ++c) {
      small.at<cv::Vec3b>(i / 4, i % 4)[c] =
          static_cast<uchar>(90 + random.Below(60));
    }
  }
  cv::resize(small, rgb, cv::Size(40, 30), 0, 0, cv::INTER_LINEAR);
  return rgb;
}

FramePair Pair() { return {Picture(1), Picture(2)}; }

double MaxDifference(const cv::Mat& a, const cv::Mat& b) {
  return cv::norm(a, b, cv::NORM_INF);
}

cv::Mat Grey(const cv::Mat& rgb) {
  cv::Mat grey;
  cv::cvtColor(rgb, grey, cv::COLOR_RGB2GRAY);
  return grey;
}

TEST(Augment, ChangesNothingByDefault) {
  Random random({3});
  const FramePair pair = Augment(Pair(), {}, random);
  EXPECT_EQ(MaxDifference(pair.source, Pair().source), 0);
  EXPECT_EQ(MaxDifference(pair.driving, Pair().driving), 0);
}

AugmentationOptions Everything() {
  AugmentationOptions options;
  options.horizontal_flip = options.time_flip = true;
  options.brightness = options.contrast = options.saturation = 0.1;
  options.hue = 0.1;
  options.max_zoom = 0.2;
  return options;
}

TEST(Augment, DrawsEquallyOftenWhateverIsOn) {
  Random without({4}), with({4});
  Augment(Pair(), {}, without);
  Augment(Pair(), Everything(), with);
  EXPECT_EQ(without.Bits(), with.Bits());
}

TEST(Augment, TreatsBothFramesAlikeAndLeavesTheInput) {
  AugmentationOptions options = Everything();
  options.time_flip = false;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Random random({seed});
    const cv::Mat picture = Picture(1);
    const FramePair pair = Augment({picture, picture}, options, random);
    EXPECT_EQ(MaxDifference(pair.source, pair.driving), 0);
    EXPECT_EQ(MaxDifference(picture, Picture(1)), 0);
  }
}

TEST(Augment, MirrorsAndSwapsInHalfOfTheDraws) {
  AugmentationOptions options;
  options.horizontal_flip = options.time_flip = true;
  cv::Mat mirrored_source, mirrored_driving;
  cv::flip(Pair().source, mirrored_source, 1);
  cv::flip(Pair().driving, mirrored_driving, 1);
  int counts[4] = {};
  constexpr int kDraws = 400;
  for (uint64_t seed = 0; seed < kDraws; ++seed) {
    Random random({seed});
    const FramePair pair = Augment(Pair(), options, random);
    const cv::Mat* sources[] = {&mirrored_source, &mirrored_driving};
    int kind = -1;
    if (MaxDifference(pair.source, Pair().source) == 0) kind = 0;
    if (MaxDifference(pair.source, Pair().driving) == 0) kind = 1;
    for (int i = 0; i < 2; ++i) {
      if (MaxDifference(pair.source, *sources[i]) == 0) kind = 2 + i;
    }
    ASSERT_GE(kind, 0);
    ++counts[kind];
  }
  // Binomial with mean 100 and deviation 8.7: five deviations.
  for (int count : counts) EXPECT_NEAR(count, kDraws / 4, 44);
}

// The least and the largest `value` of the driving frame's colour over 200
// draws, for a pair of two colours. That no draw falls into a given twentieth
// of the range has a probability of 0.95^200 = 4e-5.
template <typename Value>
std::pair<int, int> RangeOf(const AugmentationOptions& options,
                            const cv::Scalar& source, const cv::Scalar& driving,
                            const Value& value) {
  const FramePair pair = {cv::Mat(4, 4, CV_8UC3, source),
                          cv::Mat(4, 4, CV_8UC3, driving)};
  int least = 255, most = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    Random random({seed});
    const int drawn = value(
        Augment(pair, options, random).driving.template at<cv::Vec3b>(0, 0));
    least = std::min(least, drawn);
    most = std::max(most, drawn);
  }
  return {least, most};
}

int Red(const cv::Vec3b& colour) { return colour[0]; }

MATCHER_P2(CoversRange, low, high, "") {
  return arg.first >= low && arg.first <= low + 3 && arg.second <= high &&
         arg.second >= high - 3;
}

TEST(Augment, BrightnessScalesWithinItsRange) {
  AugmentationOptions options;
  options.brightness = 0.2;
  const cv::Scalar grey(100, 100, 100);
  EXPECT_THAT(RangeOf(options, grey, grey, Red), CoversRange(80, 120));
  const auto spread = [](const cv::Vec3b& c) { return c[0] - c[1]; };
  EXPECT_EQ(RangeOf(options, grey, grey, spread), std::pair(0, 0));
}

// 50 away from the mean.
TEST(Augment, ContrastScalesWithinItsRange) {
  AugmentationOptions options;
  options.contrast = 0.4;
  EXPECT_THAT(RangeOf(options, cv::Scalar::all(50), cv::Scalar::all(150), Red),
              CoversRange(130, 170));
}

// Each channel is rounded.
TEST(Augment, SaturationScalesWithinItsRange) {
  AugmentationOptions options;
  options.saturation = 0.5;
  const cv::Scalar red(150, 100, 100);
  const auto spread = [](const cv::Vec3b& c) { return c[0] - c[1]; };
  EXPECT_THAT(RangeOf(options, red, red, spread), CoversRange(25, 75));
}

double MeanGrey(const FramePair& pair) {
  return cv::mean(Grey(pair.source))[0] + cv::mean(Grey(pair.driving))[0];
}

// Also of a pair that is made brighter or darker.
TEST(Augment, ContrastKeepsTheMeanBrightnessOfThePair) {
  for (const double brightness : {0., 0.3}) {
    AugmentationOptions options;
    options.brightness = brightness;
    AugmentationOptions with_contrast = options;
    with_contrast.contrast = 0.3;
    for (uint64_t seed = 0; seed < 20; ++seed) {
      Random random({seed}), same({seed});
      const double before = MeanGrey(Augment(Pair(), options, random));
      // Rounding of 2 x 1200 pixels averages out.
      EXPECT_NEAR(MeanGrey(Augment(Pair(), with_contrast, same)), before, 0.5);
    }
  }
}

TEST(Augment, SaturationAndHueKeepBrightness) {
  AugmentationOptions options;
  options.saturation = 0.5;
  options.hue = 0.5;
  double largest_change = 0;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Random random({seed});
    const FramePair pair = Augment(Pair(), options, random);
    // Each colour is rounded (0.5), and the grey values of both sides (0.5).
    EXPECT_LE(MaxDifference(Grey(pair.source), Grey(Pair().source)), 2);
    largest_change =
        std::max(largest_change, MaxDifference(pair.source, Pair().source));
  }
  EXPECT_GT(largest_change, 20);
}

TEST(Augment, HueTurnsRedToGreenInAThirdOfATurn) {
  // The largest hue setting, at draws near a third of a turn.
  AugmentationOptions options;
  options.hue = 0.5;
  const cv::Mat red(4, 4, CV_8UC3, cv::Scalar(150, 100, 100));
  int num_green = 0, num_blue = 0;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    Random random({seed});
    const cv::Vec3b c =
        Augment({red, red}, options, random).source.at<cv::Vec3b>(0, 0);
    num_green += c[1] > c[0] && c[1] > c[2];
    num_blue += c[2] > c[0] && c[2] > c[1];
  }
  // A third each; the linear turn stretches the sectors a little.
  EXPECT_GT(num_green, 15);
  EXPECT_GT(num_blue, 15);
}

// Ramps of 8 a pixel, across in red and down in green, in which cubic
// interpolation is exact; OpenCV rounds places to 1/32 of a pixel.
TEST(Augment, ZoomEnlargesThePlaceThatIsDrawn) {
  AugmentationOptions options;
  options.max_zoom = 1;
  cv::Mat ramps(28, 32, CV_8UC3);
  for (int y = 0; y < ramps.rows; ++y) {
    for (int x = 0; x < ramps.cols; ++x) {
      ramps.at<cv::Vec3b>(y, x) = cv::Vec3b(8 * x, 8 * y, 0);
    }
  }
  for (uint64_t seed = 0; seed < 50; ++seed) {
    Random random({seed}), twin({seed});
    for (int i = 0; i < 6; ++i) twin.Bits();  // of flips and colours
    const double zoom = 1 + twin.Uniform();
    const double place[] = {twin.Uniform(), twin.Uniform()};  // x, y
    const cv::Mat zoomed = Augment({ramps, ramps}, options, random).source;
    ASSERT_EQ(zoomed.size(), ramps.size());
    for (int i = 0; i < 2; ++i) {
      const int side = i == 0 ? ramps.cols : ramps.rows;
      for (int u = 0; u < side; ++u) {
        const double from =
            (u + 0.5) / zoom - 0.5 + side * (1 - 1 / zoom) * place[i];
        if (from < 1 || from > side - 2) continue;  // where the ramp ends
        const int x = i == 0 ? u : 14, y = i == 0 ? 14 : u;
        EXPECT_NEAR(zoomed.at<cv::Vec3b>(y, x)[i], 8 * from, 1)
            << "seed " << seed << ", channel " << i << ", pixel " << u;
      }
    }
  }
}

TEST(Validate, NamesTheFieldThatIsOutOfRange) {
  EXPECT_THAT(Validate(Everything()), IsOk());
  AugmentationOptions options;
  options.hue = 0.6;
  EXPECT_THAT(Validate(options),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("hue")));
  options = {};
  options.contrast = -0.1;
  EXPECT_THAT(Validate(options), StatusIs(absl::StatusCode::kInvalidArgument,
                                          HasSubstr("contrast")));
  options = {};
  options.max_zoom = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(Validate(options), StatusIs(absl::StatusCode::kInvalidArgument,
                                          HasSubstr("max_zoom")));
}

}  // namespace
}  // namespace pipelines::data
