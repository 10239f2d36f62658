#include "pipelines/animation/sets_picture.h"

#include <torch/types.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "opencv2/imgproc.hpp"
#include "pipelines/report/numbered_sets.h"
#include "pipelines/report/tile_sheet.h"
#include "pipelines/report/visualize.h"

namespace pipelines {
namespace {

constexpr int kTile = 320;  // pixels of a tile's longer side
constexpr int kColumns = 4;
// Of the picture where a set moves nothing.
constexpr double kDark = 0.25;

// `tile` dark where `reach`, CV_32FC1 and 1 at its strongest, is 0.
cv::Mat Lit(const cv::Mat& tile, const cv::Mat& reach,
            const cv::Scalar& colour) {
  cv::Mat light, lights, lit, mask;
  cv::resize(reach, light, tile.size(), 0, 0, cv::INTER_LINEAR);
  cv::merge(std::vector<cv::Mat>(3, kDark + (1 - kDark) * light), lights);
  tile.convertTo(lit, CV_32F);
  cv::Mat(lit.mul(lights)).convertTo(lit, CV_8U);
  mask = light >= 0.5;
  std::vector<std::vector<cv::Point>> contours;
  cv::findContours(mask, contours, cv::RETR_LIST, cv::CHAIN_APPROX_SIMPLE);
  cv::drawContours(lit, contours, -1, colour, 1, cv::LINE_AA);
  return lit;
}

}  // namespace

cv::Mat DrawSets(const cv::Mat& picture, const torch::Tensor& keypoints,
                 const torch::Tensor& reach, const SetNames& names) {
  TORCH_CHECK(reach.dim() == 3 && keypoints.size(0) % reach.size(0) == 0,
              "DrawSets: keypoints ", keypoints.sizes(), ", reach ",
              reach.sizes());
  const auto num_sets = static_cast<int>(reach.size(0));
  const auto per_set = static_cast<int>(keypoints.size(0)) / num_sets;
  const torch::Tensor strengths =
      reach.to(torch::kCPU, torch::kFloat32).contiguous();
  const cv::Mat plain = Scaled(picture, kTile);
  std::vector<Tile> tiles = {
      {plain.clone(), absl::StrCat(num_sets, " keypoint sets")}};
  DrawKeypoints(keypoints, per_set, tiles[0].picture);
  DrawSetNumbers(keypoints, num_sets, tiles[0].picture);
  for (int k = 0; k < num_sets; ++k) {
    const double strongest = strengths[k].max().item<double>();
    const torch::Tensor light =
        (strengths[k] / std::max(strongest, 1e-3)).clamp(0, 1).contiguous();
    const cv::Mat map(static_cast<int>(light.size(0)),
                      static_cast<int>(light.size(1)), CV_32FC1,
                      light.data_ptr());
    cv::Mat tile = Lit(plain, map, ColorOfSet(k));
    DrawKeypointsOfSet(keypoints, per_set, k, tile);
    const std::string name = names.Of(k + 1);
    // Of measured motion, which can come out a little above the step.
    const int percent = std::min(100, cvRound(100 * strongest));
    tiles.push_back({tile, absl::StrCat(k + 1, name.empty() ? "" : " ", name,
                                        ", up to ", percent, " %")});
  }
  return DrawTileSheet(tiles, kColumns);
}

}  // namespace pipelines
