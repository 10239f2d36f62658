// Candidate motions of a pair of frames: for every pixel of the driving frame,
// where each transformation and the background say that it comes from in the
// source.
//
// Source: [CPABMM] Sec. 3.2; create_transformations in modules/dense_motion.py
// of its code.
#ifndef PIPELINES_MODEL_CANDIDATE_MOTIONS_H_
#define PIPELINES_MODEL_CANDIDATE_MOTIONS_H_

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "pipelines/config/config.pb.h"
#include "pipelines/model/motion_model.h"

namespace pipelines {

// How well the transformations explain their keypoints: K local ones and the
// global one, if there is one.
struct FitReport {
  torch::Tensor residual;    // [B, K + 1] norm, units of [-1, 1]
  torch::Tensor iterations;  // [B, K + 1] int64
  // InferredMotion::exact_gradient of the local ones [B K] and of the global
  // one [B]; without those that are undefined, and empty where the config does
  // not let gradients through the fit.
  std::vector<torch::Tensor> exact_gradients;
};

struct Candidates {
  // [B, M, h, w, 2] in [-1, 1]: the background's, K local, then the global.
  torch::Tensor fields;
  FitReport fit;
};

// Infers the transformations from keypoints and samples them on a grid. Each
// sample of a batch is solved by itself: its candidates are the same, to the
// bit, alone and in any batch. Safe to use from many threads.
class CandidateMotions {
 public:
  // The errors of MakeMotionModel.
  static absl::StatusOr<CandidateMotions> Create(ModelConfig config);

  // source, driving: keypoints [B, P, 2] in [-1, 1], P being those of all sets
  // together, set by set.
  // background: [B, 3, 3] background_source_from_driving, or undefined:
  // identity. Gradients reach the keypoints if the config says IMPLICIT, the
  // background always.
  Candidates operator()(const torch::Tensor& source,
                        const torch::Tensor& driving,
                        const torch::Tensor& background, int64_t height,
                        int64_t width) const;

 private:
  CandidateMotions(const ModelConfig& config,
                   std::shared_ptr<const MotionModel> local)
      : num_transforms_(config.num_transforms()),
        through_fit_(config.gradient() == ModelConfig::IMPLICIT),
        local_(std::move(local)) {}

  int64_t num_transforms_;
  bool through_fit_;
  std::shared_ptr<const MotionModel> local_;
  std::shared_ptr<const MotionModel> global_;  // null where it is off
};

}  // namespace pipelines

#endif  // PIPELINES_MODEL_CANDIDATE_MOTIONS_H_
