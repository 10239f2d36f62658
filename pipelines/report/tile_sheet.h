// Pictures with a line of text under each, in rows.
//
// Pictures are cv::Mat CV_8UC3 in RGB order.
#ifndef PIPELINES_REPORT_TILE_SHEET_H_
#define PIPELINES_REPORT_TILE_SHEET_H_

#include <string>
#include <vector>

#include "opencv2/core.hpp"

namespace pipelines {

struct Tile {
  cv::Mat picture;
  std::string caption;  // cut at the tile's edge; what is not ASCII becomes ?
};

// At most `columns` tiles beside each other, on dark grey. All tiles have the
// size of the first one, and there is at least one.
cv::Mat DrawTileSheet(const std::vector<Tile>& tiles, int columns);

// `picture` with its longer side made `longer_side` pixels: by area when it
// shrinks, by cubic interpolation when it grows.
cv::Mat Scaled(const cv::Mat& picture, int longer_side);

// Writes `text` from the left end of its base line `at`, with a black rim, so
// that it shows on every colour.
void WriteText(const std::string& text, cv::Point at, double height,
               const cv::Scalar& colour, cv::Mat& picture);

}  // namespace pipelines

#endif  // PIPELINES_REPORT_TILE_SHEET_H_
