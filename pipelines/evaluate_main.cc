// bazel run //pipelines:evaluate: see kUsage.
#include <cstdio>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "networks/weights/atomic_file.h"
#include "pipelines/app/command_line.h"
#include "pipelines/app/device.h"
#include "pipelines/app/exit_code.h"
#include "pipelines/app/stop_signal.h"
#include "pipelines/app/user_path.h"
#include "pipelines/checkpoint.h"
#include "pipelines/config/config.h"
#include "pipelines/config/override.h"
#include "pipelines/data_folder.h"
#include "pipelines/reconstruction.h"
#include "third_party/absl/status_macros.h"

ABSL_FLAG(
    std::string, checkpoint, "",
    "A checkpoint of a training run (a .safetensors file), or of the paper's "
    "original implementation (.pth.tar).");
ABSL_FLAG(std::string, output, "",
          "File for the scores as JSON. Without it they are only printed.");
ABSL_FLAG(std::string, device, "auto",
          "auto (the first GPU if there is one), cpu, cuda or cuda:N.");
ABSL_FLAG(int, threads, 0, "CPU threads; 0 is one a core.");
ABSL_FLAG(std::string, set, "",
          "path.to.field=value: overrides a field of the checkpoint's config, "
          "as in --set data.folder=clips or --set evaluation.frame_step=4. May "
          "be given many times.");

namespace pipelines {
namespace {

constexpr char kProgram[] = "evaluate";
constexpr char kUsage[] =
    R"(Reconstructs each test clip from its first frame and scores the result.

  tools/bazelw run //pipelines:evaluate -- --checkpoint runs/demo/checkpoints/step-....safetensors

Prints L1, PSNR and SSIM for each clip, worst first, and their means, beside the
L1 of repeating the first frame. The test clips are those of the config that the
checkpoint was trained with, unless --set says otherwise.

Exit codes: 0 done, 1 bad input, 2 bad flag; above 128, try again.)";

absl::StatusOr<EvaluationResult> Evaluate(
    c10::Device device, const std::vector<std::string>& overrides) {
  const std::string checkpoint = UserPath(absl::GetFlag(FLAGS_checkpoint));
  ASSIGN_OR_RETURN(TrainedModel trained, LoadTrainedModel(checkpoint, device));
  for (const std::string& assignment : overrides) {
    if (absl::Status status = ApplyOverride(assignment, &trained.config);
        !status.ok()) {
      return UsageError(status);
    }
  }
  if (absl::Status status = ValidateForEvaluation(trained.config);
      !status.ok()) {
    return UsageError(status);
  }
  ASSIGN_OR_RETURN(const std::string folder, DataFolder(trained.config.data()));
  ASSIGN_OR_RETURN(const std::unique_ptr<data::Dataset> test,
                   OpenSplit(folder, "test", trained.config.data(),
                             trained.config.training().seed()));
  return EvaluateReconstruction(*trained.model, device, *test,
                                trained.config.evaluation());
}

absl::Status Run(const CommandLine& line) {
  if (absl::GetFlag(FLAGS_checkpoint).empty()) {
    return UsageError(
        absl::InvalidArgumentError("--checkpoint is needed; see --help"));
  }
  const auto device = SelectDevice(absl::GetFlag(FLAGS_device));
  if (!device.ok()) return UsageError(device.status());
  RETURN_IF_ERROR(UsageError(SetThreads(absl::GetFlag(FLAGS_threads))));
  ASSIGN_OR_RETURN(const EvaluationResult result,
                   Evaluate(*device, line.overrides));
  std::printf("%s", EvaluationText(result).c_str());
  const std::string output = UserPath(absl::GetFlag(FLAGS_output));
  if (output.empty()) return absl::OkStatus();
  return networks::weights::WriteFileAtomically(output, EvaluationJson(result));
}

int Main(int argc, char** argv) {
  const auto line = ParseCommandLine(argc, argv);
  if (!line.ok()) return Exit(kProgram, UsageError(line.status()));
  if (line->help) {
    std::printf("%s\n", HelpText(kUsage, "evaluate_main.cc").c_str());
    return 0;
  }
  CatchStopSignals();
  return Exit(kProgram, Run(*line));
}

}  // namespace
}  // namespace pipelines

int main(int argc, char** argv) { return pipelines::Main(argc, argv); }
