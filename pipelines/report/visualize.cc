#include "pipelines/report/visualize.h"

#include <torch/types.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "networks/files/atomic_file.h"
#include "networks/sampling.h"
#include "opencv2/imgcodecs.hpp"
#include "opencv2/imgproc.hpp"
#include "pipelines/data/image_tensor.h"

namespace pipelines {
namespace {

using data::TensorToImage;

constexpr double kPi = 3.14159265358979323846;
constexpr int kGap = 3;
constexpr int kLabelHeight = 20;

// Motions below this share of half a side would fill the wheel with noise.
constexpr double kLeastFullMotion = 0.1;

// The error that is drawn brightest, of values in [0, 1]. One for all pictures,
// so that they compare.
constexpr double kFullError = 0.5;

torch::Tensor ToCpuFloat(const torch::Tensor& tensor) {
  return tensor.detach().to(torch::kCPU, torch::kFloat32).contiguous();
}

// Middlebury's wheel: the number of steps from each colour to the next.
cv::Vec3f WheelColor(double turn) {  // turn in [0, 1)
  struct Arc {
    int steps;
    cv::Vec3f from, to;
  };
  static const std::array<Arc, 6> kArcs = {{
      {15, {1, 0, 0}, {1, 1, 0}},
      {6, {1, 1, 0}, {0, 1, 0}},
      {4, {0, 1, 0}, {0, 1, 1}},
      {11, {0, 1, 1}, {0, 0, 1}},
      {13, {0, 0, 1}, {1, 0, 1}},
      {6, {1, 0, 1}, {1, 0, 0}},
  }};
  double step = turn * 55;
  for (const Arc& arc : kArcs) {
    if (step < arc.steps)
      return arc.from + (arc.to - arc.from) * step / arc.steps;
    step -= arc.steps;
  }
  return kArcs[0].from;
}

// The colour of a motion of which 1 is full length.
cv::Vec3b MotionColor(double x, double y) {
  const double length = std::hypot(x, y);
  const double angle = std::atan2(-y, -x) / (2 * kPi) + 0.5;
  const cv::Vec3f hue = WheelColor(angle - std::floor(angle));
  const cv::Vec3f white(1, 1, 1);
  const cv::Vec3f color =
      length <= 1 ? white - (white - hue) * length : 0.75 * hue;
  return {cv::saturate_cast<uint8_t>(255 * color[0]),
          cv::saturate_cast<uint8_t>(255 * color[1]),
          cv::saturate_cast<uint8_t>(255 * color[2])};
}

// The motion from source to driving frame, [..., h, w, 2], in half the longer
// side.
torch::Tensor Motion(const torch::Tensor& source_from_driving) {
  TORCH_CHECK(
      source_from_driving.dim() >= 3 && source_from_driving.size(-1) == 2,
      "source_from_driving is ", source_from_driving.sizes(),
      ", not [..., h, w, 2]");
  const int64_t h = source_from_driving.size(-3);
  const int64_t w = source_from_driving.size(-2);
  const torch::Tensor here = networks::CoordinateGrid(h, w, torch::kFloat32);
  const double longer = static_cast<double>(std::max<int64_t>({h, w, 2}) - 1);
  const torch::Tensor scale =
      torch::tensor({static_cast<double>(w - 1) / longer,
                     static_cast<double>(h - 1) / longer},
                    torch::kFloat32);
  return (here - ToCpuFloat(source_from_driving)) * scale;
}

cv::Point2d PixelOf(double x, double y, cv::Size size) {
  return {(x + 1) / 2 * (size.width - 1), (y + 1) / 2 * (size.height - 1)};
}

// OpenCV draws at sixteenths of a pixel for coordinates shifted by 4 bits.
constexpr int kShift = 4;
cv::Point Shifted(cv::Point2d p) {
  return {static_cast<int>(std::lround(16 * p.x)),
          static_cast<int>(std::lround(16 * p.y))};
}

cv::Mat Fit(const cv::Mat& picture, cv::Size size) {
  if (picture.size() == size) return picture;
  cv::Mat tile;
  cv::resize(picture, tile, size, 0, 0,
             picture.cols > size.width ? cv::INTER_AREA : cv::INTER_LINEAR);
  return tile;
}

class StripPainter {
 public:
  StripPainter(const StripInput& input, const StripOptions& options)
      : input_(input), options_(options) {
    TORCH_CHECK(input.source.defined() && input.source.dim() == 4,
                "a strip needs source images [B, 3, H, W]");
    rows_ = static_cast<int>(
        std::min<int64_t>(input.source.size(0), options.max_rows));
    const auto height = static_cast<double>(input.source.size(2));
    const auto width = static_cast<double>(input.source.size(3));
    const double scale = options.tile / std::max(height, width);
    tile_ = {std::max(1, static_cast<int>(std::lround(width * scale))),
             std::max(1, static_cast<int>(std::lround(height * scale)))};
  }

