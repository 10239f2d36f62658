// The training objective of a batch: a forward pass and all loss terms of it.
// The terms are in loss_terms.h.
//
// Source: GeneratorFullModel in modules/model.py of the code of [CPABMM].
#ifndef PIPELINES_TRAINING_OBJECTIVE_H_
#define PIPELINES_TRAINING_OBJECTIVE_H_

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pipelines/config/config.pb.h"
#include "pipelines/model/model.h"
#include "pipelines/training/frozen_losses.h"
#include "pipelines/training/loss_terms.h"
#include "pipelines/training/stage_timer.h"

namespace pipelines {

// Of a run: its config, and the frozen networks that some terms need.
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
  absl::Status embedding_cache_status() const;

  // The names of the terms in StepOutput once all have started.
  std::vector<std::string> TermNames() const;

 private:
  Objective(const Config& config, FrozenLosses frozen)
      : config_(config), frozen_(std::move(frozen)) {}

  // Keypoints and motion of the pairs, into `out`.
  void Move(AnimationModel& model, const torch::Tensor& source, StepPlace place,
            StageTimer& timer, StepOutput* out) const;
  // The frames, or where only motion is taught, the warped sources.
  void Paint(AnimationModel& model, StepPlace place, StageTimer& timer,
             StepOutput* out) const;
  // [B, M] bool, or undefined where nothing is dropped.
  torch::Tensor DrawKeptCandidates(int64_t batch, int64_t num_candidates,
                                   StepPlace place, torch::Device device) const;

  Config config_;
  FrozenLosses frozen_;
};

}  // namespace pipelines

#endif  // PIPELINES_TRAINING_OBJECTIVE_H_
