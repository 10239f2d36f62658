#include "pipelines/animation/panels.h"

#include <torch/types.h>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/imgproc.hpp"
#include "pipelines/report/visualize.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int kSide = 24;
const cv::Size kTile(kSide, kSide);
constexpr int kKeypointsPerGroup = 5;

cv::Mat Plain(int r, int g, int b) {
  return cv::Mat(kTile, CV_8UC3, cv::Scalar(r, g, b));
}

bool Equal(const cv::Mat& a, const cv::Mat& b) {
  return a.size() == b.size() && cv::norm(a, b, cv::NORM_INF) == 0;
}

// The identity, [h, w, 2], moved to the right by `right`.
torch::Tensor Field(int64_t h, int64_t w, double right = 0) {
  const torch::Tensor x = torch::linspace(-1, 1, w).expand({h, w}) + right;
  const torch::Tensor y = torch::linspace(-1, 1, h).unsqueeze(1).expand({h, w});
  return torch::stack({x, y}, -1);
}

PanelInput Input() {
  PanelInput input;
  input.source = Plain(200, 0, 0);
  input.driving = Plain(0, 200, 0);
  input.result = Plain(0, 0, 200);
  input.animated = Plain(90, 90, 90);
  input.keypoints = torch::zeros({2 * kKeypointsPerGroup, 2});
  input.source_from_driving = Field(6, 6);
  input.occlusion = torch::ones({1, kSide, kSide});
  input.warped = torch::full({3, kSide, kSide}, 0.4);
  input.contributions = torch::zeros({4, 6, 6});
  return input;
}

cv::Mat PaintOne(Panel panel, const PanelInput& input) {
  return PanelPainter({panel}, kTile, 0, kKeypointsPerGroup).Paint(input);
}

TEST(ParsePanels, KeepsTheOrderAndRepetitions) {
  const auto panels = ParsePanels("grid,source,source");
  ASSERT_THAT(panels, IsOk());
  EXPECT_THAT(*panels,
              ElementsAre(Panel::kGrid, Panel::kSource, Panel::kSource));
}

TEST(ParsePanels, KnowsTheFormerNameOfSets) {
  EXPECT_THAT(ParsePanels("parts,sets"),
              IsOkAndHolds(ElementsAre(Panel::kSets, Panel::kSets)));
}

TEST(ParsePanels, NamesTheUnknownOne) {
  EXPECT_THAT(ParsePanels("result,depth"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("panel 'depth' is unknown")));
  EXPECT_FALSE(ParsePanels("").ok());
  EXPECT_FALSE(ParsePanels("result,").ok());
}

TEST(NeedMotion, IsOfPanelsThatDrawIt) {
  EXPECT_FALSE(NeedMotion({Panel::kSource, Panel::kDriving, Panel::kResult}));
  for (const Panel panel : {Panel::kKeypoints, Panel::kFlow, Panel::kOcclusion,
                            Panel::kGrid, Panel::kWarped, Panel::kSets}) {
    EXPECT_TRUE(NeedMotion({Panel::kResult, panel}));
  }
}

// Law: tile i of the picture is what the panel alone shows.
TEST(PanelPainter, PutsEachPanelInItsPlace) {
  const std::vector<Panel> panels = *ParsePanels(
      "source,driving,result,keypoints,flow,occlusion,grid,warped,sets");
  const PanelInput input = Input();
  for (int columns = 1; columns <= 9; ++columns) {
    const PanelPainter painter(panels, kTile, columns, kKeypointsPerGroup);
    const cv::Mat picture = painter.Paint(input);
    EXPECT_EQ(picture.size(), painter.size());
    const int used = std::min<int>(columns, panels.size());
    EXPECT_EQ(picture.cols, used * kSide);
    EXPECT_EQ(picture.rows,
              (static_cast<int>(panels.size()) + used - 1) / used * kSide);
    for (int i = 0; i < static_cast<int>(panels.size()); ++i) {
      const cv::Rect place({i % used * kSide, i / used * kSide}, kTile);
      EXPECT_TRUE(Equal(picture(place), PaintOne(panels[i], input)))
          << columns << " columns, panel " << i;
    }
  }
}

