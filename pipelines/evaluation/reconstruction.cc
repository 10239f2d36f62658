#include "pipelines/evaluation/reconstruction.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "pipelines/data/image_tensor.h"
#include "pipelines/evaluation/clip_truth.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

torch::Tensor Stack(const std::vector<cv::Mat>& frames, torch::Device device) {
  std::vector<torch::Tensor> tensors;
  for (const cv::Mat& frame : frames) {
    tensors.push_back(data::ImageToTensor(frame));
  }
  return torch::stack(tensors).to(device);
}

// [h, w, 2] source_from_driving, on the CPU, as a CV_32FC2 picture.
cv::Mat FlowPicture(const torch::Tensor& source_from_driving) {
  const torch::Tensor flow =
      source_from_driving.to(torch::kFloat32).contiguous();
  return cv::Mat(static_cast<int>(flow.size(0)), static_cast<int>(flow.size(1)),
                 CV_32FC2, flow.data_ptr())
      .clone();
}

// source_from_driving where nothing moves.
cv::Mat IdentityFlow() {
  cv::Mat_<cv::Vec2f> flow(2, 2);
  for (int row = 0; row < 2; ++row) {
    for (int column = 0; column < 2; ++column) {
      flow(row, column) = cv::Vec2f(2 * column - 1, 2 * row - 1);
    }
  }
  return flow;
}

// An image of 8 bits and a warp both make black of what is not a number.
absl::Status CheckFinite(const torch::Tensor& values, absl::string_view what,
                         int frame) {
  if (values.isfinite().all().item<bool>()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "the model's ", what, " of frame ", frame,
      " is not finite: its training has diverged, or the file is damaged"));
}

absl::Status AddMotion(const puppets::Truth& truth, int frame,
                       const cv::Mat& flow, std::optional<PuppetMetrics>& sum) {
  ASSIGN_OR_RETURN(const PuppetMetrics metrics,
                   MeasurePuppetMotion(truth, 0, frame, flow));
  if (!sum) sum.emplace();
  *sum += metrics;
  return absl::OkStatus();
}

// Rebuilds one clip, batch by batch.
class ClipReconstruction {
 public:
  ClipReconstruction(AnimationModel& model, torch::Device device,
                     const data::Clip& clip,
                     const std::optional<puppets::Truth>& truth,
                     const ReconstructionTools& tools)
      : model_(model),
        device_(device),
        clip_(clip),
        truth_(truth),
        tools_(tools),
        source_(model.PrepareSource(Stack({clip.frames[0]}, device))) {}

  // Rebuilds the frames of these numbers together and scores each.
  absl::Status Add(const std::vector<int>& batch) {
    const torch::NoGradGuard no_grad;
    std::vector<cv::Mat> targets;
    for (const int frame : batch) targets.push_back(clip_.frames[frame]);
    const torch::Tensor driving = Stack(targets, device_);
    MoveOptions options;
    options.background =
        model_.PredictBackground(source_.image.expand_as(driving), driving);
    const Motion motion =
        model_.Move(source_, model_.DetectKeypoints(driving), options);
    const torch::Tensor predicted = model_.Paint(source_, motion).prediction;
    std::vector<RebuiltFrame> frames(batch.size());
    std::vector<FrameScore> baseline(batch.size());
    for (size_t i = 0; i < batch.size(); ++i) {
      RebuiltFrame& frame = frames[i];
      frame.number = batch[i];
      frame.source = clip_.frames[0];
      frame.driving = targets[i];
      frame.source_from_driving =
          motion.blend.source_from_driving[i].to(torch::kCPU).contiguous();
      RETURN_IF_ERROR(
          CheckFinite(frame.source_from_driving, "motion", frame.number));
      RETURN_IF_ERROR(CheckFinite(predicted[i], "prediction", frame.number));
      frame.prediction = data::TensorToImage(predicted[i]);
      frame.score = ScoreFrame(frame.prediction, frame.driving);
      baseline[i] = ScoreFrame(frame.source, frame.driving);
    }
    if (tools_.lpips) MeasureLpips(driving, frames, baseline);
    for (size_t i = 0; i < batch.size(); ++i) {
      by_model_.Add(frames[i].score);
      by_first_frame_.Add(baseline[i]);
      RETURN_IF_ERROR(MeasureMotion(frames[i]));
      for (ReconstructionObserver* observer : tools_.observers) {
        RETURN_IF_ERROR(observer->AddFrame(frames[i]));
      }
    }
    return absl::OkStatus();
  }

  const MeanScore& by_model() const { return by_model_; }
  const MeanScore& by_first_frame() const { return by_first_frame_; }

  ClipResult Result(const std::string& name) const {
    ClipResult result;
    result.name = name;
    result.frames = by_model_.count();
    result.model = by_model_.Mean();
    result.first_frame = by_first_frame_.Mean();
    result.motion = motion_;
    result.no_motion = no_motion_;
    return result;
  }

 private:
  // Of what would be written: the predictions rounded to 8 bits.
  void MeasureLpips(const torch::Tensor& driving,
                    std::vector<RebuiltFrame>& frames,
                    std::vector<FrameScore>& baseline) {
    std::vector<cv::Mat> predictions;
    for (const RebuiltFrame& frame : frames) {
      predictions.push_back(frame.prediction);
    }
    networks::Lpips lpips = tools_.lpips;
    const std::vector<torch::Tensor> target = lpips->Features(driving);
    if (source_features_.empty()) {
      source_features_ = lpips->Features(source_.image);
    }
    const torch::Tensor of_model =
        lpips->Distance(lpips->Features(Stack(predictions, device_)), target);
    const torch::Tensor of_source = lpips->Distance(source_features_, target);
    for (size_t i = 0; i < frames.size(); ++i) {
      frames[i].score.lpips = of_model[i].item<double>();
      baseline[i].lpips = of_source[i].item<double>();
    }
  }

