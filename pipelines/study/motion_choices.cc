// One checkpoint with each motion model: see kUsage.
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "pipelines/app/allocation.h"
#include "pipelines/app/command_line.h"
#include "pipelines/app/device_flags.h"
#include "pipelines/app/exit_code.h"
#include "pipelines/app/program.h"
#include "pipelines/app/program_hooks.h"
#include "pipelines/base/stop_signal.h"
#include "pipelines/base/user_path.h"
#include "pipelines/checkpoint/checkpoint.h"
#include "pipelines/checkpoint/run_checkpoint.h"
#include "pipelines/config/motion_choice.h"
#include "pipelines/config/other_data.h"
#include "pipelines/config/validate.h"
#include "pipelines/data/data_folder.h"
#include "pipelines/evaluation/reconstruction.h"
#include "pipelines/model/candidate_motions.h"
#include "pipelines/report/score_table.h"
#include "third_party/absl/status_macros.h"

ABSL_FLAG(std::string, checkpoint, "",
          "A checkpoint as for //pipelines:evaluate, as tps-vox.");
ABSL_FLAG(std::string, data, "",
          "Folder with test/; without it, that of the checkpoint's config.");
ABSL_FLAG(std::string, model_size, "",
          "The size at which the model sees frames: 384, or 512x384.");
ABSL_FLAG(std::string, motions, "",
          "Which motion models, with semicolons between: \"cpab; cpab { "
          "cells_x: 6 cells_y: 6 }; thin_plate\". Empty: each that there is.");
ABSL_FLAG(std::string, device, "auto",
          "auto (the first GPU if there is one), cpu, cuda or cuda:N.");
ABSL_FLAG(int, threads, 0, "CPU threads; 0 is one a core.");
ABSL_FLAG(std::string, set, "",
          "path.to.field=value: overrides a field of data or evaluation, as in "
          "--set evaluation.max_clips=20. May be given many times.");

namespace pipelines {
namespace {

constexpr char kUsage[] =
    R"(Compares motion models on the same weights, by reconstruction.

