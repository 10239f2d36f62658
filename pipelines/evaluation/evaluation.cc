#include "pipelines/evaluation/evaluation.h"

#include <filesystem>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "networks/files/atomic_file.h"
#include "networks/files/folder.h"
#include "pipelines/evaluation/animation_sheet.h"
#include "pipelines/evaluation/failure_pictures.h"
#include "pipelines/evaluation/frame_writer.h"
#include "pipelines/evaluation/lpips_metric.h"
#include "pipelines/report/visualize.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

namespace fs = std::filesystem;
using networks::files::MakeFolder;
using networks::files::WriteAtomically;

absl::StatusOr<std::vector<Picture>> WriteSheet(const TrainedModel& trained,
                                                torch::Device device,
                                                data::Dataset& test,
                                                const std::string& folder,
                                                const WorkHooks& hooks) {
  const int count = trained.config.evaluation().sheet_clips();
  if (count == 0) return std::vector<Picture>();
  const SheetClips clips =
      ChooseSheetClips(static_cast<int>(test.clips().size()), count);
  ASSIGN_OR_RETURN(const cv::Mat sheet,
                   DrawAnimationSheet(trained, device, test, clips, hooks));
  RETURN_IF_ERROR(SavePicture(absl::StrCat(folder, "/sheet.png"), sheet));
  const std::string name = fs::path(folder).filename().string();
  return std::vector<Picture>{
      {absl::StrCat(name, "/sheet.png"),
       "in the left column first frames of test clips, in the top row the "
       "driving clips' frames that are farthest from their first"}};
}

// "0.0456 (0.0491)".
std::string Beside(int digits, double value, double baseline) {
  return absl::StrFormat("%.*f (%.*f)", digits, value, digits, baseline);
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

void AddToPage(const Evaluation& evaluation, RunPage* page) {
  const EvaluationResult& result = evaluation.result;
  const auto add = [page](const char* name, std::string value) {
    page->summary.emplace_back(name, std::move(value));
  };
  add("L1 (of the first frame)",
      Beside(4, result.model.l1, result.first_frame.l1));
  add("PSNR in dB (of the first frame)",
      Beside(2, result.model.psnr, result.first_frame.psnr));
  add("SSIM (of the first frame)",
      Beside(3, result.model.ssim, result.first_frame.ssim));
  if (result.model.lpips) {
    add("LPIPS (of the first frame)",
        Beside(4, *result.model.lpips, *result.first_frame.lpips));
  }
  if (result.motion) {
    add("joint transfer error (without motion)",
        Beside(4, result.motion->JointTransferError(),
               result.no_motion->JointTransferError()));
    add("flow error (without motion)",
        Beside(4, result.motion->FlowEndPointError(),
               result.no_motion->FlowEndPointError()));
  }
  page->scores = EvaluationTable(result);
  page->failures = evaluation.failures;
  page->sheets = evaluation.sheets;
}

}  // namespace pipelines
