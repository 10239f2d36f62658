#include "pipelines/evaluation/evaluation.h"

#include <ATen/Context.h>
#include <torch/version.h>

#include <filesystem>
#include <optional>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "networks/files/atomic_file.h"
#include "networks/files/folder.h"
#include "networks/files/path_parts.h"
#include "pipelines/config/motion_choice.h"
#include "pipelines/data/clips_fingerprint.h"
#include "pipelines/evaluation/animation_sheet.h"
#include "pipelines/evaluation/frame_writer.h"
#include "pipelines/evaluation/lpips_metric.h"
#include "pipelines/report/visualize.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

using networks::files::MakeFolder;
using networks::files::WriteAtomically;

absl::StatusOr<std::vector<EvaluationPicture>> WriteSheet(
    const TrainedModel& trained, torch::Device device, data::Dataset& test,
    const std::string& folder, const WorkHooks& hooks) {
  const int count = trained.config.evaluation().sheet_clips();
  const std::string path = absl::StrCat(folder, "/sheet.png");
  if (count == 0) {
    std::error_code error;
    std::filesystem::remove(path, error);  // of an earlier evaluation
    return std::vector<EvaluationPicture>();
  }
  const SheetClips clips =
      ChooseSheetClips(static_cast<int>(test.clips().size()), count);
  ASSIGN_OR_RETURN(const cv::Mat sheet,
                   DrawAnimationSheet(trained, device, test, clips, hooks));
  RETURN_IF_ERROR(SavePicture(path, sheet));
  return std::vector<EvaluationPicture>{
      {path,
       "in the left column first frames of test clips, in the top row the "
       "driving clips' frames that are farthest from their first"}};
}

// Of `test`, which has at least one clip: root/test/clip.
std::string DataFolderOf(const data::Dataset& test) {
  const std::string clip =
      std::filesystem::absolute(test.clips().front().path).lexically_normal();
  return networks::files::FolderOf(networks::files::FolderOf(clip));
}

EvaluationSetting SettingOf(const TrainedModel& trained, torch::Device device,
                            const data::Dataset& test) {
  const Config& config = trained.config;
  EvaluationSetting setting;
  if (trained.state) {
    setting.set_training_steps(static_cast<int32_t>(trained.state->step()));
  }
  setting.set_motion(MotionName(config.model().local()));
  setting.set_width(config.data().width());
  setting.set_height(config.data().height());
  setting.set_data(DataFolderOf(test));
  const data::Fingerprint clips = data::FingerprintOf(test.clips());
  setting.set_clip_names_sha256(clips.names);
  setting.set_clip_sizes_sha256(clips.sizes);
  setting.set_frame_step(config.evaluation().frame_step());
  setting.set_max_clips(config.evaluation().max_clips());
  if (config.evaluation().has_lpips()) {
    const bool is_vgg =
        config.evaluation().lpips().network() == LpipsConfig::VGG;
    setting.set_lpips(is_vgg ? "vgg" : "alex");
  }
  setting.set_device(device.str());
  setting.set_libtorch(TORCH_VERSION);
  setting.set_tf32(at::globalContext().allowTF32CuBLAS());
  return setting;
}

}  // namespace

absl::StatusOr<Evaluation> Evaluate(const TrainedModel& trained,
                                    torch::Device device, data::Dataset& test,
                                    const EvaluationOutputs& outputs,
                                    const WorkHooks& hooks) {
  const EvaluationConfig& config = trained.config.evaluation();
  ReconstructionTools tools;
  tools.hooks = hooks;
  ASSIGN_OR_RETURN(tools.lpips, MakeLpips(config));
  if (tools.lpips) tools.lpips->to(device);
  std::optional<FrameWriter> frames;
  if (!outputs.frames.empty()) {
    tools.observers.push_back(&frames.emplace(outputs.frames));
  }
  FailurePictures failures(config.pictured_clips());
  if (!outputs.pictures.empty()) {
    RETURN_IF_ERROR(MakeFolder(outputs.pictures));
    tools.observers.push_back(&failures);
  }
  Evaluation evaluation;
  evaluation.setting = SettingOf(trained, device, test);
  ASSIGN_OR_RETURN(
      evaluation.result,
      EvaluateReconstruction(*trained.model, device, test, config, tools));
  if (outputs.pictures.empty()) return evaluation;
  ASSIGN_OR_RETURN(evaluation.failures, failures.Write(outputs.pictures));
  ASSIGN_OR_RETURN(evaluation.sheets,
                   WriteSheet(trained, device, test, outputs.pictures, hooks));
  return evaluation;
}

absl::Status WriteScores(const std::string& folder,
                         const Evaluation& evaluation) {
  RETURN_IF_ERROR(WriteAtomically(absl::StrCat(folder, "/evaluation.txt"),
                                  EvaluationText(evaluation.result)));
  return WriteAtomically(absl::StrCat(folder, "/evaluation.json"),
                         EvaluationJson(evaluation.result, evaluation.setting));
}

}  // namespace pipelines
