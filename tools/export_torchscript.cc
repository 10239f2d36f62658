// tools/bazelw run //tools:export_torchscript: see kUsage.
#include "pipelines/animation/export_torchscript.h"

#include <cstdio>
#include <string>

#include "absl/flags/flag.h"
#include "networks/files/outputs.h"
#include "pipelines/app/allocation.h"
#include "pipelines/app/command_line.h"
#include "pipelines/app/exit_code.h"
#include "pipelines/app/program.h"
#include "pipelines/app/user_outputs.h"
#include "pipelines/base/user_path.h"
#include "pipelines/checkpoint/checkpoint.h"
#include "pipelines/checkpoint/run_checkpoint.h"
#include "third_party/absl/status_macros.h"

ABSL_FLAG(std::string, checkpoint, "",
          "A checkpoint of a training run (a .safetensors file), the run's "
          "folder for its best one, a file of the original code or its "
          "predecessor (.pth.tar), or the name of fetched weights (tps-vox).");
ABSL_FLAG(std::string, output, "torchscript", "The folder for the files.");
ABSL_FLAG(bool, overwrite, false, "Replace files that exist.");

namespace {

constexpr char kUsage[] = R"(Writes a checkpoint's networks as TorchScript.

  tools/bazelw run //tools:export_torchscript -- \
      --checkpoint runs/demo --output scripts/

One file a network, plain tensors in and out, for PyTorch (torch.jit.load) and
LibTorch. The CPAB step between the networks stays in //cpab.

Exit codes: 0 done, 1 bad input, 2 bad flag; above 128, try again: 129 disk full
or folder read-only.)";

absl::Status Run(const pipelines::CommandLine& line) {
  RETURN_IF_ERROR(pipelines::UsageError(pipelines::RefuseArguments(line)));
  const std::string given =
      pipelines::UserPath(absl::GetFlag(FLAGS_checkpoint));
  if (given.empty()) {
    return pipelines::UsageError(absl::InvalidArgumentError(
        "--checkpoint is missing; --help tells what it is"));
  }
  RETURN_IF_ERROR(pipelines::CheckAddressSpace());
  ASSIGN_OR_RETURN(const std::string checkpoint,
                   pipelines::CheckpointAt(given));
  const std::string folder = pipelines::UserPath(absl::GetFlag(FLAGS_output));
  networks::files::PlannedOutputs planned;
  planned.files = pipelines::TorchScriptPaths(folder);
  planned.makes_folders = true;
  planned.inputs = {checkpoint};
  planned.overwrite = absl::GetFlag(FLAGS_overwrite);
  RETURN_IF_ERROR(pipelines::CheckUserOutputs(planned));
  ASSIGN_OR_RETURN(const pipelines::TrainedModel trained,
                   pipelines::LoadTrainedModel(checkpoint, torch::kCPU));
  ASSIGN_OR_RETURN(const auto exported,
                   pipelines::ExportTorchScript(trained, folder));
  for (const pipelines::ExportedNetwork& network : exported) {
    std::printf("%s\n  %s\n  loaded again it differs by %.1e\n",
                network.path.c_str(), network.signature.c_str(),
                network.difference);
  }
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  return pipelines::RunProgram({"export_torchscript", kUsage, __FILE__}, argc,
                               argv, Run);
}
