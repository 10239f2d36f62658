#include "pipelines/media/wide_colours.h"

#include <cmath>
#include <cstdint>

#include "gtest/gtest.h"

namespace pipelines::media {
namespace {

cv::Vec3b Shown(const WideColours& colours, const cv::Vec3d& code) {
  const cv::Vec3w deep(static_cast<uint16_t>(std::lround(code[0] * 65535)),
                       static_cast<uint16_t>(std::lround(code[1] * 65535)),
                       static_cast<uint16_t>(std::lround(code[2] * 65535)));
  return colours
      .ToSrgb(cv::Mat(1, 1, CV_16UC3, cv::Scalar(deep[0], deep[1], deep[2])))
      .at<cv::Vec3b>(0);
}

void ExpectGrey(const WideColours& colours, double code, int expected) {
  const cv::Vec3b shown = Shown(colours, {code, code, code});
  for (int c = 0; c < 3; ++c) EXPECT_NEAR(shown[c], expected, 1) << code;
}

// [BT.2408, table 1] Reference white, 203 nits, is 58 % of PQ and 75 % of HLG;
// by formula (2) of the header its light becomes 0.9632, which is 251.
TEST(WideColours, ShowsReferenceWhiteAsWhite) {
  const WideColours pq(AVCOL_PRI_BT2020, AVCOL_TRC_SMPTE2084);
  ExpectGrey(pq, 0.5807, 251);
  const WideColours hlg(AVCOL_PRI_BT2020, AVCOL_TRC_ARIB_STD_B67);
  ExpectGrey(hlg, 0.75, 251);
}

// [BT.2100, table 4] 100 nits are 0.5081 of PQ: 0.4926 of 203, which is 186.
// [BT.2100, table 5] HLG 0.5 is 1/12 of the scene's light, 1000 (1/12)^1.2 =
// 50.7 nits: 0.2498, which is 137.
TEST(WideColours, KeepsGreysBelowWhite) {
  const WideColours pq(AVCOL_PRI_BT2020, AVCOL_TRC_SMPTE2084);
  ExpectGrey(pq, 0.5081, 186);
  ExpectGrey(pq, 0, 0);
  ExpectGrey(pq, 1, 255);
  const WideColours hlg(AVCOL_PRI_UNSPECIFIED, AVCOL_TRC_ARIB_STD_B67);
  ExpectGrey(hlg, 0.5, 137);
  ExpectGrey(hlg, 0, 0);
  ExpectGrey(hlg, 1, 255);
}

// A saturated red of HLG: the gamma is each channel's own, so red light of 203
// nits by itself is as red as can be shown.
TEST(WideColours, AppliesTheGammaOfHlgToEachChannel) {
  const WideColours hlg(AVCOL_PRI_BT709, AVCOL_TRC_ARIB_STD_B67);
  const cv::Vec3b shown = Shown(hlg, {0.75, 0, 0});
  EXPECT_LE(cv::norm(shown, cv::Vec3b(251, 0, 0), cv::NORM_INF), 1) << shown;
}

TEST(WideColours, NeverTurnsBrighterIntoDarker) {
  for (const AVColorTransferCharacteristic transfer :
       {AVCOL_TRC_SMPTE2084, AVCOL_TRC_ARIB_STD_B67, AVCOL_TRC_BT709}) {
    const WideColours colours(AVCOL_PRI_BT2020, transfer);
    int last = 0;
    for (int i = 0; i <= 1000; ++i) {
      const double code = i / 1000.0;
      const int shown = Shown(colours, {code, code, code})[1];
      EXPECT_GE(shown, last) << code;
      last = shown;
    }
  }
}

// [CSS Color 4, 10.4] The same colours in Display P3 and BT.2020 as sRGB.
TEST(WideColours, BringsWideGamutsToSrgb) {
  const WideColours p3(AVCOL_PRI_SMPTE432, AVCOL_TRC_BT709);
  const cv::Vec3b shown = Shown(p3, {230 / 255.0, 60 / 255.0, 60 / 255.0});
  EXPECT_LE(cv::norm(shown, cv::Vec3b(251, 31, 49), cv::NORM_INF), 1) << shown;
  for (const AVColorPrimaries primaries :
       {AVCOL_PRI_SMPTE432, AVCOL_PRI_BT2020}) {
    const WideColours colours(primaries, AVCOL_TRC_BT709);
    for (const int level : {0, 1, 60, 128, 254, 255}) {
      ExpectGrey(colours, level / 255.0, level);
    }
  }
}

TEST(WideColours, LeavesOrdinaryVideosAlone) {
  EXPECT_FALSE(WideColours::Has(AVCOL_PRI_BT709, AVCOL_TRC_BT709));
  EXPECT_FALSE(WideColours::Has(AVCOL_PRI_UNSPECIFIED, AVCOL_TRC_UNSPECIFIED));
  EXPECT_TRUE(WideColours::Has(AVCOL_PRI_BT2020, AVCOL_TRC_BT2020_10));
  EXPECT_TRUE(WideColours::Has(AVCOL_PRI_BT709, AVCOL_TRC_SMPTE2084));
}

}  // namespace
}  // namespace pipelines::media
