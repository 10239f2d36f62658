// Tested by trainer_test.cc.
#include "pipelines/training/conclusion.h"

#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "pipelines/animation/animate_video.h"
#include "pipelines/checkpoint/checkpoint.h"
#include "pipelines/checkpoint/checkpoint.pb.h"
#include "pipelines/checkpoint/checkpoint_store.h"
#include "pipelines/optimizer/weight_average.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

absl::Status AnimateTestClip(const TrainedModel& trained, torch::Device device,
                             const data::Dataset& test,
                             const std::string& output,
                             const WorkHooks& hooks) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Animator> animator,
                   Animator::Create(trained, device));
  AnimateVideoOptions options;
  options.panels = {Panel::kSource, Panel::kDriving, Panel::kResult};
  options.min_output_side = 256;
  // Of a longer clip the beginning, so that this takes little of a run's time.
  options.max_frames = 250;
  options.overwrite = true;
  options.hooks = hooks;
  return AnimateVideo(*animator, test.clips().front().path,
                      test.clips().back().path, output, options)
      .status();
}

}  // namespace

absl::StatusOr<Evaluation> ConcludeRun(const RunFolder& folder, int64_t step,
                                       const Config& config, Learner& learner,
                                       torch::Device device,
                                       data::Dataset& test,
                                       const WorkHooks& hooks) {
  const WeightAverage::Scope averaged(learner.average());
  learner.model().eval();
  CheckpointState state;
  state.set_step(step);
  const TrainedModel trained = {config, learner.shared_model(), nullptr, state};
  EvaluationOutputs outputs;
  outputs.pictures = folder.path() + "/evaluation";
  ASSIGN_OR_RETURN(Evaluation evaluation,
                   Evaluate(trained, device, test, outputs, hooks));
  // The run's last step is saved before it is concluded.
  if (const std::vector<std::string> checkpoints =
          ListCheckpoints(folder.checkpoints());
      !checkpoints.empty()) {
    evaluation.setting.set_checkpoint(
        std::filesystem::absolute(checkpoints[0]).lexically_normal());
  }
  RETURN_IF_ERROR(WriteScores(folder.path(), evaluation));
  const absl::Status animated =
      AnimateTestClip(trained, device, test, folder.animation(), hooks);
  // Scores are taken of clips that cannot drive a video, too: of frames of
  // several sizes, or with sound that is damaged or of an unknown codec.
  if (absl::IsInvalidArgument(animated) || absl::IsDataLoss(animated) ||
      absl::IsUnimplemented(animated)) {
    // One of an earlier end would be taken for what these weights make.
    std::error_code error;
    std::filesystem::remove(folder.animation(), error);
    hooks.Warn(
        absl::StrCat(folder.animation(), " is not made: ", animated.message()));
    return evaluation;
  }
  RETURN_IF_ERROR(animated);
  return evaluation;
}

}  // namespace pipelines
