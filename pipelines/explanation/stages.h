// What happens to one pair of frames in a model, stage by stage.
//
// The frame is made by AnimationModel's calls, as animation and evaluation make
// it; this file keeps what they return. It draws nothing: stage_pictures.h.
//
// Source: [CPABMM] Sec. 3.
#ifndef PIPELINES_EXPLANATION_STAGES_H_
#define PIPELINES_EXPLANATION_STAGES_H_

#include <torch/types.h>

#include <vector>

#include "absl/status/statusor.h"
#include "pipelines/checkpoint/checkpoint.h"
#include "pipelines/config/config.pb.h"

namespace pipelines {

struct FramePair {
  torch::Tensor source;   // [3, H, W] in [0, 1], of the model's size
  torch::Tensor driving;  // likewise
  // Where defined, the source moves as the driving figure has moved since this
  // frame (relative mode). Undefined: the source takes the driving keypoints as
  // they are (standard mode).
  torch::Tensor first_driving;
};

// Everything is on the CPU and in float32. P keypoints in all sets together, M
// candidates: the background, K local ones, and the global one if there is one.
struct Stages {
  ModelConfig model;                // with all defaults
  torch::Tensor source, driving;    // [3, H, W]
  torch::Tensor source_keypoints;   // [P, 2] in [-1, 1]
  torch::Tensor driving_keypoints;  // [P, 2], as detected
  // [P, 2]: what the source takes, the same as detected in standard mode.
  torch::Tensor keypoints;
  bool is_relative = false;
  // [M, fh, fw, 2], source_from_driving: the candidates at more points than the
  // dense motion network sees, for smooth lines. Every fourth point is one of
  // the network's, and the same there up to rounding.
  torch::Tensor candidates;
  torch::Tensor residual;             // [M - 1], see FitReport
  torch::Tensor contributions;        // [M, h, w], sum 1 over M
  torch::Tensor source_from_driving;  // [h, w, 2]
  // [1, ., .] in (0, 1), smallest first; 1 where the source is visible.
  std::vector<torch::Tensor> occlusion_maps;
  torch::Tensor warped;  // [3, H, W], the source moved
  torch::Tensor result;  // [3, H, W], the frame painted
};

// The stages of `pair` in `trained`, on `device`, where its networks are, as
// `animate` has them: the background is at rest. The errors of
// CandidateMotions::Create.
absl::StatusOr<Stages> ComputeStages(const TrainedModel& trained,
                                     const FramePair& pair,
                                     torch::Device device);

}  // namespace pipelines

#endif  // PIPELINES_EXPLANATION_STAGES_H_
