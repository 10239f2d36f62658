// bazel run //tools:export_torchscript: see kUsage.
#include "pipelines/animation/export_torchscript.h"

#include <cstdio>
#include <string>

#include "absl/flags/flag.h"
#include "pipelines/app/command_line.h"
#include "pipelines/app/exit_code.h"
#include "pipelines/app/user_path.h"
#include "pipelines/checkpoint.h"
#include "third_party/absl/status_macros.h"

ABSL_FLAG(std::string, checkpoint, "",
          "A checkpoint of a training run (a .safetensors file).");
ABSL_FLAG(std::string, output, "torchscript", "The folder for the files.");

namespace {

constexpr char kProgram[] = "export_torchscript";
constexpr char kUsage[] = R"(Writes a checkpoint's networks as TorchScript.

  tools/bazelw run //tools:export_torchscript -- \
      --checkpoint runs/demo/checkpoints/step-....safetensors --output scripts/

One file a network, plain tensors in and out, for PyTorch (torch.jit.load) and
LibTorch. The CPAB step between the networks stays in //cpab.)";

absl::Status Run() {
  const std::string checkpoint =
      pipelines::UserPath(absl::GetFlag(FLAGS_checkpoint));
  if (checkpoint.empty()) {
    return pipelines::UsageError(
        absl::InvalidArgumentError("--checkpoint is needed; see --help"));
  }
  ASSIGN_OR_RETURN(const pipelines::TrainedModel trained,
                   pipelines::LoadTrainedModel(checkpoint, torch::kCPU));
  ASSIGN_OR_RETURN(
      const auto exported,
      pipelines::ExportTorchScript(
          trained, pipelines::UserPath(absl::GetFlag(FLAGS_output))));
  for (const pipelines::ExportedNetwork& network : exported) {
    std::printf("%s\n  %s\n  loaded again it differs by %.1e\n",
                network.path.c_str(), network.signature.c_str(),
                network.difference);
  }
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  const auto line = pipelines::ParseCommandLine(argc, argv);
  if (!line.ok()) {
    return pipelines::Exit(kProgram, pipelines::UsageError(line.status()));
  }
  if (line->help) {
    std::printf("%s\n",
                pipelines::HelpText(kUsage, "export_torchscript.cc").c_str());
    return 0;
  }
  return pipelines::Exit(kProgram, Run());
}
