#include "pipelines/reconstruction.h"

#include <torch/torch.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "google/protobuf/util/json_util.h"
#include "pipelines/app/exit_code.h"
#include "pipelines/app/stop_signal.h"
#include "pipelines/data/loader.h"
#include "pipelines/reconstruction.pb.h"
#include "pipelines/report/progress.h"
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

// Every config.frame_step()-th frame, in batches.
ClipResult ReconstructClip(AnimationModel& model, torch::Device device,
                           const data::Clip& clip,
                           const EvaluationConfig& config) {
  const torch::NoGradGuard no_grad;
  const cv::Mat& first = clip.frames[0];
  const PreparedSource source = model.PrepareSource(Stack({first}, device));
  MeanScore by_model, by_first_frame;
  std::vector<cv::Mat> batch;
  const auto finish_batch = [&] {
    const torch::Tensor driving = Stack(batch, device);
    const torch::Tensor background =
        model.PredictBackground(source.image.expand_as(driving), driving);
    const torch::Tensor frames =
        model.Animate(source, model.DetectKeypoints(driving), background);
    for (size_t i = 0; i < batch.size(); ++i) {
      by_model.Add(ScoreFrame(data::TensorToImage(frames[i]), batch[i]));
      by_first_frame.Add(ScoreFrame(first, batch[i]));
    }
    batch.clear();
  };
  for (size_t i = 0; i < clip.frames.size(); i += config.frame_step()) {
    batch.push_back(clip.frames[i]);
    if (static_cast<int>(batch.size()) == config.batch_size()) finish_batch();
  }
  if (!batch.empty()) finish_batch();
  return {"", by_model.count(), by_model.Mean(), by_first_frame.Mean()};
}

std::vector<ClipResult> WorstFirst(const EvaluationResult& result) {
  std::vector<ClipResult> clips = result.clips;
  std::stable_sort(clips.begin(), clips.end(),
                   [](auto& a, auto& b) { return a.model.l1 > b.model.l1; });
  return clips;
}

void SetScore(const FrameScore& score, ScoreProto* proto) {
  proto->set_l1(score.l1);
  proto->set_psnr(score.psnr);
  proto->set_ssim(score.ssim);
}

}  // namespace

absl::StatusOr<EvaluationResult> EvaluateReconstruction(
    AnimationModel& model, torch::Device device, data::Dataset& test,
    const EvaluationConfig& config) {
  const int available = static_cast<int>(test.clips().size());
  const int total = config.max_clips() > 0
                        ? std::min(config.max_clips(), available)
                        : available;
  ProgressOptions progress;
  progress.title = "evaluate";
  progress.unit = "clips";
  progress.total = total;
  ProgressBar bar(progress);
  EvaluationResult result;
  MeanScore by_model, by_first_frame;
  for (int i = 0; i < total; ++i) {
    if (StopSignal() != 0) return StoppedBySignal(StopSignal());
    ASSIGN_OR_RETURN(const std::shared_ptr<const data::Clip> clip,
                     test.ReadWholeClip(i));
    ClipResult scores = ReconstructClip(model, device, *clip, config);
    scores.name = test.clips()[i].name;
    by_model.Add(scores.model);
    by_first_frame.Add(scores.first_frame);
    result.clips.push_back(std::move(scores));
    bar.Update(i + 1);
  }
  bar.Finish();
  result.model = by_model.Mean();
  result.first_frame = by_first_frame.Mean();
  return result;
}

std::string EvaluationText(const EvaluationResult& result) {
  std::string text =
      absl::StrFormat("%-24s %7s %8s %8s %8s %14s\n", "clip", "frames", "L1",
                      "PSNR", "SSIM", "L1 1st frame");
  const auto line = [&text](const std::string& name, const std::string& frames,
                            const FrameScore& model, const FrameScore& first) {
    text += absl::StrFormat("%-24s %7s %8.4f %8.2f %8.4f %14.4f\n", name,
                            frames, model.l1, model.psnr, model.ssim, first.l1);
  };
  for (const ClipResult& clip : WorstFirst(result)) {
    line(clip.name, absl::StrCat(clip.frames), clip.model, clip.first_frame);
  }
  line("mean", "", result.model, result.first_frame);
  return text;
}

std::string EvaluationJson(const EvaluationResult& result) {
  EvaluationProto proto;
  SetScore(result.model, proto.mutable_model());
  SetScore(result.first_frame, proto.mutable_first_frame());
  for (const ClipResult& clip : WorstFirst(result)) {
    ClipResultProto* added = proto.add_clips();
    added->set_name(clip.name);
    added->set_frames(clip.frames);
    SetScore(clip.model, added->mutable_model());
    SetScore(clip.first_frame, added->mutable_first_frame());
  }
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.preserve_proto_field_names = true;
  std::string json;
  const auto status =
      google::protobuf::util::MessageToJsonString(proto, &json, options);
  return status.ok() ? json : "{}";
}

}  // namespace pipelines
