#include "pipelines/report/tile_sheet.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "opencv2/imgproc.hpp"

namespace pipelines {
namespace {

constexpr int kCaption = 26;  // pixels under a tile
constexpr int kGap = 4;
constexpr int kFont = cv::FONT_HERSHEY_SIMPLEX;

// OpenCV's fonts have ASCII only.
std::string Ascii(std::string text) {
  for (char& c : text) {
    if (!absl::ascii_isprint(static_cast<unsigned char>(c))) c = '?';
  }
  return text;
}

}  // namespace

cv::Mat DrawTileSheet(const std::vector<Tile>& tiles, int columns) {
  const cv::Size size = tiles.at(0).picture.size();
  const cv::Size cell = size + cv::Size(kGap, kGap + kCaption);
  const int count = static_cast<int>(tiles.size());
  columns = std::min(columns, count);
  const int rows = (count + columns - 1) / columns;
  cv::Mat sheet(rows * cell.height, columns * cell.width, CV_8UC3,
                cv::Scalar::all(24));
  for (int i = 0; i < count; ++i) {
    const cv::Point at(i % columns * cell.width, i / columns * cell.height);
    CV_Assert(tiles[i].picture.size() == size);
    tiles[i].picture.copyTo(sheet({at, size}));
    cv::Mat caption = sheet({at.x, at.y + size.height, size.width, kCaption});
    WriteText(Ascii(tiles[i].caption), {4, kCaption - 8}, 0.5,
              cv::Scalar::all(255), caption);
  }
  return sheet;
}

cv::Mat Scaled(const cv::Mat& picture, int longer_side) {
  const double scale =
      static_cast<double>(longer_side) / std::max(picture.cols, picture.rows);
  const cv::Size size(std::max(1, cvRound(picture.cols * scale)),
                      std::max(1, cvRound(picture.rows * scale)));
  cv::Mat scaled;
  cv::resize(picture, scaled, size, 0, 0,
             scale < 1 ? cv::INTER_AREA : cv::INTER_CUBIC);
  return scaled;
}

void WriteText(const std::string& text, cv::Point at, double height,
               const cv::Scalar& colour, cv::Mat& picture) {
  cv::putText(picture, text, at, kFont, height, cv::Scalar::all(0), 4,
              cv::LINE_AA);
  cv::putText(picture, text, at, kFont, height, colour, 1, cv::LINE_AA);
}

}  // namespace pipelines
