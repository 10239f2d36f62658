// Ground truth of a clip, where its data set has some.
//
// The truth of <root>/<split>/<name>.png is the folder
// <root>/truth/<split>/<name>, as puppets::MakePuppets lays it out, also where
// another file <name>.gif is beside it, which it is then the truth of if that
// has as many frames; of a clip <name>.1 it may be <name>.1.
#ifndef PIPELINES_EVALUATION_CLIP_TRUTH_H_
#define PIPELINES_EVALUATION_CLIP_TRUTH_H_

#include <optional>

#include "absl/status/statusor.h"
#include "opencv2/core.hpp"
#include "pipelines/data/dataset.h"
#include "pipelines/puppets/truth.h"

namespace pipelines {

// Where points are in frames that were scaled from `stored` pixels a side to
// `seen`: the [-1, 1] of align_corners spans the centres of the outer pixels,
// so it is not quite the same part of the picture at every size.
puppets::Truth ScaleTruth(const puppets::Truth& truth, int stored, int seen);

// The truth of `clip`, for frames of `image_size`. Empty if there is no folder
// of truth, or if stored or seen frames are not square: truth knows no crops.
// The errors of ReadTruth; InvalidArgument, naming the folder, if it has the
// clip's own name and not as many frames.
absl::StatusOr<std::optional<puppets::Truth>> ReadClipTruth(
    const data::IndexedClip& clip, cv::Size image_size);

}  // namespace pipelines

#endif  // PIPELINES_EVALUATION_CLIP_TRUTH_H_
