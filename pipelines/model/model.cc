#include "pipelines/model/model.h"

#include <torch/nn/module.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "keypoints/heatmap.h"
#include "keypoints/regression_detector.h"
#include "keypoints/voting_detector.h"
#include "networks/background.h"
#include "networks/dense_motion.h"
#include "networks/inpainting.h"
#include "pipelines/model/model_options.h"
#include "third_party/absl/status_macros.h"
#include "third_party/libtorch/autocast_state.h"

namespace pipelines {
namespace {

// "a.b" has "a.b.c" and "a.b" under it, but not "a.bc".
bool IsUnder(const std::string& name, const std::string& prefix) {
  return absl::StartsWith(name + ".", prefix + ".");
}

// `x` for each of `batch` samples: itself, or its only sample for all.
torch::Tensor Repeated(int64_t batch, const torch::Tensor& x) {
  if (x.size(0) == batch) return x;
  std::vector<int64_t> sizes(x.dim(), -1);
  sizes[0] = batch;
  return x.expand(sizes);
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

struct AnimationModel::Networks {
  std::shared_ptr<keypoints::KeypointDetector> detector;
  networks::DenseMotionNetwork dense_motion = nullptr;
  networks::InpaintingNetwork inpainting = nullptr;
  networks::BackgroundPredictor background = nullptr;
};

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
      candidates_(std::move(candidates)),
      networks_(std::make_unique<Networks>()) {
  networks_->detector = register_module("kp_detector", MakeDetector(config));
  if (config.detector().initial_spread() > 0) {
    networks_->detector->SpreadKeypoints(config.detector().initial_spread());
  }
  networks_->dense_motion = register_module(
      "dense_motion_network",
      networks::DenseMotionNetwork(DenseMotionOptionsOf(config)));
  networks_->inpainting =
      register_module("inpainting_network",
                      networks::InpaintingNetwork(InpaintingOptionsOf(config)));
  if (config.background()) {
    networks_->background = register_module(
        "bg_predictor",
        networks::BackgroundPredictor(config.detector().width()));
  }
}

AnimationModel::~AnimationModel() = default;

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
  return networks_->detector->forward(images);
}

torch::Tensor AnimationModel::PredictBackground(const torch::Tensor& source,
                                                const torch::Tensor& driving) {
  return has_background() ? networks_->background(source, driving)
                          : torch::Tensor();
}

torch::Tensor AnimationModel::Downsample(const torch::Tensor& images) {
  return networks_->dense_motion->Downsample(images);
}

PreparedSource AnimationModel::LocateSource(const torch::Tensor& images) {
  return {images, DetectKeypoints(images), Downsample(images), {}};
}

PreparedSource AnimationModel::PrepareSource(const torch::Tensor& images) {
  const torch::NoGradGuard no_grad;
  PreparedSource source = LocateSource(images);
  source.features = networks_->inpainting->EncodeSource(images);
  return source;
}

Motion AnimationModel::Move(const PreparedSource& source,
                            const torch::Tensor& driving_keypoints,
                            const MoveOptions& options) {
  const auto begin = [&](const char* part) {
    if (options.begin) options.begin(part);
  };
  const int64_t batch = driving_keypoints.size(0);
  const torch::Tensor small = Repeated(batch, source.small);
  const torch::Tensor keypoints = Repeated(batch, source.keypoints);
  const int64_t height = small.size(2), width = small.size(3);
  Motion motion;
  begin("motion inference");
  motion.candidates = candidates_(keypoints, driving_keypoints,
                                  options.background, height, width);
  begin("dense motion");
  motion.blend = networks_->dense_motion(
      small,
      keypoints::HeatmapDifference(driving_keypoints, keypoints, height, width,
                                   heatmap_variance_),
      motion.candidates.fields, options.keep);
  return motion;
}

networks::InpaintingOutput AnimationModel::Paint(
    const PreparedSource& source, const Motion& motion,
    bool with_warped_encoder_maps) {
  const networks::SourceFeatures features =
      source.features.image.defined()
          ? source.features
          : networks_->inpainting->EncodeSource(source.image);
  const networks::DenseMotionOutput& blend = motion.blend;
  // LibTorch's operators in bfloat16 sum in another order in another batch.
  const bool one_by_one = !torch::GradMode::is_enabled() && !is_training() &&
                          features.image.is_cpu() &&
                          libtorch::IsAutocastOn(c10::kCPU);
  if (one_by_one) return PaintOneByOne(features, blend);
  return networks_->inpainting->Render(features, blend.source_from_driving,
                                       blend.occlusion_maps,
                                       with_warped_encoder_maps);
}

networks::InpaintingOutput AnimationModel::PaintOneByOne(
    const networks::SourceFeatures& features,
    const networks::DenseMotionOutput& blend) {
  std::vector<torch::Tensor> predictions, deformed_sources;
  for (int64_t i = 0; i < blend.source_from_driving.size(0); ++i) {
    const auto one = [i](const torch::Tensor& x) {
      return x.size(0) == 1 ? x : x.slice(0, i, i + 1);
    };
    networks::SourceFeatures source{one(features.image), {}};
    for (const torch::Tensor& map : features.encoder_maps) {
      source.encoder_maps.push_back(one(map));
    }
    std::vector<torch::Tensor> occlusion_maps;
    for (const torch::Tensor& map : blend.occlusion_maps) {
      occlusion_maps.push_back(one(map));
    }
    const networks::InpaintingOutput painted = networks_->inpainting->Render(
        source, one(blend.source_from_driving), occlusion_maps);
    predictions.push_back(painted.prediction);
    deformed_sources.push_back(painted.deformed_source);
  }
  return {torch::cat(predictions), torch::cat(deformed_sources), {}};
}

std::vector<torch::Tensor> AnimationModel::EncodeDriving(
    const torch::Tensor& driving, const Motion& motion) {
  return networks_->inpainting->EncodeDriving(driving,
                                              motion.blend.occlusion_maps);
}

absl::Status AnimationModel::SetMotion(const ModelConfig& config) {
  TORCH_CHECK(config.num_transforms() ==
                      networks_->dense_motion->options().num_transforms &&
                  config.global_transform() ==
                      networks_->dense_motion->options().global_transform,
              "AnimationModel: the networks are for other transforms");
  ASSIGN_OR_RETURN(candidates_, CandidateMotions::Create(config));
  return absl::OkStatus();
}

int64_t AnimationModel::num_candidates() const {
  return networks_->dense_motion->options().num_candidates();
}

bool AnimationModel::has_background() const {
  return !networks_->background.is_empty();
}

ModelParts AnimationModel::parts() {
  return {*networks_->detector, networks_->dense_motion, networks_->inpainting,
          networks_->background};
}

}  // namespace pipelines
