#include "pipelines/model/model.h"

#include <torch/torch.h>

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "keypoints/heatmap.h"
#include "keypoints/regression_detector.h"
#include "keypoints/voting_detector.h"
#include "pipelines/model/model_options.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

// "a.b" has "a.b.c" and "a.b" under it, but not "a.bc".
bool IsUnder(const std::string& name, const std::string& prefix) {
  return absl::StartsWith(name + ".", prefix + ".");
}

std::shared_ptr<keypoints::KeypointDetector> MakeDetector(
    const ModelConfig& config) {
  const int64_t transforms = config.num_transforms();
  const int64_t per_transform = config.keypoints_per_transform();
  const int64_t width = config.detector().width();
  if (config.detector().kind() == DetectorConfig::VOTING) {
    return keypoints::VotingDetector(transforms, per_transform, width).ptr();
  }
  return keypoints::RegressionDetector(transforms, per_transform, width).ptr();
}

}  // namespace

absl::StatusOr<std::shared_ptr<AnimationModel>> AnimationModel::Create(
    const ModelConfig& config) {
  ASSIGN_OR_RETURN(CandidateMotions candidates,
                   CandidateMotions::Create(config));
  return std::shared_ptr<AnimationModel>(
      new AnimationModel(config, std::move(candidates)));
}

AnimationModel::AnimationModel(const ModelConfig& config,
                               CandidateMotions candidates)
    : heatmap_variance_(config.heatmap_variance()),
      candidates_(std::move(candidates)) {
  detector_ = register_module("kp_detector", MakeDetector(config));
  if (config.detector().initial_spread() > 0) {
    detector_->SpreadKeypoints(config.detector().initial_spread());
  }
  dense_motion_ = register_module(
      "dense_motion_network",
      networks::DenseMotionNetwork(DenseMotionOptionsOf(config)));
  inpainting_ =
      register_module("inpainting_network",
                      networks::InpaintingNetwork(InpaintingOptionsOf(config)));
  if (config.background()) {
    background_ = register_module(
        "bg_predictor",
        networks::BackgroundPredictor(config.detector().width()));
  }
}

absl::Status AnimationModel::Freeze(const std::vector<std::string>& prefixes) {
  for (const std::string& prefix : prefixes) {
    bool found = false;
    for (const auto& item : named_parameters()) {
      if (!IsUnder(item.key(), prefix)) continue;
      item.value().set_requires_grad(false);
      found = true;
    }
    if (!found) {
      std::vector<std::string> parts;
      for (const auto& item : named_children()) parts.push_back(item.key());
      return absl::InvalidArgumentError(absl::StrCat(
          "training.frozen: the model has no weights under '", prefix,
          "'; its modules are ", absl::StrJoin(parts, ", ")));
    }
    frozen_.push_back(prefix);
  }
  train(is_training());
  return absl::OkStatus();
}

void AnimationModel::train(bool on) {
  torch::nn::Module::train(on);
  for (const auto& item : named_modules()) {
    for (const std::string& prefix : frozen_) {
      if (IsUnder(item.key(), prefix)) item.value()->eval();
    }
  }
}

torch::Tensor AnimationModel::DetectKeypoints(const torch::Tensor& images) {
  return detector_->forward(images);
}

torch::Tensor AnimationModel::PredictBackground(const torch::Tensor& source,
                                                const torch::Tensor& driving) {
  return has_background() ? background_(source, driving) : torch::Tensor();
}

Candidates AnimationModel::InferCandidates(
    const torch::Tensor& small, const torch::Tensor& source_keypoints,
    const torch::Tensor& driving_keypoints,
    const torch::Tensor& background) const {
  return candidates_(source_keypoints, driving_keypoints, background,
                     small.size(2), small.size(3));
}

networks::DenseMotionOutput AnimationModel::BlendCandidates(
    const torch::Tensor& small, const torch::Tensor& source_keypoints,
    const torch::Tensor& driving_keypoints, const Candidates& candidates,
    const torch::Tensor& keep) {
  return dense_motion_(small,
                       keypoints::HeatmapDifference(
                           driving_keypoints, source_keypoints, small.size(2),
                           small.size(3), heatmap_variance_),
                       candidates.fields, keep);
}

PreparedSource AnimationModel::PrepareSource(const torch::Tensor& source) {
  const torch::NoGradGuard no_grad;
  return {source, DetectKeypoints(source), dense_motion_->Downsample(source),
          inpainting_->EncodeSource(source)};
}

torch::Tensor AnimationModel::Animate(const PreparedSource& source,
                                      const torch::Tensor& driving_keypoints,
                                      const torch::Tensor& background,
                                      networks::DenseMotionOutput* motion) {
  const torch::NoGradGuard no_grad;
  const int64_t batch = driving_keypoints.size(0);
  const torch::Tensor small = source.small.expand({batch, -1, -1, -1});
  const torch::Tensor keypoints = source.keypoints.expand({batch, -1, -1});
  networks::DenseMotionOutput blended = BlendCandidates(
      small, keypoints, driving_keypoints,
      InferCandidates(small, keypoints, driving_keypoints, background));
  const torch::Tensor prediction = inpainting_->Render(
      source.features, blended.deformation, blended.occlusion_maps);
  if (motion != nullptr) *motion = std::move(blended);
  return prediction;
}

}  // namespace pipelines