TEST(PanelPainter, ChoosesOneRowOfUpToFourElseASquare) {
  EXPECT_EQ(DefaultColumns(1), 1);
  EXPECT_EQ(DefaultColumns(4), 4);
  EXPECT_EQ(DefaultColumns(5), 3);
  EXPECT_EQ(DefaultColumns(9), 3);
  EXPECT_EQ(DefaultColumns(10), 4);
  const PanelPainter painter(std::vector<Panel>(6, Panel::kResult), kTile, 0,
                             kKeypointsPerGroup);
  EXPECT_EQ(painter.size(), cv::Size(3 * kSide, 2 * kSide));
}

TEST(PanelPainter, ShowsThePicturesAsTheyAre) {
  const PanelInput input = Input();
  EXPECT_TRUE(Equal(PaintOne(Panel::kSource, input), input.source));
  EXPECT_TRUE(Equal(PaintOne(Panel::kDriving, input), input.driving));
  EXPECT_TRUE(Equal(PaintOne(Panel::kResult, input), input.result));
}

// Pictures of other sizes: source and driving frame keep their aspect, and the
// result fills the tile.
TEST(PanelPainter, BringsPicturesToTheTilesSize) {
  PanelInput input = Input();
  cv::Mat within = Plain(0, 0, 0);
  within.rowRange(kSide / 4, kSide - kSide / 4) = cv::Scalar(70, 80, 90);
  input.source = cv::Mat(40, 80, CV_8UC3, cv::Scalar(70, 80, 90));
  input.driving = input.source;
  EXPECT_TRUE(Equal(PaintOne(Panel::kSource, input), within));
  EXPECT_TRUE(Equal(PaintOne(Panel::kDriving, input), within));
  // As a square box may be after rounding.
  input.source = cv::Mat(40, 41, CV_8UC3, cv::Scalar(70, 80, 90));
  EXPECT_TRUE(Equal(PaintOne(Panel::kSource, input), Plain(70, 80, 90)));
  input.result = cv::Mat(7, 90, CV_8UC3, cv::Scalar(70, 80, 90));
  EXPECT_TRUE(Equal(PaintOne(Panel::kResult, input), Plain(70, 80, 90)));
}

// Of nearly the tile's aspect: 16:9.
TEST(PanelPainter, CutsNothingOffThatCanBeSeen) {
  constexpr int kWidth = 96;
  PanelInput input;
  input.source = cv::Mat(2 * 54, 2 * kWidth, CV_8UC3, cv::Scalar(70, 80, 90));
  const auto paint = [&](int height) {
    return PanelPainter({Panel::kSource}, {kWidth, height}, 0,
                        kKeypointsPerGroup)
        .Paint(input);
  };
  // Two rows less than 56 would show all of it.
  EXPECT_TRUE(Equal(paint(56), input.source(cv::Rect(0, 0, kWidth, 56))));
  cv::Mat within(58, kWidth, CV_8UC3, cv::Scalar::all(0));
  within.rowRange(2, 56) = cv::Scalar(70, 80, 90);
  EXPECT_TRUE(Equal(paint(58), within));
}

// Overlays belong to the model's own output, whatever surrounds it.
TEST(PanelPainter, DrawsOverlaysOnWhatTheModelMade) {
  const PanelInput input = Input();
  cv::Mat keypoints = input.animated.clone();
  DrawKeypoints(input.keypoints, kKeypointsPerGroup, keypoints);
  EXPECT_FALSE(Equal(keypoints, input.animated));
  EXPECT_TRUE(Equal(PaintOne(Panel::kKeypoints, input), keypoints));
  const cv::Mat grid = PaintOne(Panel::kGrid, input);
  // Between the lines the picture is untouched.
  int untouched = 0;
  for (int y = 0; y < kSide; ++y) {
    for (int x = 0; x < kSide; ++x) {
      untouched += grid.at<cv::Vec3b>(y, x) == cv::Vec3b(90, 90, 90) ? 1 : 0;
    }
  }
  EXPECT_GT(untouched, 0);
  EXPECT_LT(untouched, kSide * kSide);
}

