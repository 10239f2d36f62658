// Cross-identity animation at a glance: sources of some test clips moved as
// other test clips move.
#ifndef PIPELINES_EVALUATION_ANIMATION_SHEET_H_
#define PIPELINES_EVALUATION_ANIMATION_SHEET_H_

#include <vector>

#include "absl/status/statusor.h"
#include "opencv2/core.hpp"
#include "pipelines/base/work_hooks.h"
#include "pipelines/checkpoint/checkpoint.h"
#include "pipelines/data/dataset.h"

namespace pipelines {

struct SheetClips {
  std::vector<int> sources, drivings;  // indices of clips
};

// Spreads `count` sources and `count` driving clips over `num_clips`, no clip
// in both while there are enough.
SheetClips ChooseSheetClips(int num_clips, int count);

// A grid: sources (first frames) in the left column, of each driving clip its
// farthest frame in the top row, in the cells the model's animation of the
// source, relative to the driving clip's first frame, as `animate` does it.
// CV_8UC3 RGB. The errors of reading a clip; Cancelled if it was to stop.
absl::StatusOr<cv::Mat> DrawAnimationSheet(const TrainedModel& trained,
                                           torch::Device device,
                                           data::Dataset& test,
                                           const SheetClips& clips,
                                           const WorkHooks& hooks = {});

}  // namespace pipelines

#endif  // PIPELINES_EVALUATION_ANIMATION_SHEET_H_
