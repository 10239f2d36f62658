#include "pipelines/animation/animator.h"

#include <c10/core/InferenceMode.h>
#include <torch/types.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "networks/copy_ahead.h"
#include "networks/dense_motion.h"
#include "networks/recorded_call.h"
#include "networks/sampling.h"
#include "networks/weights/fingerprint.h"
#include "pipelines/animation/motion_share.h"
#include "pipelines/animation/set_reach.h"
#include "pipelines/config/motion_choice.h"
#include "pipelines/data/image_tensor.h"
#include "pipelines/media/image_io.h"
#include "pipelines/media/transparency.h"
#include "pipelines/model/autocast.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

using Tensors = networks::RecordedCall::Tensors;

constexpr double kPeriodWithoutTimes = 1.0 / 25;

TrainingConfig::Precision AutocastOf(Precision precision) {
  switch (precision) {
    case Precision::kBfloat16:
      return TrainingConfig::BFLOAT16;
    case Precision::kFloat16:
      return TrainingConfig::FLOAT16;
    case Precision::kAuto:
    case Precision::kFloat32:
      break;
  }
  return TrainingConfig::FLOAT32;
}

// One of the two ways to say it, for `model`.
absl::StatusOr<std::vector<double>> MotionScaleOf(
    const AnimatorOptions& options, const ModelConfig& model,
    const SetNames& names) {
  MotionScales scales = options.motion_scales;
  if (scales.by_set.empty() && scales.in_order.empty()) {
    scales.in_order = options.transfer.motion_scale;
  }
  ASSIGN_OR_RETURN(const std::vector<double> values,
                   ResolveMotionScales(scales, model.num_transforms(), names));
  for (const double scale : values) {
    if (!(scale >= 0 && scale <= kLargestMotionScale)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "motion scale ", scale, "; use 0 to ", kLargestMotionScale));
    }
  }
  return values;
}

// [B, 3, H, W] in [0, 1].
std::vector<cv::Mat> ToImages(const torch::Tensor& frames) {
  // Here the host waits for the device, once for all frames.
  const torch::Tensor on_host = frames.to(torch::kCPU);
  std::vector<cv::Mat> images;
  for (int64_t i = 0; i < on_host.size(0); ++i) {
    images.push_back(data::TensorToImage(on_host[i]));
  }
  return images;
}

// [B, 1, H, W] in [0, 1] to CV_8UC1.
std::vector<cv::Mat> ToGreys(const torch::Tensor& maps) {
  std::vector<cv::Mat> greys;
  for (const cv::Mat& image : ToImages(maps)) {
    cv::extractChannel(image, greys.emplace_back(), 0);
  }
  return greys;
}

// How much of each pixel of the frames, [B, 1, H, W], shows what is outside of
// the source, where a warp reads black.
torch::Tensor Outside(const PreparedSource& source,
                      const networks::DenseMotionOutput& blend) {
  const int64_t height = source.image.size(2), width = source.image.size(3);
  const torch::Tensor inside =
      networks::Warp(torch::ones({1, 1, height, width}, source.image.options()),
                     blend.source_from_driving);
  return (1 - inside) *
         networks::ResizeBilinear(blend.occlusion_maps.back(), height, width);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Animator>> Animator::Load(
    const std::string& checkpoint, torch::Device device,
    const AnimatorOptions& options) {
  ASSIGN_OR_RETURN(TrainedModel model, LoadTrainedModel(checkpoint, device));
  SetNames names;
  if (options.can_name_sets) {
    ASSIGN_OR_RETURN(
        names, ReadSetNames(checkpoint, model.config.model().num_transforms()));
  }
  return Create(std::move(model), device, options, names);
}

absl::StatusOr<std::unique_ptr<Animator>> Animator::Create(
    TrainedModel model, torch::Device device, const AnimatorOptions& options,
    const SetNames& names) {
  ASSIGN_OR_RETURN(const std::vector<double> motion_scale,
                   MotionScaleOf(options, model.config.model(), names));
  if (options.transfer.mode == keypoints::TransferMode::kAvd &&
      model.avd.is_empty()) {
    return absl::FailedPreconditionError(
        "avd mode needs a checkpoint with an AVD network, which this one has "
        "not; train one for it, or use relative or standard mode");
  }
  if (options.model_size) {
    const absl::Status fits = SetFrameSize(*options.model_size, &model.config);
    if (!fits.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("the model's size of frames: ", fits.message()));
    }
  }
  if (options.motion) {
    RETURN_IF_ERROR(ChooseMotion(*options.motion, &model));
  }
  if (options.precision == Precision::kFloat16 && device.is_cpu()) {
    return absl::InvalidArgumentError(
        "the precision float16 is for GPUs; use float32 or bfloat16");
  }
  std::unique_ptr<Animator> animator(
      new Animator(std::move(model), device, options));
  animator->options_.precision =
      ChoosePrecision(options.precision, device.is_cpu());
  animator->options_.transfer.motion_scale = motion_scale;
  animator->set_names_ = names;
  animator->BeginDriving();
  return animator;
}

