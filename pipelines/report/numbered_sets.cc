#include "pipelines/report/numbered_sets.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "opencv2/imgproc.hpp"
#include "pipelines/report/tile_sheet.h"
#include "pipelines/report/visualize.h"

namespace pipelines {
namespace {

cv::Mat Sized(const cv::Mat& picture, cv::Size size) {
  cv::Mat result;
  cv::resize(picture, result, size, 0, 0,
             picture.cols > size.width ? cv::INTER_AREA : cv::INTER_CUBIC);
  return result;
}

// Writes `text` about `centre`, dark on a light rim, so that it shows on every
// colour.
void WriteNumber(const std::string& text, cv::Point centre, double scale,
                 cv::Mat& picture) {
  constexpr int kFont = cv::FONT_HERSHEY_SIMPLEX;
  const int line = std::max(1, static_cast<int>(std::lround(2 * scale)));
  int baseline = 0;
  const cv::Size size = cv::getTextSize(text, kFont, scale, line, &baseline);
  const cv::Point at(centre.x - size.width / 2, centre.y + size.height / 2);
  cv::putText(picture, text, at, kFont, scale, cv::Scalar::all(255), 3 * line,
              cv::LINE_AA);
  cv::putText(picture, text, at, kFont, scale, cv::Scalar::all(0), line,
              cv::LINE_AA);
}

// The pixel of `part` (CV_8UC1, not 0) that is farthest from all others, and of
// these the nearest to its middle; none if it has no pixels.
std::optional<cv::Point> ThickestPlace(const cv::Mat& part) {
  // The picture's own border is one of the part.
  cv::Mat mask, depth;
  cv::copyMakeBorder(part, mask, 1, 1, 1, 1, cv::BORDER_CONSTANT,
                     cv::Scalar::all(0));
  const cv::Moments moments = cv::moments(mask, /*binaryImage=*/true);
  if (moments.m00 == 0) return std::nullopt;
  const cv::Point2d middle(moments.m10 / moments.m00,
                           moments.m01 / moments.m00);
  cv::distanceTransform(mask, depth, cv::DIST_L2, 3);
  double deepest = 0;
  cv::minMaxLoc(depth, nullptr, &deepest);
  std::vector<cv::Point> places;
  cv::findNonZero(depth >= deepest - 0.1, places);
  const auto distance = [&](cv::Point p) {
    return cv::norm(middle - cv::Point2d(p));
  };
  return *std::min_element(places.begin(), places.end(),
                           [&](cv::Point p, cv::Point q) {
                             return distance(p) < distance(q);
                           }) -
         cv::Point(1, 1);
}

}  // namespace

void DrawSetNumbers(const torch::Tensor& keypoints, int num_sets,
                    cv::Mat& picture) {
  const torch::Tensor centres = keypoints.to(torch::kCPU, torch::kFloat32)
                                    .view({num_sets, -1, 2})
                                    .mean(1)
                                    .contiguous();
  std::vector<cv::Rect> taken;
  for (int k = 0; k < num_sets; ++k) {
    const std::string text = absl::StrCat(k + 1);
    int baseline = 0;
    const cv::Size size =
        cv::getTextSize(text, cv::FONT_HERSHEY_SIMPLEX, 0.6, 1, &baseline);
    const double x =
        (centres[k][0].item<double>() + 1) / 2 * (picture.cols - 1);
    const double y =
        (centres[k][1].item<double>() + 1) / 2 * (picture.rows - 1);
    cv::Rect box({0, 0}, size + cv::Size(4, 4));
    for (int step = 0; step < 200; ++step) {  // along a spiral
      const double radius = 2.0 * std::sqrt(step) * 2;
      box.x =
          std::clamp(cvRound(x + radius * std::cos(2.4 * step)) - box.width / 2,
                     0, std::max(0, picture.cols - box.width));
      box.y = std::clamp(
          cvRound(y + radius * std::sin(2.4 * step)) - box.height / 2, 0,
          std::max(0, picture.rows - box.height));
      if (std::none_of(taken.begin(), taken.end(), [&](const cv::Rect& other) {
            return (box & other).area() > 0;
          })) {
        break;
      }
    }
    taken.push_back(box);
    WriteText(text, {box.x + 2, box.br().y - 2}, 0.6, ColorOfSet(k), picture);
  }
}

void DrawKeypointsOfSet(const torch::Tensor& keypoints,
                        int keypoints_per_transform, int index,
                        cv::Mat& picture) {
  // The others' places are outside.
  torch::Tensor own = torch::full_like(keypoints, 10);
  const int begin = index * keypoints_per_transform;
  const int end = begin + keypoints_per_transform;
  own.slice(0, begin, end).copy_(keypoints.slice(0, begin, end));
  DrawKeypoints(own, keypoints_per_transform, picture);
}

cv::Mat DrawNumberedParts(const torch::Tensor& contributions, int num_sets,
                          cv::Size size) {
  cv::Mat tile = Sized(ContributionPicture(contributions, num_sets), size);
  const torch::Tensor largest =
      contributions.argmax(0).to(torch::kCPU, torch::kInt32).contiguous();
  const cv::Mat parts(static_cast<int>(largest.size(0)),
                      static_cast<int>(largest.size(1)), CV_32SC1,
                      largest.data_ptr<int32_t>());
  const double scale = std::min(size.width, size.height) / 384.0;
  for (int set = 1; set <= num_sets; ++set) {
    const std::optional<cv::Point> place = ThickestPlace(parts == set);
    if (!place) continue;
    WriteNumber(std::to_string(set),
                {(2 * place->x + 1) * size.width / (2 * parts.cols),
                 (2 * place->y + 1) * size.height / (2 * parts.rows)},
                scale, tile);
  }
  return tile;
}

}  // namespace pipelines
