// tools/bazelw run //tools:slim_checkpoint: see kUsage.
#include <cstdio>
#include <filesystem>
#include <string>

#include "absl/flags/flag.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "networks/files/outputs.h"
#include "networks/files/path_parts.h"
#include "pipelines/app/command_line.h"
#include "pipelines/app/exit_code.h"
#include "pipelines/app/flag_error.h"
#include "pipelines/app/program.h"
#include "pipelines/app/user_outputs.h"
#include "pipelines/base/user_path.h"
#include "pipelines/checkpoint/checkpoint.h"
#include "pipelines/checkpoint/learning_phase.h"
#include "pipelines/checkpoint/run_checkpoint.h"
#include "pipelines/config/config.pb.h"
#include "pipelines/config/other_data.h"
#include "third_party/absl/status_macros.h"

ABSL_FLAG(std::string, checkpoint, "",
          "A checkpoint of a training run (a .safetensors file), the run's "
          "folder for its best one, a file of the original code or its "
          "predecessor (.pth.tar), or the name of fetched weights (tps-vox).");
ABSL_FLAG(std::string, output, "", "The .safetensors file to write.");
ABSL_FLAG(bool, overwrite, false, "Replace an output that exists.");

namespace {

constexpr char kUsage[] = R"(Writes what animation needs of a checkpoint.

  tools/bazelw run //tools:slim_checkpoint -- \
      --checkpoint runs/demo --output small.safetensors

The networks alone, averaged over steps where training kept averages, in
float16: a sixth of a run's file, an eighth where it has averages. animate and
evaluate compute with them in float32. An AVD network is left out, and so are
paths of the machine that trained: training.initial_weights of the config, and
all but the last name of data.folder and of the weights of losses and of LPIPS.

Exit codes: 0 done, 1 bad input, 2 bad flag; above 128, try again: 129 disk full
or folder read-only.)";

absl::Status CheckFlags(const std::string& checkpoint,
                        const std::string& output) {
  for (const auto& [name, value] :
       {std::pair("checkpoint", checkpoint), std::pair("output", output)}) {
    if (value.empty()) {
      return pipelines::BadFlag(name, " is missing; --help tells what it is");
    }
  }
  if (!absl::EndsWith(output, ".safetensors")) {
    return pipelines::BadFlag(
        "output is '", output,
        "'; the file is a safetensors file, so end its name in .safetensors");
  }
  return absl::OkStatus();
}

absl::Status CheckOutput(const std::string& checkpoint,
                         const std::string& output) {
  networks::files::PlannedOutputs planned;
  planned.files = {output};
  planned.inputs = {checkpoint};
  planned.overwrite = absl::GetFlag(FLAGS_overwrite);
  return pipelines::CheckUserOutputs(planned);
}

// Counters stay integers, unlike by Module::to. InvalidArgument for a number
// that would become infinite, with which the model makes no picture.
absl::Status ToFloat16(const std::string& checkpoint,
                       torch::nn::Module& module) {
  for (auto tensors : {module.named_parameters(), module.named_buffers()}) {
    for (auto& named : tensors) {
      torch::Tensor& tensor = named.value();
      if (!tensor.is_floating_point()) continue;
      const torch::Tensor half = tensor.to(torch::kFloat16);
      if ((half.isinf() & tensor.isfinite()).any().item<bool>()) {
        return absl::InvalidArgumentError(absl::StrCat(
            checkpoint, ": ", named.key(),
            " holds numbers beyond 65504, the largest of float16; use the "
            "checkpoint as it is"));
      }
      tensor.set_data(half);
    }
  }
  return absl::OkStatus();
}

// The weights of losses and of LPIPS that `config` names by their paths,
// without the folders of these. What is not set stays so.
void LeaveOutFoldersOfWeights(pipelines::Config* config) {
  const auto leave_out = [](auto* term) {
    if (term->has_weights()) {
      term->set_weights(networks::files::BaseName(term->weights()));
    }
  };
  leave_out(config->mutable_losses()->mutable_semantic());
  leave_out(config->mutable_losses()->mutable_structure());
  leave_out(config->mutable_losses()->mutable_perceptual());
  if (!config->evaluation().has_lpips()) return;
  pipelines::LpipsConfig* lpips = config->mutable_evaluation()->mutable_lpips();
  leave_out(lpips);
  if (lpips->has_channel_weights()) {
    lpips->set_channel_weights(
        networks::files::BaseName(lpips->channel_weights()));
  }
}

absl::Status Run(const pipelines::CommandLine& line) {
  RETURN_IF_ERROR(pipelines::UsageError(pipelines::RefuseArguments(line)));
  const std::string given =
      pipelines::UserPath(absl::GetFlag(FLAGS_checkpoint));
  const std::string output = pipelines::UserPath(absl::GetFlag(FLAGS_output));
  RETURN_IF_ERROR(CheckFlags(given, output));
  ASSIGN_OR_RETURN(const std::string checkpoint,
                   pipelines::CheckpointAt(given));
  RETURN_IF_ERROR(CheckOutput(checkpoint, output));
  ASSIGN_OR_RETURN(const pipelines::TrainedModel trained,
                   pipelines::LoadTrainedModel(checkpoint, torch::kCPU));
  // Files of other programs say nothing of their training.
  pipelines::CheckpointState state =
      trained.state.value_or(pipelines::CheckpointState());
  *state.mutable_config() = trained.config;
  pipelines::LeaveOutInitialWeights(&state);
  pipelines::LeaveOutParentFolders(state.mutable_config()->mutable_data());
  LeaveOutFoldersOfWeights(state.mutable_config());
  RETURN_IF_ERROR(ToFloat16(checkpoint, *trained.model));
  RETURN_IF_ERROR(pipelines::SaveCheckpoint(
      output, {trained.model.get(), nullptr, nullptr}, state));
  std::printf("%s: %.1f MB\n", output.c_str(),
              static_cast<double>(std::filesystem::file_size(output)) / 1e6);
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  return pipelines::RunProgram({"slim_checkpoint", kUsage, __FILE__}, argc,
                               argv, Run);
}
