// The training objective: all loss terms of a batch, [CPABMM] Sec. 3.
#ifndef PIPELINES_TRAINING_OBJECTIVE_H_
#define PIPELINES_TRAINING_OBJECTIVE_H_

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "losses/embedding_cache.h"
#include "losses/keypoint_semantic.h"
#include "losses/perceptual.h"
#include "losses/structure_alignment.h"
#include "pipelines/config/config.pb.h"
#include "pipelines/model/model.h"
#include "pipelines/training/stage_timer.h"

namespace pipelines {

// What one training step computed.
struct StepOutput {
  // Adds weight * value to `terms` and `total`.
  void Add(std::string name, double weight, const torch::Tensor& value);

  torch::Tensor total;  // scalar, to be differentiated
  // Weighted terms by name, in a fixed order; without those switched off or not
  // yet on.
  std::vector<std::pair<std::string, torch::Tensor>> terms;
  PreparedSource source;            // without features
  torch::Tensor driving_keypoints;  // [B, 5K, 2]
  // [B, 3, H, W]; while training.motion_steps last, the deformed source.
  torch::Tensor prediction;
  torch::Tensor deformed_source;  // [B, 3, H, W]
  Motion motion;
  torch::Tensor parts_in_use;  // scalar, losses/balance.h
};

// Where in the run a batch stands; it decides what is random and switched on.
struct StepPlace {
  int64_t step = 0;
  int64_t epoch = 0;
  // A step's samples come in slices of one batch each, over processes and
  // accumulated batches. Random draws are those of the whole step, of which
  // each slice takes its part, so that it does not matter how it is cut.
  int64_t slice = 0;
  int64_t num_slices = 1;
};

class Objective {
 public:
  // Reads the weights of the frozen networks that the config names, or draws
  // them from the run's seed. The errors of frozen_losses.h.
  static absl::StatusOr<Objective> Create(const Config& config,
                                          torch::Device device);

  // source, driving: [B, 3, H, W] in [0, 1]. Runs `model` in the mode that it
  // is in. Random draws are a function of the run's seed and `place`. Tells
  // `timer` where its time goes.
  StepOutput operator()(AnimationModel& model, const torch::Tensor& source,
                        const torch::Tensor& driving, StepPlace place,
                        StageTimer& timer);

  // Not OK once embeddings of frames can no longer be kept for the next epoch
  // (losses/embedding_cache.h); nothing else changes.
  absl::Status embedding_cache_status() const {
    return embeddings_ ? embeddings_->insert_status() : absl::OkStatus();
  }

  // The names of the terms in StepOutput once all have started.
  std::vector<std::string> TermNames() const;

 private:
  Objective(const Config& config, losses::PerceptualLoss perceptual);

  bool BackgroundIsOn(int64_t epoch) const;
  // Keypoints and motion of the pairs, into `out`. Returns the background
  // motion [B, 3, 3], undefined while there is none.
  torch::Tensor Move(AnimationModel& model, const torch::Tensor& source,
                     const torch::Tensor& driving, StepPlace place,
                     StageTimer& timer, StepOutput* out) const;
  // Renders the frames, and adds the terms that look at them.
  void Paint(AnimationModel& model, const torch::Tensor& driving,
             StageTimer& timer, StepOutput* out);
  // Adds the terms that compare pixels of the warped source, and says how many
  // parts share in it.
  void AddPixelTerms(AnimationModel& model, const torch::Tensor& driving,
                     StepOutput* out) const;
  // Adds the terms of SAM and DINO.
  void AddExtractorTerms(const torch::Tensor& source,
                         const torch::Tensor& driving, StepPlace place,
                         StageTimer& timer, StepOutput* out);
  // [B, M] bool, or undefined where nothing is dropped.
  torch::Tensor DrawKeptCandidates(int64_t batch, int64_t num_candidates,
                                   StepPlace place, torch::Device device) const;
  torch::Tensor Equivariance(AnimationModel& model,
                             const torch::Tensor& driving,
                             const torch::Tensor& driving_keypoints,
                             StepPlace place) const;
  torch::Tensor Semantic(const torch::Tensor& source,
                         const torch::Tensor& driving, const StepOutput& out);

  Config config_;
  losses::PerceptualLoss perceptual_;
  // Null where they are switched off.
  losses::KeypointSemanticLoss semantic_ = nullptr;
  std::optional<losses::EmbeddingCache> embeddings_;
  losses::StructureAlignmentLoss structure_ = nullptr;
};

}  // namespace pipelines

#endif  // PIPELINES_TRAINING_OBJECTIVE_H_
