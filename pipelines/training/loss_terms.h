// The loss terms of the training objective: those of [CPABMM], each cited in
// its header in losses/, and terms of ours (losses/photometric.h, balance.h).
// One more is one line of the table in loss_terms.cc, beside its weight in
// config.proto: its column in losses.csv, its TensorBoard tag, its place in the
// progress bar and on the page follow.
#ifndef PIPELINES_TRAINING_LOSS_TERMS_H_
#define PIPELINES_TRAINING_LOSS_TERMS_H_

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "pipelines/config/config.pb.h"
#include "pipelines/model/model.h"
#include "pipelines/training/frozen_losses.h"

namespace pipelines {

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

// What one training step computed.
struct StepOutput {
  // Adds weight * value to `terms` and `total`.
  void Add(std::string name, double weight, const torch::Tensor& value);

  torch::Tensor total;  // scalar, to be differentiated
  // Weighted terms by name, in the order of LossTerms(); without those switched
  // off or not yet on.
  std::vector<std::pair<std::string, torch::Tensor>> terms;

  torch::Tensor driving;            // [B, 3, H, W], the frames to be met
  torch::Tensor small_driving;      // [B, 3, h, w], at the motion's resolution
  PreparedSource source;            // without features
  torch::Tensor driving_keypoints;  // [B, P, 2], see model.h
  // [B, 3, 3], undefined before training.background_start_epoch.
  torch::Tensor background;
  Motion motion;
  // Whether frames were painted; not while training.motion_steps last.
  bool is_painted = false;
  // [B, 3, H, W]; where nothing is painted, the deformed source.
  torch::Tensor prediction;
  torch::Tensor deformed_source;  // [B, 3, H, W]
  // Of the source, deepest first; only for the warp loss.
  std::vector<torch::Tensor> warped_encoder_maps;
  torch::Tensor transform_shares;   // losses/balance.h
  torch::Tensor transforms_in_use;  // scalar, losses/balance.h
};

// What a term may look at: the batch, what the model made of it, and the rest.
struct LossContext {
  const Config& config;
  StepPlace place;
  AnimationModel& model;
  FrozenLosses& frozen;
  StepOutput& out;

  // Computed by the first term that asks.
  const torch::Tensor& TransformShares();
};

struct LossTerm {
  // The column of losses.csv.
  const char* name;
  // The stage of StageTimer that its time counts to.
  const char* stage;
  // 0: the term is switched off, for the whole run.
  double (*weight)(const Config& config, const StepPlace& place);
  // Whether the term has started, at a step that gave `out`.
  bool (*has_started)(const StepOutput& out);
  // The term without its weight: a scalar.
  torch::Tensor (*compute)(LossContext& context);
};

// In the order in which they are added up.
const std::vector<LossTerm>& LossTerms();

}  // namespace pipelines

#endif  // PIPELINES_TRAINING_LOSS_TERMS_H_
