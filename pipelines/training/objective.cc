#include "pipelines/training/objective.h"

#include <ATen/CPUGeneratorImpl.h>
#include <torch/torch.h>

#include <utility>

#include "keypoints/tps.h"
#include "losses/background.h"
#include "losses/balance.h"
#include "losses/equivariance.h"
#include "losses/photometric.h"
#include "losses/warp.h"
#include "networks/sampling.h"
#include "pipelines/model/autocast.h"
#include "pipelines/training/frozen_losses.h"
#include "pipelines/training/schedule.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

// The purposes of StepSeed.
enum Purpose : uint64_t { kDropout = 1, kEquivariance = 2, kFrozen = 3 };

torch::Generator MakeGenerator(uint64_t seed) {
  return at::make_generator<at::CPUGeneratorImpl>(seed);
}

}  // namespace

void StepOutput::Add(std::string name, double weight,
                     const torch::Tensor& value) {
  const torch::Tensor term = weight * value;
  total = total.defined() ? total + term : term;
  terms.emplace_back(std::move(name), term);
}

absl::StatusOr<Objective> Objective::Create(const Config& config,
                                            torch::Device device) {
  const LossConfig& losses = config.losses();
  // Untrained features are part of the loss: the same in every run of a seed.
  torch::manual_seed(StepSeed(config.training().seed(), 0, kFrozen));
  ASSIGN_OR_RETURN(losses::PerceptualLoss perceptual,
                   MakePerceptualLoss(losses.perceptual()));
  perceptual->to(device);
  Objective objective(config, std::move(perceptual));
  if (losses.semantic().weight() > 0) {
    ASSIGN_OR_RETURN(objective.semantic_, MakeSemanticLoss(losses.semantic()));
    objective.semantic_->to(device);
    if (losses.semantic().cache_gib() > 0) {
      ASSIGN_OR_RETURN(
          objective.embeddings_,
          OpenEmbeddingCache(losses.semantic(), objective.semantic_));
    }
  }
  if (losses.structure().weight() > 0) {
    ASSIGN_OR_RETURN(objective.structure_,
                     MakeStructureLoss(losses.structure()));
    objective.structure_->to(device);
  }
  return objective;
}

Objective::Objective(const Config& config, losses::PerceptualLoss perceptual)
    : config_(config), perceptual_(std::move(perceptual)) {}

std::vector<std::string> Objective::TermNames() const {
  const LossConfig& losses = config_.losses();
  std::vector<std::string> names = {"perceptual"};
  if (losses.warp() > 0) names.push_back("warp");
  if (losses.photometric() > 0) names.push_back("photometric");
  if (losses.mixture() > 0) names.push_back("mixture");
  if (losses.balance() > 0) names.push_back("balance");
  if (losses.equivariance() > 0) names.push_back("equivariance");
  if (losses.background() > 0 && config_.model().background()) {
    names.push_back("background");
  }
  if (semantic_) names.push_back("semantic");
  if (structure_) names.push_back("structure");
  return names;
}

bool Objective::BackgroundIsOn(int64_t epoch) const {
  return config_.model().background() &&
         epoch >= config_.training().background_start_epoch();
}

torch::Tensor Objective::DrawKeptCandidates(int64_t batch,
                                            int64_t num_candidates,
                                            StepPlace place,
                                            torch::Device device) const {
  const TrainingConfig& training = config_.training();
  const double dropped =
      CandidateDropout(training.candidate_dropout(), place.epoch);
  if (dropped == 0) return {};
  torch::Generator generator =
      MakeGenerator(StepSeed(training.seed(), place.step, kDropout));
  torch::Tensor keep =
      torch::rand({place.num_slices * batch, num_candidates}, generator)
          .narrow(0, place.slice * batch, batch) < 1 - dropped;
  keep.select(1, 0).fill_(true);
  return keep.to(device);
}

torch::Tensor Objective::Equivariance(AnimationModel& model,
                                      const torch::Tensor& driving,
                                      const torch::Tensor& driving_keypoints,
                                      StepPlace place) const {
  const TpsConfig& warp = config_.losses().equivariance_warp();
  const int64_t batch = driving.size(0);
  const auto tps = keypoints::RandomTps::Sample(
                       place.num_slices * batch,
                       {warp.sigma_affine(), warp.sigma_tps(), warp.points()},
                       MakeGenerator(StepSeed(config_.training().seed(),
                                              place.step, kEquivariance)),
                       driving.device())
                       .Narrow(place.slice * batch, batch);
  const torch::Tensor transformed =
      model.DetectKeypoints(tps.TransformFrame(driving));
  return losses::EquivarianceLoss(driving_keypoints, transformed, tps);
}

torch::Tensor Objective::Semantic(const torch::Tensor& source,
                                  const torch::Tensor& driving,
                                  const StepOutput& out) {
  if (!embeddings_) {
    return semantic_(source, driving, out.source.keypoints,
                     out.driving_keypoints);
  }
  const auto embed = [this](const torch::Tensor& images) {
    return embeddings_->Through(images, [this](const torch::Tensor& image) {
      return semantic_->Embed(image);
    });
  };
  return semantic_->Compare(embed(source), embed(driving), source.size(2),
                            source.size(3), out.source.keypoints,
                            out.driving_keypoints);
}