// White where nothing moves; a colour of its own for each direction.
TEST(PanelPainter, ColoursMotionByItsDirection) {
  PanelInput input = Input();
  const cv::Point away(kSide - 2, kSide - 2);  // from the colour wheel
  EXPECT_EQ(PaintOne(Panel::kFlow, input).at<cv::Vec3b>(away),
            cv::Vec3b(255, 255, 255));
  input.source_from_driving = Field(6, 6, 0.3);
  const auto right = PaintOne(Panel::kFlow, input).at<cv::Vec3b>(away);
  input.source_from_driving = Field(6, 6, -0.3);
  const auto left = PaintOne(Panel::kFlow, input).at<cv::Vec3b>(away);
  EXPECT_NE(right, cv::Vec3b(255, 255, 255));
  EXPECT_NE(right, left);
}

TEST(PanelPainter, ShowsOcclusionDark) {
  PanelInput input = Input();
  const auto brightness = [&] {
    return cv::sum(PaintOne(Panel::kOcclusion, input))[0];
  };
  const double shown = brightness();
  input.occlusion = torch::zeros({1, kSide, kSide});
  EXPECT_LT(brightness(), shown);
}

TEST(PanelPainter, ShowsTheWarpedSourceAsItIs) {
  EXPECT_TRUE(Equal(PaintOne(Panel::kWarped, Input()), Plain(102, 102, 102)));
}

// Set 1 moves the left half, set 2 the right one; set 3 contributes nowhere.
// Each half has its set's colour, and a number inside.
TEST(PanelPainter, ShowsWhichSetMovesWhat) {
  constexpr int kWide = 96;
  PanelInput input;
  input.keypoints = torch::zeros({3 * kKeypointsPerGroup, 2});
  input.contributions = torch::zeros({5, 12, 12});  // background, sets, global
  using torch::indexing::Slice;
  input.contributions.index_put_({1, Slice(), Slice(0, 6)}, 1);
  input.contributions.index_put_({2, Slice(), Slice(6, 12)}, 1);
  const cv::Mat tile =
      PanelPainter({Panel::kSets}, {kWide, kWide}, 0, kKeypointsPerGroup)
          .Paint(input);
  const cv::Mat left = tile.colRange(0, kWide / 2 - 8);
  const cv::Mat right = tile.colRange(kWide / 2 + 8, kWide);
  for (const auto& [half, set] :
       {std::pair<cv::Mat, int>{left, 1}, {right, 2}}) {
    const cv::Scalar colour = ColorOfSet(set - 1);
    for (int c = 0; c < 3; ++c) {
      EXPECT_NEAR(half.at<cv::Vec3b>(1, set == 1 ? 1 : half.cols - 2)[c],
                  colour[c], 1)
          << "set " << set;
    }
    cv::Mat black;
    cv::inRange(half, cv::Scalar::all(0), cv::Scalar::all(40), black);
    const cv::Rect number = cv::boundingRect(black);
    ASSERT_FALSE(number.empty()) << "set " << set;
    const cv::Point middle = (number.tl() + number.br()) / 2;
    EXPECT_NEAR(middle.y, kWide / 2, 12);
    EXPECT_NEAR(middle.x, half.cols / 2, 12);
  }
}

TEST(PanelPainter, NeedsOnlyWhatItsPanelsShow) {
  PanelInput input;
  input.result = Plain(1, 2, 3);
  EXPECT_TRUE(Equal(PaintOne(Panel::kResult, input), Plain(1, 2, 3)));
}

}  // namespace
}  // namespace pipelines