cv::Size Animator::frame_size() const {
  return {trained_.config.data().width(), trained_.config.data().height()};
}

int Animator::num_keypoint_sets() const {
  return trained_.config.model().num_transforms();
}

int Animator::keypoints_per_transform() const {
  return trained_.config.model().keypoints_per_transform();
}

std::string Animator::DetectorFingerprint() {
  if (detector_fingerprint_.empty()) {
    detector_fingerprint_ =
        networks::weights::Fingerprint(trained_.model->parts().detector);
  }
  return detector_fingerprint_;
}

std::string Animator::motion_name() const {
  return MotionName(trained_.config.model().local());
}

std::string Animator::unpainted_warning() const {
  return UnpaintedWarning(trained_);
}

torch::Tensor Animator::ToTensor(const cv::Mat& rgb) const {
  return data::ImageToTensor(media::CropAndResize(rgb, frame_size()));
}

PreparedSource Animator::PrepareSource(const cv::Mat& rgb) {
  const c10::InferenceMode inference;
  return trained_.model->PrepareSource(
      networks::CopyAhead(ToTensor(rgb).unsqueeze(0), device_));
}

TransparentSource Animator::PrepareTransparentSource(const cv::Mat& over_white,
                                                     const cv::Mat& alpha) {
  TransparentSource source;
  source.over_white = PrepareSource(over_white);
  if (alpha.empty()) return source;
  source.over_black =
      PrepareSource(media::OnColour(over_white, alpha, /*colour=*/{0, 0, 0}));
  source.over_black.keypoints = source.over_white.keypoints;
  return source;
}

void Animator::BeginDriving(const torch::Tensor& reference) {
  reference_ =
      reference.defined() ? networks::CopyAhead(reference, device_) : reference;
  filter_.reset();
  if (options_.smoothing) filter_.emplace(*options_.smoothing);
  next_seconds_ = 0;
}

torch::Tensor Animator::DetectKeypoints(const std::vector<cv::Mat>& pictures) {
  const c10::InferenceMode inference;
  std::vector<torch::Tensor> tensors;
  for (const cv::Mat& picture : pictures) tensors.push_back(ToTensor(picture));
  return detect_(/*subject=*/{},
                 networks::CopyAhead(torch::stack(tensors), device_),
                 [model = trained_.model](const Tensors& images) {
                   return Tensors{model->DetectKeypoints(images[0])};
                 })[0];
}

torch::Tensor Animator::Smooth(const torch::Tensor& keypoints,
                               absl::Span<const double> seconds) {
  if (!filter_) return keypoints;
  std::vector<torch::Tensor> smoothed;
  for (int64_t i = 0; i < keypoints.size(0); ++i) {
    const double now = seconds.empty() ? next_seconds_ : seconds[i];
    smoothed.push_back(filter_->Apply(keypoints[i], now));
    next_seconds_ = now + kPeriodWithoutTimes;
  }
  return torch::stack(smoothed);
}

torch::Tensor Animator::Transfer(const PreparedSource& source,
                                 const torch::Tensor& driving_keypoints) {
  if (!transfer_ || !transfer_source_.is_same(source.keypoints) ||
      !transfer_reference_.is_same(reference_)) {
    transfer_source_ = source.keypoints;
    transfer_reference_ = reference_;
    transfer_ = std::make_unique<keypoints::MotionTransfer>(
        options_.transfer, source.keypoints, reference_,
        [this](const torch::Tensor& identity, const torch::Tensor& pose) {
          networks::AvdNetwork avd = trained_.avd;
          return avd(identity, pose);
        });
  }
  return transfer_->Apply(driving_keypoints);
}

networks::InpaintingOutput Animator::Paint(const PreparedSource& source,
                                           const Motion& motion) {
  const AutocastScope autocast(AutocastOf(options_.precision), device_);
  return trained_.model->Paint(source, motion);
}

AnimatedFrames Animator::Animate(const PreparedSource& source,
                                 const std::vector<cv::Mat>& driving,
                                 absl::Span<const double> seconds) {
  if (driving.empty()) return {};
  return AnimateKeypoints(source, DetectKeypoints(driving), seconds);
}

