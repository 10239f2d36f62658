#include "pipelines/explanation/field_lines.h"

#include <torch/nn/functional.h>
#include <torch/types.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <string>
#include <utility>

#include "cpab/field/tessellation.h"
#include "opencv2/imgproc.hpp"
#include "pipelines/model/model_options.h"

namespace pipelines {
namespace {

// Points of a line across the whole frame; shorter ones have fewer.
constexpr int kPointsAcross = 128;
constexpr int kShift = 4;  // fractional bits of OpenCV's drawing coordinates

Polyline Segment(cv::Point2d from, cv::Point2d to) {
  const double length = cv::norm(to - from) / 2;
  const int steps =
      std::max(1, static_cast<int>(std::ceil(length * kPointsAcross)));
  Polyline line;
  for (int i = 0; i <= steps; ++i) {
    const double share = static_cast<double>(i) / steps;
    line.push_back((1 - share) * from + share * to);
  }
  return line;
}

// Fixed-point pixel coordinates. What is far outside, and NaN, becomes a place
// outside that fits an int.
cv::Point PixelOf(cv::Point2d point, cv::Size size) {
  const auto fixed = [](double pixel) {
    constexpr double kFar = 1 << 20;
    const double bounded = pixel > -kFar ? std::min(pixel, kFar) : -kFar;
    return cvRound(bounded * (1 << kShift));
  };
  return {fixed((point.x + 1) / 2 * (size.width - 1)),
          fixed((point.y + 1) / 2 * (size.height - 1))};
}

}  // namespace

std::vector<Polyline> CellBorders(const MotionConfig& motion) {
  if (motion.model_case() != MotionConfig::kCpab &&
      motion.model_case() != MotionConfig::MODEL_NOT_SET) {
    return {};
  }
  const auto tessellation =
      cpab::Tessellation::Create(TessellationOptionsOf(motion.cpab()));
  TORCH_CHECK(tessellation.ok(),
              "CellBorders: ", std::string(tessellation.status().message()));
  std::set<std::pair<int, int>> seen;
  std::vector<Polyline> borders;
  for (const std::array<int, 3>& cell : tessellation->cells()) {
    for (int e = 0; e < 3; ++e) {
      const auto [a, b] = std::minmax(cell[e], cell[(e + 1) % 3]);
      if (!seen.emplace(a, b).second) continue;
      const Eigen::Vector2d from = tessellation->vertices().col(a);
      const Eigen::Vector2d to = tessellation->vertices().col(b);
      borders.push_back(Segment({2 * from.x() - 1, 2 * from.y() - 1},
                                {2 * to.x() - 1, 2 * to.y() - 1}));
    }
  }
  return borders;
}

std::vector<Polyline> GridLines(int lines) {
  std::vector<Polyline> grid;
  for (int i = 0; i <= lines; ++i) {
    const double at = 2.0 * i / lines - 1;
    grid.push_back(Segment({-1, at}, {1, at}));
    grid.push_back(Segment({at, -1}, {at, 1}));
  }
  return grid;
}

std::vector<Polyline> MoveLines(const torch::Tensor& field,
                                const std::vector<Polyline>& lines) {
  TORCH_CHECK(field.dim() == 3 && field.size(2) == 2, "MoveLines: a field is ",
              field.sizes(), ", not [h, w, 2]");
  std::vector<float> points;
  for (const Polyline& line : lines) {
    for (const cv::Point2d& point : line) {
      points.push_back(static_cast<float>(point.x));
      points.push_back(static_cast<float>(point.y));
    }
  }
  const torch::Tensor grid =
      torch::tensor(points, torch::kFloat32).view({1, 1, -1, 2});
  namespace F = torch::nn::functional;
  const torch::Tensor moved =
      F::grid_sample(field.detach()
                         .to(torch::kCPU, torch::kFloat32)
                         .permute({2, 0, 1})
                         .unsqueeze(0),
                     grid,
                     F::GridSampleFuncOptions()
                         .mode(torch::kBilinear)
                         .padding_mode(torch::kBorder)
                         .align_corners(true))
          .view({2, -1});  // [2, all points]
  const auto at = moved.accessor<float, 2>();
  std::vector<Polyline> result = lines;
  int64_t i = 0;
  for (Polyline& line : result) {
    for (cv::Point2d& point : line) {
      point = {at[0][i], at[1][i]};
      ++i;
    }
  }
  return result;
}

void DrawLines(const std::vector<Polyline>& lines, const cv::Scalar& colour,
               double opacity, cv::Mat& picture) {
  cv::Mat drawn = picture.clone();
  for (const Polyline& line : lines) {
    std::vector<cv::Point> pixels;
    for (const cv::Point2d& point : line) {
      pixels.push_back(PixelOf(point, picture.size()));
    }
    cv::polylines(drawn, pixels, /*isClosed=*/false, colour, 1, cv::LINE_AA,
                  kShift);
  }
  cv::addWeighted(drawn, opacity, picture, 1 - opacity, 0, picture);
}

}  // namespace pipelines