torch::Tensor Objective::Move(AnimationModel& model,
                              const torch::Tensor& source,
                              const torch::Tensor& driving, StepPlace place,
                              StageTimer& timer, StepOutput* out) const {
  timer.Begin("keypoints");
  out->source = model.LocateSource(source);
  out->driving_keypoints = model.DetectKeypoints(driving);
  MoveOptions options;
  if (BackgroundIsOn(place.epoch)) {
    timer.Begin("background");
    options.background = model.PredictBackground(source, driving);
  }
  options.keep = DrawKeptCandidates(source.size(0), model.num_candidates(),
                                    place, source.device());
  options.begin = [&timer](const char* part) { timer.Begin(part); };
  out->motion = model.Move(out->source, out->driving_keypoints, options);
  return options.background;
}

void Objective::Paint(AnimationModel& model, const torch::Tensor& driving,
                      StageTimer& timer, StepOutput* out) {
  const LossConfig& weights = config_.losses();
  timer.Begin("inpainting");
  const networks::InpaintingOutput painted =
      model.Paint(out->source, out->motion,
                  /*with_warped_encoder_maps=*/weights.warp() > 0);
  out->prediction = painted.prediction;
  out->deformed_source = painted.deformed_source;

  timer.Begin("perceptual loss");
  // Weighted already, layer by layer.
  out->Add("perceptual", 1, perceptual_(driving, out->prediction).total);
  if (weights.warp() > 0) {
    timer.Begin("other losses");
    out->Add("warp", weights.warp(),
             losses::WarpLoss(model.EncodeDriving(driving, out->motion),
                              painted.warped_encoder_maps));
  }
}

void Objective::AddPixelTerms(AnimationModel& model,
                              const torch::Tensor& driving,
                              StepOutput* out) const {
  const LossConfig& weights = config_.losses();
  if (weights.photometric() > 0) {
    out->Add("photometric", weights.photometric(),
             losses::PhotometricLoss(driving, out->deformed_source));
  }
  const networks::DenseMotionOutput& motion = out->motion.blend;
  const torch::Tensor& maps = motion.contribution_maps;
  const torch::Tensor small = model.Downsample(driving);
  if (weights.mixture() > 0) {
    out->Add(
        "mixture", weights.mixture(),
        losses::MixturePhotometricLoss(small, motion.deformed_source, maps));
  }
  const torch::Tensor shares =
      losses::PartShares(out->source.small, small, maps);
  if (weights.balance() > 0) {
    out->Add("balance", weights.balance(), losses::BalanceLoss(shares));
  }
  out->parts_in_use = losses::PartsInUse(shares);
}

void Objective::AddExtractorTerms(const torch::Tensor& source,
                                  const torch::Tensor& driving, StepPlace place,
                                  StageTimer& timer, StepOutput* out) {
  const LossConfig& weights = config_.losses();
  if (semantic_) {
    timer.Begin("semantic loss");
    out->Add("semantic", weights.semantic().weight(),
             Semantic(source, driving, *out));
  }
  if (structure_) {
    timer.Begin("structure loss");
    // A sum over the batch, unlike the others: the mean over slices must give
    // the sum over all.
    out->Add(
        "structure",
        weights.structure().weight() * static_cast<double>(place.num_slices),
        structure_(out->prediction, driving));
  }
}

StepOutput Objective::operator()(AnimationModel& model,
                                 const torch::Tensor& source,
                                 const torch::Tensor& driving, StepPlace place,
                                 StageTimer& timer) {
  const LossConfig& weights = config_.losses();
  const AutocastScope autocast(config_.training().precision(), source.device());
  StepOutput out;
  const torch::Tensor background =
      Move(model, source, driving, place, timer, &out);
  const bool paints = place.step >= config_.training().motion_steps();
  if (paints) {
    Paint(model, driving, timer, &out);
  } else {
    timer.Begin("inpainting");
    out.deformed_source =
        networks::Warp(source, out.motion.blend.source_from_driving);
    out.prediction = out.deformed_source;
  }

  timer.Begin("other losses");
  AddPixelTerms(model, driving, &out);
  if (weights.equivariance() > 0) {
    out.Add("equivariance", weights.equivariance(),
            Equivariance(model, driving, out.driving_keypoints, place));
  }
  if (weights.background() > 0 && background.defined()) {
    const torch::Tensor back = model.PredictBackground(driving, source);
    // A product of positions: exact, as the fits are.
    const AutocastScope exact(TrainingConfig::FLOAT32, source.device());
    out.Add("background", weights.background(),
            losses::BackgroundLoss(background, back));
  }
  if (paints) AddExtractorTerms(source, driving, place, timer, &out);
  return out;
}

}  // namespace pipelines
