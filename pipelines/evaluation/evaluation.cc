#include "pipelines/evaluation/evaluation.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "networks/files/atomic_file.h"
#include "networks/files/folder.h"
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
  if (count == 0) return std::vector<EvaluationPicture>();
  const SheetClips clips =
      ChooseSheetClips(static_cast<int>(test.clips().size()), count);
  ASSIGN_OR_RETURN(const cv::Mat sheet,
                   DrawAnimationSheet(trained, device, test, clips, hooks));
  const std::string path = absl::StrCat(folder, "/sheet.png");
  RETURN_IF_ERROR(SavePicture(path, sheet));
  return std::vector<EvaluationPicture>{
      {path,
       "in the left column first frames of test clips, in the top row the "
       "driving clips' frames that are farthest from their first"}};
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
                         const EvaluationResult& result) {
  RETURN_IF_ERROR(WriteAtomically(absl::StrCat(folder, "/evaluation.txt"),
                                  EvaluationText(result)));
  return WriteAtomically(absl::StrCat(folder, "/evaluation.json"),
                         EvaluationJson(result));
}

}  // namespace pipelines
