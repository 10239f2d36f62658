#include "pipelines/evaluation/animation_sheet.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "keypoints/transfer.h"
#include "pipelines/animation/animator.h"
#include "pipelines/media/image_io.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

constexpr int kTile = 160;  // pixels of a picture's longer side
constexpr int kGap = 3;
constexpr int kHeadGap = 9;  // between what is given and what is made

// Pictures of one size in rows and columns, the first of each set off.
class Grid {
 public:
  Grid(int rows, int columns, cv::Size frame) {
    const double scale =
        static_cast<double>(kTile) / std::max(frame.width, frame.height);
    tile_ = {static_cast<int>(frame.width * scale),
             static_cast<int>(frame.height * scale)};
    const cv::Point end = Corner(rows, columns);
    picture_ = cv::Mat(end.y, end.x, CV_8UC3, cv::Scalar::all(255));
  }

  void Put(int row, int column, const cv::Mat& frame) {
    media::Resized(frame, tile_)
        .copyTo(picture_(cv::Rect(Corner(row, column), tile_)));
  }

  const cv::Mat& picture() const { return picture_; }

 private:
  cv::Point Corner(int row, int column) const {
    return {column * (tile_.width + kGap) + (column > 0 ? kHeadGap : 0),
            row * (tile_.height + kGap) + (row > 0 ? kHeadGap : 0)};
  }

  cv::Size tile_;
  cv::Mat picture_;
};

}  // namespace

SheetClips ChooseSheetClips(int num_clips, int count) {
  const int each = std::min(count, num_clips);
  // Sources and driving clips alternate through the clips.
  const int wanted = 2 * each;
  SheetClips clips;
  for (int i = 0; i < wanted; ++i) {
    const int index = wanted <= num_clips ? i * num_clips / wanted
                      : i % 2 == 0        ? i / 2
                                          : (i / 2 + 1) % num_clips;
    (i % 2 == 0 ? clips.sources : clips.drivings).push_back(index);
  }
  return clips;
}

absl::StatusOr<cv::Mat> DrawAnimationSheet(const TrainedModel& trained,
                                           torch::Device device,
                                           data::Dataset& test,
                                           const SheetClips& clips,
                                           const WorkHooks& hooks) {
  AnimatorOptions options;
  options.transfer.mode = keypoints::TransferMode::kRelative;
  ASSIGN_OR_RETURN(const std::unique_ptr<Animator> animator,
                   Animator::Create(trained, device, options));
  const auto rows = static_cast<int>(clips.sources.size());
  const auto columns = static_cast<int>(clips.drivings.size());
  Grid grid(rows + 1, columns + 1, test.image_size());
  std::vector<std::vector<cv::Mat>> drivings;  // first and farthest frames
  for (int column = 0; column < columns; ++column) {
    ASSIGN_OR_RETURN(const auto clip,
                     test.ReadWholeClip(clips.drivings[column]));
    drivings.push_back(
        {clip->frames.front(), clip->frames[data::FarthestFrame(*clip)]});
    grid.Put(0, column + 1, drivings.back()[1]);
  }
  for (int row = 0; row < rows; ++row) {
    ASSIGN_OR_RETURN(const auto clip, test.ReadWholeClip(clips.sources[row]));
    grid.Put(row + 1, 0, clip->frames.front());
    const PreparedSource source = animator->PrepareSource(clip->frames.front());
    for (int column = 0; column < columns; ++column) {
      RETURN_IF_ERROR(CheckNotStopped(hooks));
      animator->BeginDriving();
      grid.Put(row + 1, column + 1,
               animator->Animate(source, drivings[column]).pictures[1]);
    }
  }
  return grid.picture();
}

}  // namespace pipelines
