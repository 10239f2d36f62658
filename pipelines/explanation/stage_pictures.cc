#include "pipelines/explanation/stage_pictures.h"

#include <torch/types.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "networks/sampling.h"
#include "opencv2/imgproc.hpp"
#include "pipelines/data/image_tensor.h"
#include "pipelines/explanation/field_lines.h"
#include "pipelines/report/numbered_sets.h"
#include "pipelines/report/tile_sheet.h"
#include "pipelines/report/visualize.h"

namespace pipelines {
namespace {

constexpr int kColumns = 4;
constexpr int kGridLines = 8;         // of candidates
constexpr int kMotionGridLines = 12;  // of their blend
constexpr int kArrows = 16;           // along the longer side
// Motions below this share of half the longer side would be all noise.
constexpr double kLeastFullMotion = 0.05;

const cv::Scalar kGridColour(255, 230, 60), kCellColour(255, 255, 255);
const cv::Scalar kArrowColour(255, 60, 200);

class Painter {
 public:
  Painter(const Stages& stages, int tile) : stages_(stages) {
    source_ = Scaled(data::TensorToImage(stages.source), tile);
    driving_ = Scaled(data::TensorToImage(stages.driving), tile);
    result_ = Scaled(data::TensorToImage(stages.result), tile);
    num_sets_ = stages.model.num_transforms();
    per_set_ = static_cast<int>(stages.keypoints.size(0)) / num_sets_;
  }

  StagePictures Paint() const {
    return {Keypoints(), Candidates(), Contributions(),
            Motion(),    Occlusion(),  Result()};
  }

 private:
  cv::Size size() const { return source_.size(); }

  cv::Mat Sized(const cv::Mat& picture) const {
    cv::Mat sized;
    cv::resize(picture, sized, size(), 0, 0,
               picture.cols > size().width ? cv::INTER_AREA : cv::INTER_LINEAR);
    return sized;
  }

  // Darker, so that what is drawn on it stands out.
  static cv::Mat Dimmed(const cv::Mat& picture) {
    cv::Mat dimmed;
    picture.convertTo(dimmed, -1, 0.6);
    return dimmed;
  }

  cv::Mat WithKeypoints(const cv::Mat& picture,
                        const torch::Tensor& keypoints) const {
    cv::Mat drawn = picture.clone();
    DrawKeypoints(keypoints, per_set_, drawn);
    DrawSetNumbers(keypoints, num_sets_, drawn);
    return drawn;
  }

  cv::Mat Keypoints() const {
    std::vector<Tile> tiles = {
        {WithKeypoints(source_, stages_.source_keypoints), "source"},
        {WithKeypoints(driving_, stages_.driving_keypoints), "driving frame"}};
    if (stages_.is_relative) {
      tiles.push_back({WithKeypoints(Dimmed(source_), stages_.keypoints),
                       "what the source takes"});
    }
    return DrawTileSheet(tiles, kColumns);
  }

  bool IsLocal(int candidate) const {
    return candidate >= 1 && candidate <= num_sets_;
  }

  // The keypoints by which a candidate was found.
  void DrawItsKeypoints(int candidate, const torch::Tensor& keypoints,
                        cv::Mat& picture) const {
    if (IsLocal(candidate)) {
      DrawKeypointsOfSet(keypoints, per_set_, candidate - 1, picture);
    } else if (candidate > num_sets_) {
      DrawKeypoints(keypoints, per_set_, picture);
    }
  }

  std::vector<Polyline> CellsOf(int candidate) const {
    if (candidate == 0) return {};
    return CellBorders(IsLocal(candidate) ? stages_.model.local()
                                          : stages_.model.global());
  }

  // The two tiles of a candidate.
  void AddCandidate(int candidate, std::vector<Tile>* tiles) const {
    const torch::Tensor& field = stages_.candidates[candidate];
    const std::vector<Polyline> cells = CellsOf(candidate);
    const std::vector<Polyline> grid = GridLines(kGridLines);
    const std::string name = NameOfCandidate(stages_, candidate);

    const torch::Tensor warped = networks::WarpByEach(
        stages_.source.unsqueeze(0),
        field.view({1, 1, field.size(0), field.size(1), 2}));
    cv::Mat frame = Dimmed(Sized(data::TensorToImage(warped[0][0])));
    DrawLines(grid, kGridColour, 0.5, frame);
    DrawLines(cells, kCellColour, 0.8, frame);
    DrawItsKeypoints(candidate, stages_.keypoints, frame);
    tiles->push_back({frame, name});

    cv::Mat source = Dimmed(source_);
    DrawLines(MoveLines(field, grid), kGridColour, 0.5, source);
    DrawLines(MoveLines(field, cells), kCellColour, 0.8, source);
    DrawItsKeypoints(candidate, stages_.source_keypoints, source);
    tiles->push_back({source, "in the source"});
  }

  cv::Mat Candidates() const {
    std::vector<Tile> tiles;
    for (int i = 0; i < stages_.candidates.size(0); ++i) {
      AddCandidate(i, &tiles);
    }
    return DrawTileSheet(tiles, kColumns);
  }

