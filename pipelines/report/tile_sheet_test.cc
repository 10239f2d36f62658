#include "pipelines/report/tile_sheet.h"

#include "gtest/gtest.h"

namespace pipelines {
namespace {

cv::Mat Plain(int width, int height, int grey) {
  return cv::Mat(height, width, CV_8UC3, cv::Scalar::all(grey));
}

TEST(DrawTileSheet, StandsInRowsOverCaptions) {
  const cv::Mat sheet = DrawTileSheet({{Plain(40, 20, 100), ""},
                                       {Plain(40, 20, 150), ""},
                                       {Plain(40, 20, 200), ""}},
                                      /*columns=*/2);
  EXPECT_EQ(sheet.size(), cv::Size(2 * 44, 2 * 50));
  EXPECT_EQ(sheet.at<cv::Vec3b>(0, 0), cv::Vec3b::all(100));
  EXPECT_EQ(sheet.at<cv::Vec3b>(19, 44 + 39), cv::Vec3b::all(150));
  EXPECT_EQ(sheet.at<cv::Vec3b>(50, 0), cv::Vec3b::all(200));
  EXPECT_EQ(sheet.at<cv::Vec3b>(50, 44), cv::Vec3b::all(24));
}

TEST(DrawTileSheet, WritesCaptionsUnderTheirTilesOnly) {
  const std::vector<Tile> plain = {{Plain(40, 20, 100), ""},
                                   {Plain(40, 20, 100), ""}};
  std::vector<Tile> named = plain;
  named[1].caption = "hut\xC3\xA9 and much more than there is room for";
  const cv::Mat without = DrawTileSheet(plain, 2);
  cv::Mat with = DrawTileSheet(named, 2);
  const cv::Rect caption(44, 20, 40, 26);
  EXPECT_NE(cv::norm(without(caption), with(caption), cv::NORM_INF), 0);
  without(caption).copyTo(with(caption));
  EXPECT_EQ(cv::norm(without, with, cv::NORM_INF), 0);
}

TEST(Scaled, KeepsTheAspect) {
  EXPECT_EQ(Scaled(Plain(200, 100, 7), 320).size(), cv::Size(320, 160));
  EXPECT_EQ(Scaled(Plain(100, 200, 7), 50).size(), cv::Size(25, 50));
  EXPECT_EQ(Scaled(Plain(1000, 1, 7), 10).size(), cv::Size(10, 1));
}

}  // namespace
}  // namespace pipelines