  absl::Status MeasureMotion(const RebuiltFrame& frame) {
    if (!truth_ || frame.number == 0) return absl::OkStatus();
    RETURN_IF_ERROR(AddMotion(*truth_, frame.number,
                              FlowPicture(frame.source_from_driving), motion_));
    return AddMotion(*truth_, frame.number, IdentityFlow(), no_motion_);
  }

  AnimationModel& model_;
  torch::Device device_;
  const data::Clip& clip_;
  const std::optional<puppets::Truth>& truth_;
  const ReconstructionTools& tools_;
  PreparedSource source_;
  std::vector<torch::Tensor> source_features_;
  MeanScore by_model_, by_first_frame_;
  std::optional<PuppetMetrics> motion_, no_motion_;
};

// What an evaluation does, clip by clip.
class Evaluator {
 public:
  Evaluator(AnimationModel& model, torch::Device device, data::Dataset& test,
            const EvaluationConfig& config, const ReconstructionTools& tools)
      : model_(model),
        device_(device),
        test_(test),
        config_(config),
        tools_(tools) {}

  absl::StatusOr<ClipResult> EvaluateClip(int index) {
    const data::IndexedClip& indexed = test_.clips()[index];
    ASSIGN_OR_RETURN(const std::shared_ptr<const data::Clip> clip,
                     test_.ReadWholeClip(index));
    ASSIGN_OR_RETURN(const std::optional<puppets::Truth> truth,
                     ReadClipTruth(indexed, test_.image_size()));
    for (ReconstructionObserver* observer : tools_.observers) {
      RETURN_IF_ERROR(observer->BeginClip(indexed.name));
    }
    ClipReconstruction reconstruction(model_, device_, *clip, truth, tools_);
    RETURN_IF_ERROR(
        Rebuild(static_cast<int>(clip->frames.size()), reconstruction));
    by_model_ += reconstruction.by_model();
    by_first_frame_ += reconstruction.by_first_frame();
    const ClipResult result = reconstruction.Result(indexed.name);
    for (ReconstructionObserver* observer : tools_.observers) {
      RETURN_IF_ERROR(observer->EndClip(result));
    }
    return result;
  }

  // Of the frames of all clips so far.
  FrameScore OfModel() const { return by_model_.Mean(); }
  FrameScore OfFirstFrame() const { return by_first_frame_.Mean(); }

 private:
  // Every so many frames one, in batches.
  absl::Status Rebuild(int num_frames, ClipReconstruction& reconstruction) {
    const int step = ScoredFrameStep(config_.frame_step(), num_frames);
    std::vector<int> batch;
    for (int frame = 0; frame < num_frames; frame += step) {
      batch.push_back(frame);
      const bool last = frame + step >= num_frames;
      const bool full = static_cast<int>(batch.size()) == config_.batch_size();
      if (!full && !last) continue;
      RETURN_IF_ERROR(CheckNotStopped(tools_.hooks));
      RETURN_IF_ERROR(reconstruction.Add(batch));
      batch.clear();
    }
    return absl::OkStatus();
  }

  AnimationModel& model_;
  const torch::Device device_;
  data::Dataset& test_;
  const EvaluationConfig& config_;
  const ReconstructionTools& tools_;
  MeanScore by_model_, by_first_frame_;
};

// Puts the clip's name before an error about what the model made of it.
absl::Status NameClip(const std::string& clip, const absl::Status& status) {
  if (!absl::IsInvalidArgument(status)) return status;
  return absl::InvalidArgumentError(absl::StrCat(clip, ": ", status.message()));
}

void AddUp(const std::optional<PuppetMetrics>& of_clip,
           std::optional<PuppetMetrics>& sum) {
  if (!of_clip) return;
  if (!sum) sum.emplace();
  *sum += *of_clip;
}

}  // namespace

int ScoredFrameStep(int frame_step, int num_frames) {
  return std::min(frame_step, std::max(num_frames - 1, 1));
}

absl::StatusOr<EvaluationResult> EvaluateReconstruction(
    AnimationModel& model, torch::Device device, data::Dataset& test,
    const EvaluationConfig& config, const ReconstructionTools& tools) {
  const int available = static_cast<int>(test.clips().size());
  const int total = config.max_clips() > 0
                        ? std::min(config.max_clips(), available)
                        : available;
  Evaluator evaluator(model, device, test, config, tools);
  tools.hooks.Report({"evaluate", "clips", 0, total, ""});
  EvaluationResult result;
  for (int i = 0; i < total; ++i) {
    absl::StatusOr<ClipResult> clip = evaluator.EvaluateClip(i);
    if (!clip.ok()) return NameClip(test.clips()[i].name, clip.status());
    result.clips.push_back(*std::move(clip));
    tools.hooks.Report({"evaluate", "clips", i + 1, total, ""});
  }
  result.model = evaluator.OfModel();
  result.first_frame = evaluator.OfFirstFrame();
  for (const ClipResult& clip : result.clips) {
    AddUp(clip.motion, result.motion);
    AddUp(clip.no_motion, result.no_motion);
  }
  return result;
}

std::vector<ClipResult> WorstFirst(const EvaluationResult& result) {
  std::vector<ClipResult> clips = result.clips;
  std::stable_sort(clips.begin(), clips.end(),
                   [](const ClipResult& a, const ClipResult& b) {
                     return IsWorse(a.model, b.model);
                   });
  return clips;
}

}  // namespace pipelines
