#include "pipelines/report/plot.h"

#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pipelines {
namespace {

using ::testing::DoubleEq;
using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

Series Ramp(int count) {
  Series series;
  series.name = "ramp";
  for (int i = 0; i < count; ++i) {
    series.x.push_back(i);
    series.y.push_back(i);
  }
  return series;
}

int Count(const std::string& text, const std::string& word) {
  int count = 0;
  for (size_t at = text.find(word); at != std::string::npos;
       at = text.find(word, at + 1)) {
    ++count;
  }
  return count;
}

TEST(NiceTicks, CoverTheRangeInRoundSteps) {
  EXPECT_THAT(NiceTicks(0, 10, 5), ElementsAre(0, 2, 4, 6, 8, 10));
  EXPECT_THAT(NiceTicks(-3, 17, 4), ElementsAre(-5, 0, 5, 10, 15, 20));
  // Multiples of a step are off by one rounding.
  const double tolerance = 1e-18;
  EXPECT_THAT(
      NiceTicks(0.0211, 0.0239, 3),
      ElementsAre(DoubleNear(0.021, tolerance), DoubleNear(0.022, tolerance),
                  DoubleNear(0.023, tolerance), DoubleNear(0.024, tolerance)));
}

TEST(LogTicks, ArePowersOfTenOverALongRange) {
  EXPECT_THAT(LogTicks(0.01, 100),
              ElementsAre(DoubleEq(0.01), DoubleEq(0.1), DoubleEq(1),
                          DoubleEq(10), DoubleEq(100)));
}

TEST(LogTicks, HaveTwosAndFivesOverAShortRange) {
  EXPECT_THAT(LogTicks(1.5, 30), ElementsAre(DoubleEq(2), DoubleEq(5),
                                             DoubleEq(10), DoubleEq(20)));
}

// Ranges that hold one tick of 1, 2 and 5 times a power of ten at most.
TEST(LogTicks, AreNiceTicksWhereFewerThanTwoOfTheirOwnFit) {
  const std::pair<double, double> kRanges[] = {
      {1.1, 1.4}, {1.5, 3}, {2.1, 4.9}, {0.0211, 0.039}, {600, 900}};
  for (const auto& [low, high] : kRanges) {
    EXPECT_EQ(LogTicks(low, high), NiceTicks(low, high, 4)) << low;
    EXPECT_GE(LogTicks(low, high).size(), 2u) << low;
  }
}

TEST(LinePlotSvg, DrawsAStraightLineFromCornerToCorner) {
  PlotOptions options;
  options.width = 200;
  options.height = 100;
  const std::string svg = LinePlotSvg({{"", {0, 1}, {0, 1}}}, options);
  // 62 and 16 pixels of margin left and right, 14 and 46 above and below, and
  // 5 % of the range above and below the curve, of the 40 pixels that are left:
  // 40 * 0.05 / 1.1 = 1.8.
  EXPECT_THAT(svg, HasSubstr("d=\"M62.0 52.2L184.0 15.8\""));
}

TEST(LinePlotSvg, BeginsAtZeroAndEndsAtARoundNumberIfAsked) {
  PlotOptions options;
  options.width = 200;
  options.height = 100;
  options.from_zero = true;
  // The frame as above; y goes from 0 to 4: 3 is 40 * 3 / 4 = 30 pixels above
  // the bottom.
  EXPECT_THAT(LinePlotSvg({{"", {1, 2}, {2, 3}}}, options),
              HasSubstr("d=\"M123.0 34.0L184.0 24.0\""));
  EXPECT_THAT(LinePlotSvg({{"", {1, 2}, {0, 0}}}, options),
              Not(HasSubstr("nan")));
}

TEST(LinePlotSvg, MarksPointsWithDotsAndTicksIfAsked) {
  PlotOptions options;
  options.width = 200;
  options.from_zero = true;
  options.dots = true;
  const std::string svg =
      LinePlotSvg({{"", {0.5, 1, 1.01, 2}, {3, 3, 3, 3}}}, options);
  EXPECT_EQ(Count(svg, "<circle"), 4);
  EXPECT_THAT(svg, HasSubstr("<circle cx=\"123.0\""));
  // Two points are too near to each other for a label each.
  for (const char* label : {">0<", ">0.5<", ">1<", ">2<"}) {
    EXPECT_THAT(svg, HasSubstr(label));
  }
  EXPECT_THAT(svg, Not(HasSubstr(">1.01<")));
}

TEST(LinePlotSvg, LeavesOutWhatCannotBeDrawn) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  PlotOptions options;
  options.log_y = true;
  const std::string svg =
      LinePlotSvg({{"", {0, 1, 2, 3, 4}, {1, nan, 0, -1, 10}}}, options);
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
  EXPECT_THAT(svg, Not(HasSubstr("inf")));
  EXPECT_EQ(Count(svg, "<path"), 1);
}

TEST(LinePlotSvg, SaysSoIfThereIsNothing) {
  EXPECT_THAT(LinePlotSvg({}, {}), HasSubstr("no data"));
  EXPECT_THAT(LinePlotSvg({{"a", {1}, {NAN}}}, {}), HasSubstr("no data"));
}

TEST(LinePlotSvg, DrawsConstantAndSingleValues) {
  EXPECT_THAT(LinePlotSvg({{"", {0, 1}, {5, 5}}}, {}), Not(HasSubstr("nan")));
  const std::string one = LinePlotSvg({{"", {3}, {5}}}, {});
  EXPECT_THAT(one, HasSubstr("<circle"));
  EXPECT_THAT(one, Not(HasSubstr("nan")));
}

TEST(LinePlotSvg, StaysSmallForAMillionSteps) {
  Series series = Ramp(1000000);
  for (size_t i = 0; i < series.y.size(); i += 2) series.y[i] = -1;
  EXPECT_LT(LinePlotSvg({series}, {}).size(), 100000u);
}

TEST(LinePlotSvg, KeepsASingleSpikeOfALongSeries) {
  Series series = Ramp(1000000);
  series.name = "";
  for (double& y : series.y) y = 0;
  series.y[123456] = 1;
  // The axis goes from -0.05 to 1.05 between y = 314 and y = 14: 1 is at
  // 314 - 300 * 1.05 / 1.1 = 27.6.
  EXPECT_THAT(LinePlotSvg({series}, {}), HasSubstr(" 27.6L"));
}

TEST(LinePlotSvg, SmoothsWithTheRawCurveBehind) {
  PlotOptions options;
  options.smoothing = 0.1;
  const std::string svg = LinePlotSvg({Ramp(100)}, options);
  EXPECT_EQ(Count(svg, "<path"), 2);
  // The mean of a straight line is the line itself, up to its ends.
  EXPECT_EQ(Count(svg, svg.substr(svg.find("d=\"M"), 300)), 2);
}

TEST(LinePlotSvg, EscapesNamesAndNamesOnlyWhatHasAName) {
  const std::string svg =
      LinePlotSvg({{"a<b", {0, 1}, {0, 1}}, {"", {0, 1}, {1, 0}}}, {});
  EXPECT_THAT(svg, HasSubstr(">a&lt;b</text>"));
  EXPECT_THAT(svg, Not(HasSubstr("a<b")));
}

}  // namespace
}  // namespace pipelines
