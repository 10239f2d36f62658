// Evaluation by reconstruction, as the field does it: each test clip is
// animated from its own first frame, and every frame compared with the real
// one. Where the data has ground truth (the bundled puppets), the dense motion
// is compared with the true one, too.
#ifndef PIPELINES_EVALUATION_RECONSTRUCTION_H_
#define PIPELINES_EVALUATION_RECONSTRUCTION_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/message.h"
#include "networks/lpips.h"
#include "opencv2/core.hpp"
#include "pipelines/base/work_hooks.h"
#include "pipelines/config/config.pb.h"
#include "pipelines/data/dataset.h"
#include "pipelines/evaluation/metrics.h"
#include "pipelines/evaluation/puppet_metrics.h"
#include "pipelines/evaluation/reconstruction.pb.h"
#include "pipelines/model/model.h"
#include "pipelines/report/score_table.h"

namespace pipelines {

struct ClipResult {
  std::string name;
  int frames = 0;
  // Means over frames.
  FrameScore model;
  FrameScore first_frame;  // baseline: the first frame shown all the time
  // Where there is ground truth: motion of all frames but the first.
  std::optional<PuppetMetrics> motion;
  std::optional<PuppetMetrics> no_motion;  // baseline: nothing moves
};

struct EvaluationResult {
  std::vector<ClipResult> clips;
  // Means over the frames of all clips, as papers report them: a long clip
  // counts for more than a short one.
  FrameScore model;
  FrameScore first_frame;
  // Of the joints and pixels of all clips that have ground truth.
  std::optional<PuppetMetrics> motion;
  std::optional<PuppetMetrics> no_motion;
};

// A frame as it was rebuilt.
struct RebuiltFrame {
  int number = 0;  // in its clip, from 0
  // CV_8UC3 RGB of one size; the source is the clip's first frame.
  cv::Mat source, driving, prediction;
  torch::Tensor source_from_driving;  // [h, w, 2], on the CPU
  FrameScore score;
};

// Somebody who looks on as frames are rebuilt, clip after clip, each clip's
// frames in order. An error ends the evaluation.
class ReconstructionObserver {
 public:
  virtual ~ReconstructionObserver() = default;
  virtual absl::Status BeginClip(const std::string& clip) = 0;
  virtual absl::Status AddFrame(const RebuiltFrame& frame) = 0;
  virtual absl::Status EndClip(const ClipResult& result) = 0;
};

struct ReconstructionTools {
  networks::Lpips lpips = nullptr;  // measured if there; on any device
  std::vector<ReconstructionObserver*> observers;
  WorkHooks hooks;  // told of each clip
};

// The step from a frame that is scored to the next, in a clip of `num_frames`:
// `frame_step` of EvaluationConfig, or less in a short clip, so that its last
// frame is scored, too, and not the first one alone.
int ScoredFrameStep(int frame_step, int num_frames);

// Reconstructs the clips of `test`. `model` must be in eval mode. The errors of
// reading a clip or its ground truth; InvalidArgument naming the clip if the
// model's motion or prediction is not finite; Cancelled if the work was to
// stop.
absl::StatusOr<EvaluationResult> EvaluateReconstruction(
    AnimationModel& model, torch::Device device, data::Dataset& test,
    const EvaluationConfig& config, const ReconstructionTools& tools = {});

// The clips by the model's L1, greatest (or not-a-number) first.
std::vector<ClipResult> WorstFirst(const EvaluationResult& result);

// One line a clip, worst first; means and baseline.
ScoreTable EvaluationTable(const EvaluationResult& result);
std::string EvaluationText(const EvaluationResult& result);

// For programs.
EvaluationProto ToProto(const EvaluationResult& result,
                        const EvaluationSetting& setting = {});
// The same, or any other message of reconstruction.proto, as JSON.
std::string EvaluationJson(const EvaluationResult& result,
                           const EvaluationSetting& setting = {});
std::string ToJson(const google::protobuf::Message& message);

}  // namespace pipelines

#endif  // PIPELINES_EVALUATION_RECONSTRUCTION_H_