AnimatedFrames Animator::AnimateKeypoints(
    const PreparedSource& source, const torch::Tensor& driving_keypoints,
    absl::Span<const double> seconds) {
  TORCH_CHECK(driving_keypoints.dim() == 3 && driving_keypoints.size(2) == 2 &&
                  driving_keypoints.size(1) == source.keypoints.size(1),
              "Animator: driving keypoints of the shape ",
              driving_keypoints.sizes(), " for a source of ",
              source.keypoints.sizes());
  TORCH_CHECK(seconds.empty() || static_cast<int64_t>(seconds.size()) ==
                                     driving_keypoints.size(0),
              "Animator: ", seconds.size(), " times for ",
              driving_keypoints.size(0), " frames");
  const torch::Tensor detected =
      networks::CopyAhead(driving_keypoints, device_);
  AnimatedFrames animated = MoveTo(source, Follow(detected, seconds));
  animated.motion.driving_keypoints = detected;
  return animated;
}

torch::Tensor Animator::Follow(const torch::Tensor& driving_keypoints,
                               absl::Span<const double> seconds) {
  const c10::InferenceMode inference;
  const torch::Tensor followed =
      Smooth(networks::CopyAhead(driving_keypoints, device_), seconds);
  if (!reference_.defined()) reference_ = followed.slice(0, 0, 1);
  return followed;
}

AnimatedFrames Animator::MoveTo(const PreparedSource& source,
                                const torch::Tensor& followed,
                                const torch::Tensor& share) {
  return MoveOver(source, nullptr, followed, share);
}

AnimatedFrames Animator::MoveTo(const TransparentSource& source,
                                const torch::Tensor& followed,
                                const torch::Tensor& share) {
  return MoveOver(
      source.over_white,
      source.over_black.image.defined() ? &source.over_black : nullptr,
      followed, share);
}

AnimatedFrames Animator::MoveOver(const PreparedSource& source,
                                  const PreparedSource* over_black,
                                  const torch::Tensor& followed,
                                  const torch::Tensor& share) {
  TORCH_CHECK(reference_.defined(), "Animator: MoveTo before Follow");
  const c10::InferenceMode inference;
  const torch::Tensor keypoints = Transfer(source, followed);
  // What copies from or to the host no graph can hold.
  if (over_black == nullptr && !share.defined() &&
      IsFittedByKernels(trained_.config.model())) {
    return MoveOpaque(source, followed, keypoints);
  }
  Motion motion = trained_.model->Move(source, keypoints);
  if (share.defined()) {
    ShowShare(networks::CopyAhead(share, device_), &motion.blend);
  }
  const networks::InpaintingOutput painted = Paint(source, motion);
  AnimatedFrames animated;
  if (over_black == nullptr) {
    animated.pictures = ToImages(painted.prediction);
  } else {
    const torch::Tensor over_white =
        painted.prediction + Outside(source, motion.blend);
    const torch::Tensor black = Paint(*over_black, motion).prediction;
    animated.pictures = ToImages(over_white);
    animated.alphas =
        ToGreys(1 - (over_white - black).mean(1, /*keepdim=*/true));
  }
  animated.motion = {followed,
                     keypoints,
                     motion.blend.source_from_driving,
                     motion.blend.occlusion_maps.back(),
                     painted.deformed_source,
                     motion.blend.contribution_maps};
  return animated;
}

// The whole of a batch is the work of the device, and the same for every batch.
AnimatedFrames Animator::MoveOpaque(const PreparedSource& source,
                                    const torch::Tensor& followed,
                                    const torch::Tensor& keypoints) {
  const Tensors computed = move_and_paint_(
      {source.image, source.keypoints}, keypoints,
      [this, source](const Tensors& inputs) {
        const Motion motion = trained_.model->Move(source, inputs[0]);
        const networks::InpaintingOutput painted = Paint(source, motion);
        return Tensors{painted.prediction, motion.blend.source_from_driving,
                       motion.blend.occlusion_maps.back(),
                       painted.deformed_source, motion.blend.contribution_maps};
      });
  return {ToImages(computed[0]),
          {},
          {followed, keypoints, computed[1], computed[2], computed[3],
           computed[4]}};
}

torch::Tensor Animator::BackgroundAtRest(const PreparedSource& source) {
  const c10::InferenceMode inference;
  return trained_.model->Move(source, source.keypoints)
      .blend.contribution_maps[0][0];
}

torch::Tensor Animator::ReachOfKeypointSets(const PreparedSource& source) {
  return ReachOfSets(*trained_.model, source, num_keypoint_sets());
}

}  // namespace pipelines