  cv::Mat Paint() {
    AddImages("source", input_.source, input_.source_keypoints);
    AddImages("driving", input_.driving, input_.driving_keypoints);
    AddImages("warped", input_.deformed_source, {});
    AddImages("prediction", input_.prediction, {});
    AddError();
    AddDeformation();
    AddOcclusionMaps();
    AddContributionMaps();
    return DrawColumns(columns_, tile_);
  }

 private:
  template <typename MakeTile>
  void Add(const std::string& label, const torch::Tensor& batch,
           const MakeTile& make_tile) {
    PictureColumn column{label, {}};
    for (int row = 0; row < rows_; ++row) {
      column.tiles.push_back(Fitted(make_tile(batch[row], row)));
    }
    columns_.push_back(std::move(column));
  }

  cv::Mat Fitted(const cv::Mat& picture) const { return Fit(picture, tile_); }

  void AddImages(const std::string& label, const torch::Tensor& images,
                 const torch::Tensor& keypoints) {
    if (!images.defined()) return;
    Add(label, images, [&](const torch::Tensor& image, int row) {
      // Marks are drawn at the tile's size, where they stay sharp.
      cv::Mat tile = Fitted(TensorToImage(image)).clone();
      if (keypoints.defined()) {
        DrawKeypoints(keypoints[row], options_.keypoints_per_transform, tile);
      }
      return tile;
    });
  }

  void AddError() {
    if (!options_.error || !input_.driving.defined() ||
        !input_.prediction.defined()) {
      return;
    }
    const torch::Tensor error =
        (input_.prediction - input_.driving).abs().mean(1);  // [B, H, W]
    Add("error", error, [](const torch::Tensor& map, int) {
      return ColorizeMap(map, 0, kFullError);
    });
  }

  void AddDeformation() {
    const torch::Tensor& source_from_driving = input_.source_from_driving;
    if (!source_from_driving.defined()) return;
    const double longest = std::max(
        MaxMotion(source_from_driving.slice(0, 0, rows_)), kLeastFullMotion);
    Add("motion", source_from_driving,
        [&](const torch::Tensor& field, int row) {
          cv::Mat tile = Fitted(FlowToColor(field, longest)).clone();
          if (row == 0) DrawWheel(tile);
          return tile;
        });
    Add("grid", source_from_driving, [&](const torch::Tensor& field, int row) {
      cv::Mat tile = input_.driving.defined()
                         ? Fitted(TensorToImage(input_.driving[row])).clone()
                         : cv::Mat(tile_, CV_8UC3, cv::Scalar::all(255));
      DrawDeformedGrid(field, 12, tile);
      return tile;
    });
  }

  void DrawWheel(cv::Mat& tile) const {
    const int size = std::min(tile.cols, tile.rows) / 5;
    if (size < 8) return;
    FlowWheel(size).copyTo(tile(cv::Rect(1, 1, size, size)));
  }

  void AddOcclusionMaps() {
    for (const torch::Tensor& maps : input_.occlusion_maps) {
      Add(absl::StrCat("visible ", maps.size(-1), "x", maps.size(-2)), maps,
          [](const torch::Tensor& map, int) { return ColorizeMap(map[0]); });
    }
  }

  void AddContributionMaps() {
    const torch::Tensor& maps = input_.contribution_maps;
    if (!maps.defined()) return;
    const auto num_maps = static_cast<int>(maps.size(1));
    const int sets = input_.source_keypoints.defined()
                         ? static_cast<int>(input_.source_keypoints.size(1)) /
                               options_.keypoints_per_transform
                         : num_maps - 1;
    const int num_partial = std::min(sets, num_maps - 1);
    Add("keypoint sets", maps, [&](const torch::Tensor& sample, int) {
      return ContributionPicture(sample, num_partial);
    });
    for (int i = 0; i < num_maps; ++i) {
      const std::string label = i == 0             ? "background"
                                : i <= num_partial ? absl::StrCat("set ", i)
                                                   : "global";
      Add(label, maps, [&](const torch::Tensor& sample, int) {
        return ColorizeMap(sample[i]);
      });
    }
  }

