#include "pipelines/animation/sets_picture.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "opencv2/imgproc.hpp"
#include "pipelines/report/visualize.h"

namespace pipelines {
namespace {

constexpr int kTile = 320;  // pixels of a tile's longer side
constexpr int kColumns = 4;
constexpr int kCaption = 26;  // pixels under a tile
constexpr int kGap = 4;
// Of the picture where a set moves nothing.
constexpr double kDark = 0.25;
constexpr int kFont = cv::FONT_HERSHEY_SIMPLEX;

cv::Mat Tile(const cv::Mat& picture) {
  const double scale =
      static_cast<double>(kTile) / std::max(picture.cols, picture.rows);
  const cv::Size size(std::max(1, cvRound(picture.cols * scale)),
                      std::max(1, cvRound(picture.rows * scale)));
  cv::Mat tile;
  cv::resize(picture, tile, size, 0, 0,
             scale < 1 ? cv::INTER_AREA : cv::INTER_CUBIC);
  return tile;
}

// OpenCV's fonts have ASCII only.
std::string Ascii(std::string text) {
  for (char& c : text) {
    if (!absl::ascii_isprint(static_cast<unsigned char>(c))) c = '?';
  }
  return text;
}

void Write(const std::string& text, cv::Point at, double height,
           const cv::Scalar& colour, cv::Mat& picture) {
  cv::putText(picture, text, at, kFont, height, cv::Scalar::all(0), 4,
              cv::LINE_AA);
  cv::putText(picture, text, at, kFont, height, colour, 1, cv::LINE_AA);
}

// The numbers of all sets, each as near to the middle of its keypoints as those
// before it leave room.
void WriteNumbers(const torch::Tensor& keypoints, int num_sets, cv::Mat& tile) {
  const torch::Tensor centres = keypoints.to(torch::kCPU, torch::kFloat32)
                                    .view({num_sets, -1, 2})
                                    .mean(1)
                                    .contiguous();
  std::vector<cv::Rect> taken;
  for (int k = 0; k < num_sets; ++k) {
    const std::string text = absl::StrCat(k + 1);
    int baseline = 0;
    const cv::Size size = cv::getTextSize(text, kFont, 0.6, 1, &baseline);
    const double x = (centres[k][0].item<double>() + 1) / 2 * (tile.cols - 1);
    const double y = (centres[k][1].item<double>() + 1) / 2 * (tile.rows - 1);
    cv::Rect box({0, 0}, size + cv::Size(4, 4));
    for (int step = 0; step < 200; ++step) {  // along a spiral
      const double radius = 2.0 * std::sqrt(step) * 2;
      box.x =
          std::clamp(cvRound(x + radius * std::cos(2.4 * step)) - box.width / 2,
                     0, std::max(0, tile.cols - box.width));
      box.y = std::clamp(
          cvRound(y + radius * std::sin(2.4 * step)) - box.height / 2, 0,
          std::max(0, tile.rows - box.height));
      if (std::none_of(taken.begin(), taken.end(), [&](const cv::Rect& other) {
            return (box & other).area() > 0;
          })) {
        break;
      }
    }
    taken.push_back(box);
    Write(text, {box.x + 2, box.br().y - 2}, 0.6, ColorOfSet(k), tile);
  }
}

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

// Tiles in rows, each over its caption.
cv::Mat Grid(const std::vector<cv::Mat>& tiles,
             const std::vector<std::string>& captions) {
  const cv::Size cell = tiles[0].size() + cv::Size(kGap, kGap + kCaption);
  const int count = static_cast<int>(tiles.size());
  const int columns = std::min(kColumns, count);
  const int rows = (count + columns - 1) / columns;
  cv::Mat grid(rows * cell.height, columns * cell.width, CV_8UC3,
               cv::Scalar::all(24));
  for (int i = 0; i < count; ++i) {
    const cv::Point at(i % columns * cell.width, i / columns * cell.height);
    tiles[i].copyTo(grid({at, tiles[i].size()}));
    cv::Mat caption =
        grid({at.x, at.y + tiles[i].rows, tiles[i].cols, kCaption});
    Write(captions[i], {4, kCaption - 8}, 0.5, cv::Scalar::all(255), caption);
  }
  return grid;
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
  const cv::Mat plain = Tile(picture);
  std::vector<cv::Mat> tiles = {plain.clone()};
  std::vector<std::string> captions = {
      absl::StrCat(num_sets, " keypoint sets")};
  DrawKeypoints(keypoints, per_set, tiles[0]);
  WriteNumbers(keypoints, num_sets, tiles[0]);
  for (int k = 0; k < num_sets; ++k) {
    const double strongest = strengths[k].max().item<double>();
    const torch::Tensor light =
        (strengths[k] / std::max(strongest, 1e-3)).clamp(0, 1).contiguous();
    const cv::Mat map(static_cast<int>(light.size(0)),
                      static_cast<int>(light.size(1)), CV_32FC1,
                      light.data_ptr());
    cv::Mat tile = Lit(plain, map, ColorOfSet(k));
    // Only this set's, in its own colour: the others' places are outside.
    torch::Tensor own = torch::full_like(keypoints, 10);
    own.slice(0, k * per_set, (k + 1) * per_set)
        .copy_(keypoints.slice(0, k * per_set, (k + 1) * per_set));
    DrawKeypoints(own, per_set, tile);
    tiles.push_back(tile);
    const std::string name = Ascii(names.Of(k + 1));
    captions.push_back(absl::StrCat(k + 1, name.empty() ? "" : " ", name,
                                    ", up to ", cvRound(100 * strongest),
                                    " %"));
  }
  return Grid(tiles, captions);
}

}  // namespace pipelines
