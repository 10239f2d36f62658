#include "pipelines/training/loss_terms.h"

#include <ATen/CPUGeneratorImpl.h>
#include <torch/types.h>

#include "keypoints/tps.h"
#include "losses/background_consistency.h"
#include "losses/balance.h"
#include "losses/equivariance.h"
#include "losses/feature_warp.h"
#include "losses/locality.h"
#include "losses/photometric.h"
#include "networks/dino/shift.h"
#include "pipelines/training/schedule.h"

namespace pipelines {
namespace {

bool FromTheStart(const StepOutput&) { return true; }
bool WhenPainting(const StepOutput& out) { return out.is_painted; }
bool WithBackground(const StepOutput& out) { return out.background.defined(); }

torch::Tensor Warp(LossContext& c) {
  return losses::WarpLoss(c.model.EncodeDriving(c.out.driving, c.out.motion),
                          c.out.warped_encoder_maps);
}

torch::Tensor Mixture(LossContext& c) {
  const networks::DenseMotionOutput& blend = c.out.motion.blend;
  return losses::MixturePhotometricLoss(
      c.out.small_driving, blend.deformed_source, blend.contribution_maps);
}

torch::Tensor Locality(LossContext& c) {
  return losses::LocalityLoss(c.out.driving_keypoints,
                              c.out.motion.blend.contribution_maps,
                              c.config.model().keypoints_per_transform(),
                              c.config.losses().locality_radius());
}

torch::Tensor Equivariance(LossContext& c) {
  const TpsConfig& warp = c.config.losses().equivariance_warp();
  const int64_t batch = c.out.driving.size(0);
  const uint64_t seed = StepSeed(c.config.training().seed(), c.place.step,
                                 StepPurpose::kEquivariance);
  const auto tps = keypoints::RandomTps::Sample(
                       c.place.num_slices * batch,
                       {warp.sigma_affine(), warp.sigma_tps(), warp.points()},
                       at::make_generator<at::CPUGeneratorImpl>(seed),
                       c.out.driving.device())
                       .Narrow(c.place.slice * batch, batch);
  const torch::Tensor transformed =
      c.model.DetectKeypoints(tps.TransformFrame(c.out.driving));
  return losses::EquivarianceLoss(c.out.driving_keypoints, transformed, tps);
}

torch::Tensor Background(LossContext& c) {
  const torch::Tensor back =
      c.model.PredictBackground(c.out.driving, c.out.source.image);
  return losses::BackgroundLoss(c.out.background, back);
}

torch::Tensor Semantic(LossContext& c) {
  losses::KeypointSemanticLoss& loss = c.frozen.semantic;
  const torch::Tensor& source = c.out.source.image;
  if (!c.frozen.embeddings) {
    return loss(source, c.out.driving, c.out.source.keypoints,
                c.out.driving_keypoints);
  }
  const auto embed = [&](const torch::Tensor& images) {
    return c.frozen.embeddings->Through(
        images, [&](const torch::Tensor& image) { return loss->Embed(image); });
  };
  return loss->Compare(embed(source), embed(c.out.driving), source.size(2),
                       source.size(3), c.out.source.keypoints,
                       c.out.driving_keypoints);
}

torch::Tensor Structure(LossContext& c) {
  losses::StructureAlignmentLoss& loss = c.frozen.structure;
  const auto most = static_cast<int64_t>(
      c.config.losses().structure().max_shift() *
      static_cast<double>(loss->extractor()->options().patch_size));
  if (most == 0) return loss(c.out.prediction, c.out.driving);
  const int64_t batch = c.out.driving.size(0);
  const uint64_t seed = StepSeed(c.config.training().seed(), c.place.step,
                                 StepPurpose::kStructureShift);
  const torch::Tensor shifts =
      networks::dino::RandomShifts(
          c.place.num_slices * batch, most,
          at::make_generator<at::CPUGeneratorImpl>(seed))
          .narrow(0, c.place.slice * batch, batch);
  return loss(c.out.prediction, c.out.driving, shifts);
}

}  // namespace

void StepOutput::Add(std::string name, double weight,
                     const torch::Tensor& value) {
  const torch::Tensor term = weight * value;
  total = total.defined() ? total + term : term;
  terms.emplace_back(std::move(name), term);
}

const torch::Tensor& LossContext::TransformShares() {
  if (!out.transform_shares.defined()) {
    out.transform_shares =
        losses::TransformShares(out.source.small, out.small_driving,
                                out.motion.blend.contribution_maps);
  }
  return out.transform_shares;
}

const std::vector<LossTerm>& LossTerms() {
  using C = const Config&;
  using P = const StepPlace&;
  static const auto* const kTerms = new std::vector<LossTerm>{
      // Weighted already, layer by layer.
      {"perceptual", "perceptual loss", [](C, P) { return 1.0; }, WhenPainting,
       [](LossContext& c) {
         return c.frozen.perceptual(c.out.driving, c.out.prediction).total;
       }},
      {"warp", "other losses", [](C c, P) { return c.losses().warp(); },
       WhenPainting, Warp},
      {"photometric", "other losses",
       [](C c, P) { return c.losses().photometric(); }, FromTheStart,
       [](LossContext& c) {
         return losses::PhotometricLoss(c.out.driving, c.out.deformed_source);
       }},
      {"mixture", "other losses", [](C c, P) { return c.losses().mixture(); },
       FromTheStart, Mixture},
      {"balance", "other losses", [](C c, P) { return c.losses().balance(); },
       FromTheStart,
       [](LossContext& c) { return losses::BalanceLoss(c.TransformShares()); }},
      {"locality", "other losses", [](C c, P) { return c.losses().locality(); },
       FromTheStart, Locality},
      {"equivariance", "other losses",
       [](C c, P) { return c.losses().equivariance(); }, FromTheStart,
       Equivariance},
      {"background", "other losses",
       [](C c, P) {
         return c.model().background() ? c.losses().background() : 0;
       },
       WithBackground, Background},
      {"semantic", "semantic loss",
       [](C c, P) { return c.losses().semantic().weight(); }, WhenPainting,
       Semantic},
      // A sum over the batch, unlike the others: the mean over slices must give
      // the sum over all.
      {"structure", "structure loss",
       [](C c, P place) {
         return c.losses().structure().weight() *
                static_cast<double>(place.num_slices);
       },
       WhenPainting, Structure},
  };
  return *kTerms;
}

}  // namespace pipelines
