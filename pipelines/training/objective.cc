#include "pipelines/training/objective.h"

#include <ATen/CPUGeneratorImpl.h>
#include <torch/types.h>

#include "losses/balance.h"
#include "networks/blocks.h"
#include "networks/copy_ahead.h"
#include "networks/recompute.h"
#include "networks/sampling.h"
#include "networks/scoped_seed.h"
#include "pipelines/model/autocast.h"
#include "pipelines/training/schedule.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {

absl::StatusOr<Objective> Objective::Create(const Config& config,
                                            torch::Device device) {
  // Untrained features are part of the loss: the same in every run of a seed.
  const networks::ScopedSeed scope(
      StepSeed(config.training().seed(), 0, StepPurpose::kFrozen));
  ASSIGN_OR_RETURN(FrozenLosses frozen, MakeFrozenLosses(config, device));
  return Objective(config, std::move(frozen));
}

absl::Status Objective::embedding_cache_status() const {
  return frozen_.embeddings ? frozen_.embeddings->insert_status()
                            : absl::OkStatus();
}

std::vector<std::string> Objective::TermNames() const {
  std::vector<std::string> names;
  for (const LossTerm& term : LossTerms()) {
    if (term.weight(config_, {}) > 0) names.push_back(term.name);
  }
  return names;
}

torch::Tensor Objective::DrawKeptCandidates(int64_t batch,
                                            int64_t num_candidates,
                                            StepPlace place,
                                            torch::Device device) const {
  const TrainingConfig& training = config_.training();
  const double dropped =
      CandidateDropout(training.candidate_dropout(), place.epoch);
  if (dropped == 0) return {};
  torch::Generator generator = at::make_generator<at::CPUGeneratorImpl>(
      StepSeed(training.seed(), place.step, StepPurpose::kDropout));
  torch::Tensor keep =
      torch::rand({place.num_slices * batch, num_candidates}, generator)
          .narrow(0, place.slice * batch, batch) < 1 - dropped;
  keep.select(1, 0).fill_(true);
  return networks::CopyAhead(keep, device);
}

void Objective::Move(AnimationModel& model, const torch::Tensor& source,
                     StepPlace place, StageTimer& timer,
                     StepOutput* out) const {
  timer.Begin("keypoints");
  out->source = model.LocateSource(source);
  out->driving_keypoints = model.DetectKeypoints(out->driving);
  if (config_.model().background() &&
      place.epoch >= config_.training().background_start_epoch()) {
    timer.Begin("background");
    out->background = model.PredictBackground(source, out->driving);
  }
  MoveOptions options;
  options.background = out->background;
  options.keep = DrawKeptCandidates(source.size(0), model.num_candidates(),
                                    place, source.device());
  options.begin = [&timer](const char* part) { timer.Begin(part); };
  out->motion = model.Move(out->source, out->driving_keypoints, options);
}

void Objective::Paint(AnimationModel& model, StepPlace place, StageTimer& timer,
                      StepOutput* out) const {
  timer.Begin("inpainting");
  out->is_painted = place.step >= config_.training().motion_steps();
  if (!out->is_painted) {
    out->deformed_source = networks::Warp(
        out->source.image, out->motion.blend.source_from_driving);
    out->prediction = out->deformed_source;
    return;
  }
  const networks::InpaintingOutput painted =
      model.Paint(out->source, out->motion,
                  /*with_warped_encoder_maps=*/config_.losses().warp() > 0);
  out->prediction = painted.prediction;
  out->deformed_source = painted.deformed_source;
  out->warped_encoder_maps = painted.warped_encoder_maps;
}

StepOutput Objective::operator()(AnimationModel& model,
                                 const torch::Tensor& source,
                                 const torch::Tensor& driving, StepPlace place,
                                 StageTimer& timer) {
  const AutocastScope autocast(config_.training().precision(), source.device());
  const networks::LargeConvolutionScope large(
      config_.training().fast_convolutions());
  const networks::RecomputeScope recompute(config_.training().recompute());
  StepOutput out;
  out.driving = driving;
  out.small_driving = model.Downsample(driving);
  Move(model, source, place, timer, &out);
  Paint(model, place, timer, &out);
  LossContext context = {config_, place, model, frozen_, out};
  for (const LossTerm& term : LossTerms()) {
    const double weight = term.weight(config_, place);
    if (weight == 0 || !term.has_started(out)) continue;
    timer.Begin(term.stage);
    out.Add(term.name, weight, term.compute(context));
  }
  timer.Begin("other losses");
  out.transforms_in_use = losses::TransformsInUse(context.TransformShares());
  return out;
}

}  // namespace pipelines