  const StripInput& input_;
  const StripOptions& options_;
  int rows_;
  cv::Size tile_;
  std::vector<PictureColumn> columns_;
};

}  // namespace

cv::Mat DrawStrip(const StripInput& input, const StripOptions& options) {
  return StripPainter(input, options).Paint();
}

cv::Mat DrawColumns(const std::vector<PictureColumn>& columns, cv::Size tile) {
  const int step_x = tile.width + kGap;
  const int step_y = tile.height + kGap;
  const int rows = columns.empty() ? 0 : columns[0].tiles.size();
  cv::Mat grid(kLabelHeight + rows * step_y,
               std::max(static_cast<int>(columns.size()) * step_x - kGap, 1),
               CV_8UC3, cv::Scalar::all(255));
  for (size_t c = 0; c < columns.size(); ++c) {
    const int x = static_cast<int>(c) * step_x;
    // Labels of narrow tiles are cut at the tile's edge.
    cv::Mat label = grid(cv::Rect(x, 0, tile.width, kLabelHeight));
    cv::putText(label, columns[c].label, {2, 14}, cv::FONT_HERSHEY_SIMPLEX, 0.4,
                cv::Scalar::all(40), 1, cv::LINE_AA);
    for (int row = 0; row < static_cast<int>(columns[c].tiles.size()); ++row) {
      Fit(columns[c].tiles[row], tile)
          .copyTo(grid({{x, kLabelHeight + row * step_y}, tile}));
    }
  }
  return grid;
}

void DrawKeypoints(const torch::Tensor& keypoints, int keypoints_per_transform,
                   cv::Mat& picture) {
  TORCH_CHECK(keypoints.dim() == 2 && keypoints.size(1) == 2 &&
                  keypoints_per_transform > 0,
              "keypoints are [K, 2], not ", keypoints.sizes());
  const torch::Tensor points = ToCpuFloat(keypoints);
  const auto at = points.accessor<float, 2>();
  const double radius =
      std::max(1.5, std::max(picture.cols, picture.rows) / 55.0);
  const int count = static_cast<int>(points.size(0));
  for (int begin = 0; begin < count; begin += keypoints_per_transform) {
    const int end = std::min(begin + keypoints_per_transform, count);
    const cv::Scalar color = ColorOfSet(begin / keypoints_per_transform);
    cv::Point2d mean;
    for (int i = begin; i < end; ++i) {
      mean += PixelOf(at[i][0], at[i][1], picture.size()) / (end - begin);
    }
    for (int i = begin; i < end; ++i) {
      const cv::Point2d p = PixelOf(at[i][0], at[i][1], picture.size());
      cv::line(picture, Shifted(mean), Shifted(p), color, 1, cv::LINE_AA,
               kShift);
    }
    for (int i = begin; i < end; ++i) {
      const cv::Point p = Shifted(PixelOf(at[i][0], at[i][1], picture.size()));
      const int r = static_cast<int>(16 * radius);
      cv::circle(picture, p, r + 12, cv::Scalar::all(0), cv::FILLED,
                 cv::LINE_AA, kShift);
      cv::circle(picture, p, r, color, cv::FILLED, cv::LINE_AA, kShift);
    }
  }
}

double MaxMotion(const torch::Tensor& source_from_driving) {
  const torch::Tensor lengths =
      torch::nan_to_num(Motion(source_from_driving).square().sum(-1).sqrt());
  return lengths.numel() > 0 ? lengths.max().item<double>() : 0;
}

cv::Mat FlowToColor(const torch::Tensor& source_from_driving,
                    double max_length) {
  TORCH_CHECK(source_from_driving.dim() == 3, "source_from_driving is ",
              source_from_driving.sizes(), ", not [h, w, 2]");
  const double full =
      max_length > 0 ? max_length : MaxMotion(source_from_driving);
  const torch::Tensor motion =
      torch::nan_to_num(Motion(source_from_driving) / std::max(full, 1e-6));
  const auto at = motion.accessor<float, 3>();
  cv::Mat_<cv::Vec3b> picture(static_cast<int>(motion.size(0)),
                              static_cast<int>(motion.size(1)));
  for (int row = 0; row < picture.rows; ++row) {
    for (int column = 0; column < picture.cols; ++column) {
      picture(row, column) =
          MotionColor(at[row][column][0], at[row][column][1]);
    }
  }
  return picture;
}

cv::Mat FlowWheel(int size) {
  cv::Mat_<cv::Vec3b> wheel(size, size, cv::Vec3b(255, 255, 255));
  const double centre = (size - 1) / 2.0;
  for (int row = 0; row < size; ++row) {
    for (int column = 0; column < size; ++column) {
      const double x = (column - centre) / std::max(centre, 1.0);
      const double y = (row - centre) / std::max(centre, 1.0);
      if (std::hypot(x, y) <= 1) wheel(row, column) = MotionColor(x, y);
    }
  }
  return wheel;
}

void DrawDeformedGrid(const torch::Tensor& source_from_driving, int lines,
                      cv::Mat& picture) {
  TORCH_CHECK(
      source_from_driving.dim() == 3 && source_from_driving.size(2) == 2,
      "source_from_driving is ", source_from_driving.sizes(),
      ", not [h, w, 2]");
  // As the model resizes it, and where keypoints of these coordinates are
  // drawn.
  const torch::Tensor field =
      networks::ResizeGrid(
          torch::nan_to_num(ToCpuFloat(source_from_driving)).unsqueeze(0),
          picture.rows, picture.cols)
          .contiguous();
  // A line of the source's grid appears where the source coordinate crosses its
  // value: a level line, however the field folds.
  const cv::Mat coordinates(picture.rows, picture.cols, CV_32FC2,
                            field.data_ptr());
  const auto cell = [&](int row, int column, int axis) {
    return std::floor((coordinates.at<cv::Vec2f>(row, column)[axis] + 1) / 2 *
                      static_cast<float>(lines));
  };
  const cv::Vec3b line_colors[] = {{255, 230, 60}, {60, 230, 255}};
  for (int row = 0; row + 1 < picture.rows; ++row) {
    for (int column = 0; column + 1 < picture.cols; ++column) {
      for (int axis = 0; axis < 2; ++axis) {
        const float here = cell(row, column, axis);
        if (here != cell(row, column + 1, axis) ||
            here != cell(row + 1, column, axis)) {
          picture.at<cv::Vec3b>(row, column) = line_colors[axis];
        }
      }
    }
  }
}

cv::Mat ColorizeMap(const torch::Tensor& map, double low, double high) {
  TORCH_CHECK(map.dim() == 2, "a map is [h, w], not ", map.sizes());
  torch::Tensor levels = torch::nan_to_num(ToCpuFloat(map));
  levels = ((levels - low) / std::max(high - low, 1e-12)).clamp(0, 1);
  levels = (255 * levels).round().to(torch::kUInt8).contiguous();
  const cv::Mat grey(static_cast<int>(levels.size(0)),
                     static_cast<int>(levels.size(1)), CV_8UC1,
                     levels.data_ptr());
  cv::Mat picture;
  cv::applyColorMap(grey, picture, cv::COLORMAP_VIRIDIS);
  cv::cvtColor(picture, picture, cv::COLOR_BGR2RGB);
  return picture;
}

cv::Mat ContributionPicture(const torch::Tensor& maps, int num_partial) {
  TORCH_CHECK(maps.dim() == 3, "contribution maps are [M, h, w], not ",
              maps.sizes());
  const int64_t count = maps.size(0);
  torch::Tensor colors = torch::empty({3, count});
  for (int64_t i = 0; i < count; ++i) {
    const cv::Scalar color = i == 0 ? cv::Scalar::all(95)
                             : i <= num_partial
                                 ? ColorOfSet(static_cast<int>(i) - 1)
                                 : cv::Scalar::all(255);
    for (int c = 0; c < 3; ++c) colors[c][i] = color[c] / 255;
  }
  const torch::Tensor mixed =
      torch::matmul(colors, ToCpuFloat(maps).flatten(1));  // [3, h w]
  return TensorToImage(mixed.view({3, maps.size(1), maps.size(2)}));
}

cv::Scalar ColorOfSet(int index) {
  // Hues a golden ratio apart stay apart however many there are.
  const double hue = 0.03 + index * 0.6180339887498949;
  const cv::Vec3f color = WheelColor(hue - std::floor(hue));
  // Lightened, so that blue and red show on dark pictures too.
  return {60 + 195 * color[0], 60 + 195 * color[1], 60 + 195 * color[2]};
}

absl::Status SavePicture(const std::string& path, const cv::Mat& picture) {
  cv::Mat bgr;
  cv::cvtColor(picture, bgr, cv::COLOR_RGB2BGR);
  std::vector<uint8_t> png;
  cv::imencode(".png", bgr, png);
  return networks::files::WriteAtomically(
      path, {reinterpret_cast<const char*>(png.data()), png.size()});
}

}  // namespace pipelines
