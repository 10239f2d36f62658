// Evaluation by reconstruction, as the field does it: each test clip is
// animated from its own first frame, and every frame compared with the real
// one.
#ifndef PIPELINES_RECONSTRUCTION_H_
#define PIPELINES_RECONSTRUCTION_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pipelines/config/config.pb.h"
#include "pipelines/data/dataset.h"
#include "pipelines/metrics.h"
#include "pipelines/model.h"

namespace pipelines {

struct ClipResult {
  std::string name;
  int frames = 0;
  FrameScore model;
  FrameScore first_frame;  // baseline: the first frame shown all the time
};

struct EvaluationResult {
  std::vector<ClipResult> clips;
  // Means over clips.
  FrameScore model;
  FrameScore first_frame;
};

// Reconstructs the clips of `test`, with a progress bar. `model` must be in
// eval mode. The errors of reading a clip; Cancelled if a stop signal came.
absl::StatusOr<EvaluationResult> EvaluateReconstruction(
    AnimationModel& model, torch::Device device, data::Dataset& test,
    const EvaluationConfig& config);

// A table with one line a clip, worst first, and the means.
std::string EvaluationText(const EvaluationResult& result);

// EvaluationProto (reconstruction.proto) as JSON.
std::string EvaluationJson(const EvaluationResult& result);

}  // namespace pipelines

#endif  // PIPELINES_RECONSTRUCTION_H_