  tools/bazelw run //pipelines/study:motion_choices -- --checkpoint runs/demo
  tools/bazelw run //pipelines/study:motion_choices -- --checkpoint tps-vox \
      --data clips --set evaluation.max_clips=20
      published weights, on clips of yours

Each test clip is rebuilt from its first frame, once with each motion model, and
nothing is trained in between. One line a model: L1 (of values in [0, 1]), PSNR
(dB), SSIM; of clips with ground truth also the joints' mean distance and the
motion's mean error. The model that the checkpoint was trained with comes first.
The last line is the score of repeating the first frame.

Exit codes: 0 done, 1 bad input, 2 bad flag; above 128, try again: 129 disk full
or folder read-only, 130 Ctrl-C, 143 SIGTERM.)";

struct Choice {
  std::string name;
  MotionConfig motion;
};

absl::StatusOr<std::vector<Choice>> Choices() {
  std::vector<std::string> names = MotionNames();
  if (const std::string flag = absl::GetFlag(FLAGS_motions); !flag.empty()) {
    names = absl::StrSplit(flag, ';', absl::SkipWhitespace());
  }
  std::vector<Choice> choices;
  for (const std::string& name : names) {
    ASSIGN_OR_RETURN(MotionConfig motion, ParseMotion(name));
    choices.push_back(
        {std::string(absl::StripAsciiWhitespace(name)), std::move(motion)});
  }
  return choices;
}

// Before the first evaluation: ranges alone do not say whether a tessellation
// has a velocity field.
absl::Status CheckChoices(const std::vector<Choice>& choices,
                          const ModelConfig& model) {
  for (const Choice& choice : choices) {
    ModelConfig chosen = model;
    SetMotion(choice.motion, &chosen);
    const absl::Status status = CandidateMotions::Create(chosen).status();
    if (!status.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--motions: ", choice.name, ": ", status.message()));
    }
  }
  return absl::OkStatus();
}

absl::Status ApplyFlags(const std::vector<std::string>& overrides,
                        Config* config) {
  RETURN_IF_ERROR(UseOtherData(
      {overrides, absl::GetFlag(FLAGS_data), absl::GetFlag(FLAGS_model_size)},
      config));
  return ValidateForEvaluation(*config);
}

ScoreTable::Row RowOf(const std::string& name, const FrameScore& score,
                      const std::optional<PuppetMetrics>& motion) {
  ScoreTable::Row row = {
      name,
      {absl::StrFormat("%.4f", score.l1), absl::StrFormat("%.2f", score.psnr),
       absl::StrFormat("%.4f", score.ssim)}};
  if (motion) {
    row.cells.push_back(absl::StrFormat("%.4f", motion->JointTransferError()));
    row.cells.push_back(absl::StrFormat("%.4f", motion->FlowEndPointError()));
  }
  return row;
}

absl::Status Compare(TrainedModel trained, const std::vector<Choice>& choices,
                     c10::Device device, data::Dataset& test,
                     const WorkHooks& hooks) {
  ScoreTable table;
  table.name_column = "motion model";
  table.columns = {"L1", "PSNR", "SSIM"};
  ReconstructionTools tools;
  tools.hooks = hooks;
  EvaluationResult result;
  const auto add = [&](const std::string& name) -> absl::Status {
    ASSIGN_OR_RETURN(
        result, EvaluateReconstruction(*trained.model, device, test,
                                       trained.config.evaluation(), tools));
    table.rows.push_back(RowOf(name, result.model, result.motion));
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(add(absl::StrCat(
      "as trained: ", MotionName(trained.config.model().local()))));
  for (const Choice& choice : choices) {
    RETURN_IF_ERROR(ChooseMotion(choice.motion, &trained));
    RETURN_IF_ERROR(add(choice.name));
  }
  if (result.motion) {
    table.columns.insert(table.columns.end(), {"joints", "flow"});
  }
  table.summary.push_back(
      RowOf("first frame", result.first_frame, result.no_motion));
  PrintLines(stdout, ScoreTableText(table));
  return absl::OkStatus();
}

std::vector<FlagGroup> FlagGroups() {
  return {{"What is compared",
           {"checkpoint", "motions", "data", "model_size", "set"}},
          {"How", {"device", "threads"}}};
}

absl::Status Run(const CommandLine& line) {
  RETURN_IF_ERROR(UsageError(RefuseArguments(line)));
  RETURN_IF_ERROR(
      UsageError(RefuseOverridesOfTraining(line.overrides, {"evaluation"})));
  if (absl::GetFlag(FLAGS_checkpoint).empty()) {
    return UsageError(
        absl::InvalidArgumentError("--checkpoint is needed; see --help"));
  }
  ASSIGN_OR_RETURN(const std::vector<Choice> choices, UsageError(Choices()));
  RETURN_IF_ERROR(CheckAddressSpace());
  ASSIGN_OR_RETURN(const c10::Device device,
                   UsageError(SelectDevice(absl::GetFlag(FLAGS_device))));
  RETURN_IF_ERROR(UsageError(SetThreads(absl::GetFlag(FLAGS_threads))));
  CatchStopSignals();
  ASSIGN_OR_RETURN(const std::string checkpoint,
                   CheckpointAt(UserPath(absl::GetFlag(FLAGS_checkpoint))));
  ASSIGN_OR_RETURN(TrainedModel trained, LoadTrainedModel(checkpoint, device));
  AllowTf32(trained.config.training().tf32());
  RETURN_IF_ERROR(UsageError(ApplyFlags(line.overrides, &trained.config)));
  RETURN_IF_ERROR(UsageError(CheckChoices(choices, trained.config.model())));
  ProgramHooks program("motion_choices");
  const WorkHooks hooks = program.hooks();
  ASSIGN_OR_RETURN(const std::string folder,
                   TestDataFolder(trained.config.data(), hooks));
  ASSIGN_OR_RETURN(const std::unique_ptr<data::Dataset> test,
                   OpenSplit(folder, "test", trained.config.data(),
                             trained.config.training().seed(), hooks));
  return Compare(std::move(trained), choices, device, *test, hooks);
}

}  // namespace
}  // namespace pipelines

int main(int argc, char** argv) {
  return pipelines::RunProgram(
      {"motion_choices", pipelines::kUsage, __FILE__, pipelines::FlagGroups()},
      argc, argv, pipelines::Run);
}
