// AKD, MKR and AED: what independent detectors find in generated frames and in
// the real ones, compared. The formulas are those of the scripts by which the
// field's papers report them (github.com/AliaksandrSiarohin/pose-evaluation),
// which do not quite say what the names do: both notes below are theirs.
#ifndef PIPELINES_EVALUATION_POSE_METRICS_H_
#define PIPELINES_EVALUATION_POSE_METRICS_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "pipelines/evaluation/detections.h"

namespace pipelines {

struct KeypointScore {
  // Average keypoint distance: |x - x'| and |y - y'|, averaged over the
  // keypoints that were found in both frames (so the mean of two coordinates,
  // not the length of their difference), then over frames that have any. In the
  // unit of the coordinates.
  double akd = 0;
  int64_t akd_frames = 0;
  // Missing keypoint rate: of the keypoints found in the real frame, the share
  // not found in the generated one; averaged over frames that have any. [0, 1]
  double mkr = 0;
  int64_t mkr_frames = 0;
};

struct EmbeddingScore {
  // The average over frames of the SQUARED Euclidean distance of the two
  // embeddings, which the scripts print as average Euclidean distance.
  double aed = 0;
  // The average of the distance itself.
  double distance = 0;
  int64_t frames = 0;
};

// `real` and `generated` as ReadDetections returns them. InvalidArgument naming
// the place: a frame that the other side does not have, another number of
// values than the other side's, or no frame in which both have a keypoint.
absl::StatusOr<KeypointScore> CompareKeypoints(
    const std::vector<Detection>& real,
    const std::vector<Detection>& generated);
absl::StatusOr<EmbeddingScore> CompareEmbeddings(
    const std::vector<Detection>& real,
    const std::vector<Detection>& generated);

}  // namespace pipelines

#endif  // PIPELINES_EVALUATION_POSE_METRICS_H_