  // `sheet` over the colours of values from 0 to 1.
  static cv::Mat OverScale(const cv::Mat& sheet) {
    constexpr int kHeight = 24, kMargin = 24, kBar = 12;
    cv::Mat scale(kHeight, sheet.cols, CV_8UC3, cv::Scalar::all(24)), bar;
    const cv::Size size(std::max(1, sheet.cols - 2 * kMargin), kBar);
    cv::resize(ColorizeMap(torch::linspace(0, 1, 256).unsqueeze(0)), bar, size,
               0, 0, cv::INTER_LINEAR);
    bar.copyTo(scale({{kMargin, 2}, size}));
    const cv::Scalar white = cv::Scalar::all(255);
    WriteText("0", {6, 13}, 0.5, white, scale);
    WriteText("1", {sheet.cols - kMargin + 6, 13}, 0.5, white, scale);
    cv::Mat both;
    cv::vconcat(sheet, scale, both);
    return both;
  }

  cv::Mat Contributions() const {
    const torch::Tensor& maps = stages_.contributions;
    std::vector<Tile> tiles = {
        {DrawNumberedParts(maps, num_sets_, size()), "who moves what"}};
    for (int i = 0; i < maps.size(0); ++i) {
      tiles.push_back(
          {Sized(ColorizeMap(maps[i])),
           absl::StrFormat("%s, %.1f %%", NameOfCandidate(stages_, i),
                           100 * maps[i].mean().item<double>())});
    }
    return OverScale(DrawTileSheet(tiles, kColumns));
  }

  // Arrows from where pixels of the frame are in the source to where they go.
  cv::Mat Arrows() const {
    cv::Mat tile = Dimmed(source_);
    const int longer = std::max(tile.cols, tile.rows);
    const double step = static_cast<double>(longer) / kArrows;
    Polyline frame;
    for (double y = step / 2; y < tile.rows; y += step) {
      for (double x = step / 2; x < tile.cols; x += step) {
        frame.emplace_back(2 * x / (tile.cols - 1) - 1,
                           2 * y / (tile.rows - 1) - 1);
      }
    }
    const Polyline source = MoveLines(stages_.source_from_driving, {frame})[0];
    const auto pixel = [&](const cv::Point2d& point) {
      return cv::Point(cvRound((point.x + 1) / 2 * (tile.cols - 1)),
                       cvRound((point.y + 1) / 2 * (tile.rows - 1)));
    };
    for (size_t i = 0; i < frame.size(); ++i) {
      const double length = cv::norm(pixel(frame[i]) - pixel(source[i]));
      if (!(length >= 2)) continue;
      cv::arrowedLine(tile, pixel(source[i]), pixel(frame[i]), kArrowColour, 1,
                      cv::LINE_AA, 0, std::min(0.5, 5 / length));
    }
    return tile;
  }

  cv::Mat Motion() const {
    const torch::Tensor& field = stages_.source_from_driving;
    const double full = std::max(MaxMotion(field), kLeastFullMotion);
    const double pixels =
        full *
        static_cast<double>(
            std::max(stages_.source.size(1), stages_.source.size(2)) - 1) /
        2;
    cv::Mat legend(size(), CV_8UC3, cv::Scalar::all(255));
    const int wheel = std::min(size().width, size().height) * 4 / 5;
    FlowWheel(wheel).copyTo(
        legend({(size().width - wheel) / 2, (size().height - wheel) / 2, wheel,
                wheel}));
    cv::Mat grid = result_.clone();
    DrawDeformedGrid(field, kMotionGridLines, grid);
    return DrawTileSheet({{Sized(FlowToColor(field, full)), "motion"},
                          {legend, absl::StrFormat("rim: %.0f pixels", pixels)},
                          {Arrows(), "from source to frame"},
                          {grid, "the source's grid"}},
                         kColumns);
  }

  cv::Mat Occlusion() const {
    std::vector<Tile> tiles;
    for (const torch::Tensor& map : stages_.occlusion_maps) {
      cv::Mat tile;
      cv::resize(ColorizeMap(map[0]), tile, size(), 0, 0, cv::INTER_NEAREST);
      tiles.push_back({tile, absl::StrCat(map.size(2), "x", map.size(1))});
    }
    return OverScale(DrawTileSheet(tiles, kColumns));
  }

  cv::Mat Result() const {
    return DrawTileSheet(
        {{source_, "source"},
         {driving_, "driving frame"},
         {Sized(data::TensorToImage(stages_.warped)), "warped source"},
         {result_, "painted frame"}},
        kColumns);
  }

  const Stages& stages_;
  cv::Mat source_, driving_, result_;
  int num_sets_;
  int per_set_;
};

}  // namespace

std::string NameOfCandidate(const Stages& stages, int index) {
  if (index == 0) return "background";
  return index <= stages.model.num_transforms() ? absl::StrCat("set ", index)
                                                : "all sets";
}

StagePictures DrawStages(const Stages& stages, int tile) {
  return Painter(stages, tile).Paint();
}

}  // namespace pipelines
