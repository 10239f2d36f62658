// tools/bazelw run //pipelines:train: see kUsage.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "absl/flags/flag.h"
#include "absl/flags/reflection.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "pipelines/app/allocation.h"
#include "pipelines/app/command_line.h"
#include "pipelines/app/device_flags.h"
#include "pipelines/app/exit_code.h"
#include "pipelines/app/installed_commands.h"
#include "pipelines/app/program.h"
#include "pipelines/app/program_hooks.h"
#include "pipelines/avd/train_avd.h"
#include "pipelines/base/quoted_for_shell.h"
#include "pipelines/base/shipped_file.h"
#include "pipelines/base/stop_signal.h"
#include "pipelines/base/user_path.h"
#include "pipelines/config/config.h"
#include "pipelines/config/other_data.h"
#include "pipelines/config/override.h"
#include "pipelines/config/validate.h"
#include "pipelines/parallel/process_environment.h"
#include "pipelines/pretrained/pretrained.h"
#include "pipelines/training/trainer.h"
#include "pipelines/training_console.h"
#include "third_party/absl/status_macros.h"

ABSL_FLAG(std::string, config, "",
          "Config file (*.textproto), or the name of a shipped one, as "
          "figure-128. Without it, the bundled demo is run.");
ABSL_FLAG(std::string, output, "",
          "Run folder; an existing run there is resumed. Without it, "
          "runs/<name of the config>.");
ABSL_FLAG(std::string, avd, "",
          "Trains the AVD network for this finished checkpoint, instead of a "
          "model, and saves it there: animate --mode avd uses it.");
ABSL_FLAG(std::string, device, "auto",
          "auto (the first GPU if there is one), cpu, cuda or cuda:N. Of "
          "several processes each takes the GPU of its LOCAL_RANK.");
ABSL_FLAG(
    int, threads, 0,
    "CPU threads; 0 is one a core, shared by the processes of a machine.");
ABSL_FLAG(std::string, seed, "",
          "Overrides training.seed: a number that decides everything random.");
ABSL_FLAG(bool, print_config, false,
          "Print what the config resolves to, every field with its value, as a "
          "config file, and do nothing else.");
ABSL_FLAG(bool, profile, false,
          "Print where the time of a step goes when training ends. Makes the "
          "steps of a GPU slower, for which each stage then waits.");
ABSL_FLAG(std::string, set, "",
          "path.to.field=value: overrides a field of the config, as in --set "
          "training.batch_size=4. May be given many times.");

namespace pipelines {
namespace {

constexpr char kUsage[] =
    R"(Trains the CPAB motion model on videos, without labels.

  tools/bazelw run //pipelines:train
      The bundled demo: makes its own data, trains for a few minutes on a CPU,
      evaluates, animates, and leaves a page to look at.

  tools/bazelw run //pipelines:train -- \
      --config figure-128 --set data.folder=clips
      Trains on your clips: 23 minutes on one CPU core with AVX-512, 41 on
      two slow ones with AVX2 (figure-64: eight on the former). The folder has
      train/ and test/, each with clips: videos (mp4, mov, mkv, webm, avi, gif,
      webp), folders of frames, or frames side by side in one image.
      tools/bazelw run //tools/cut_clips makes it of videos.

  tools/bazelw run //pipelines:train -- \
      --avd runs/demo/checkpoints/best.safetensors
      Adds to a checkpoint the network of animate's AVD mode.

Run again with the same arguments to resume after Ctrl-C, a crash or the end.
Several processes, also on several machines, started by torchrun --no-python or
whatever sets RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE, MASTER_ADDR and
MASTER_PORT, train one model together; training.batch_size is that of each.

Every config field, with its meaning and range, is in
pipelines/config/config.proto of the source tree.

Exit codes: 0 done, 1 bad input, 2 bad flag or config, 3 training diverged;
above 128, try again: 129 disk full, folder locked or read-only; after saving:
129 SIGHUP, 130 Ctrl-C, 138 SIGUSR1, 143 SIGTERM.)";

// The config's file, as --config names it.
absl::StatusOr<std::string> ConfigPath() {
  const std::string name = absl::GetFlag(FLAGS_config);
  return ShippedOrUserFile("config", "pipelines/config/shipped",
                           name.empty() ? "demo" : name);
}

// Of the run, unless --output names it.
std::string ConfigName() {
  const std::string name = absl::GetFlag(FLAGS_config);
  return name.empty() ? "demo" : std::filesystem::path(name).stem().string();
}

// `overrides` and --seed.
absl::StatusOr<std::vector<std::string>> WithSeed(
    std::vector<std::string> overrides) {
  const std::string seed = absl::GetFlag(FLAGS_seed);
  if (seed.empty()) return overrides;
  uint64_t value = 0;
  if (!absl::SimpleAtoi(seed, &value)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--seed is '", seed, "'; use a whole number from 0 on"));
  }
  overrides.push_back(absl::StrCat("training.seed=", seed));
  return overrides;
}

absl::StatusOr<Config> ConfigFromFlags(std::vector<std::string> overrides) {
  ASSIGN_OR_RETURN(overrides, WithSeed(std::move(overrides)));
  ASSIGN_OR_RETURN(const std::string path, ConfigPath());
  return LoadConfig(path, overrides);
}

absl::Status PrintConfig(const std::vector<std::string>& overrides) {
  ASSIGN_OR_RETURN(const Config config, UsageError(ConfigFromFlags(overrides)));
  std::printf("%s", ResolvedText(config).c_str());
  return absl::OkStatus();
}

// Each of several processes of a machine takes the GPU of its own number. The
// one that it names ends, too, or would wait for the others.
absl::Status CheckDeviceOfProcess(const parallel::ProcessEnvironment& process) {
  const std::string device = absl::GetFlag(FLAGS_device);
  const std::string own = absl::StrCat("cuda:", process.local_rank);
  if (!process.is_parallel() || !absl::StartsWith(device, "cuda:") ||
      (device == own && process.local_size == 1)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "--device is ", device, ", and of several processes each takes the GPU ",
      "of its LOCAL_RANK, here ", own,
      "; use cuda, and CUDA_VISIBLE_DEVICES to choose GPUs"));
}

absl::StatusOr<TrainerOptions> OptionsFromFlags(
    const std::vector<std::string>& overrides) {
  TrainerOptions options;
  ASSIGN_OR_RETURN(options.config, ConfigFromFlags(overrides));
  MakeFolderAbsolute(options.config.mutable_data());
  options.output = UserPath(absl::GetFlag(FLAGS_output).empty()
                                ? absl::StrCat("runs/", ConfigName())
                                : absl::GetFlag(FLAGS_output));
  ASSIGN_OR_RETURN(options.process, parallel::ReadProcessEnvironment());
  RETURN_IF_ERROR(CheckDeviceOfProcess(options.process));
  ASSIGN_OR_RETURN(options.device, SelectDevice(absl::GetFlag(FLAGS_device)));
  if (options.process.is_parallel() && options.device.is_cuda()) {
    ASSIGN_OR_RETURN(options.device, SelectDevice(absl::StrCat(
                                         "cuda:", options.process.local_rank)));
  }
  RETURN_IF_ERROR(
      SetThreads(absl::GetFlag(FLAGS_threads), options.process.local_size));
  AllowTf32(options.config.training().tf32());
  options.device_name = DescribeDevice(options.device);
  options.profile = absl::GetFlag(FLAGS_profile);
  return options;
}

bool IsStopped() { return StopSignal() != 0; }

absl::Status TrainModel(const CommandLine& line) {
  ASSIGN_OR_RETURN(TrainerOptions options,
                   UsageError(OptionsFromFlags(line.overrides)));
  CatchStopSignals();
  ConsoleOptions words;
  words.config = ConfigName();
  words.run_folder = options.output;
  words.resume_command = RepeatedCommand("//pipelines:train", line);
  words.profile = options.profile;
  TrainingConsole console(std::move(words));
  options.hooks = console.MakeHooks(IsStopped);
  options.observers = {&console};
  options.animate_command = AnimateCommand;
  return console.Explain(Train(options));
}

// The checkpoint's config with overrides. Of the model and its training the
// checkpoint decides.
absl::Status AdjustForAvd(const std::vector<std::string>& overrides,
                          Config* config) {
  RETURN_IF_ERROR(UsageError(RefuseOverridesOfTraining(
      overrides,
      {"avd", "data.augmentation.horizontal_flip", "training.seed"})));
  for (const std::string& assignment : overrides) {
    RETURN_IF_ERROR(UsageError(ApplyOverride(assignment, config)));
  }
  return UsageError(ValidateForEvaluation(*config));
}

// --avd trains a network for a checkpoint, which decides on the model.
absl::Status RefuseFlagsOfTraining() {
  for (const absl::CommandLineFlag* flag :
       {&absl::GetFlagReflectionHandle(FLAGS_config),
        &absl::GetFlagReflectionHandle(FLAGS_output),
        &absl::GetFlagReflectionHandle(FLAGS_profile),
        &absl::GetFlagReflectionHandle(FLAGS_print_config)}) {
    if (flag->CurrentValue() == flag->DefaultValue()) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "--", flag->Name(),
        " has no effect with --avd, which trains what "
        "its checkpoint says and saves it into the checkpoint; leave it out"));
  }
  return absl::OkStatus();
}

absl::StatusOr<TrainAvdOptions> AvdOptionsFromFlags(
    std::vector<std::string> overrides) {
  RETURN_IF_ERROR(RefuseFlagsOfTraining());
  ASSIGN_OR_RETURN(const parallel::ProcessEnvironment process,
                   parallel::ReadProcessEnvironment());
  if (process.is_parallel()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "WORLD_SIZE is ", process.size,
        ", and --avd trains in one process; start it without torchrun"));
  }
  ASSIGN_OR_RETURN(overrides, WithSeed(std::move(overrides)));
  TrainAvdOptions options;
  options.checkpoint = UserPath(absl::GetFlag(FLAGS_avd));
  if (IsPretrainedCheckpoint(options.checkpoint)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--avd is ", options.checkpoint,
                     ", which comes with this program; name a copy of it"));
  }
  options.adjust = [overrides](Config* config) {
    AllowTf32(config->training().tf32());
    return AdjustForAvd(overrides, config);
  };
  ASSIGN_OR_RETURN(options.device, SelectDevice(absl::GetFlag(FLAGS_device)));
  RETURN_IF_ERROR(SetThreads(absl::GetFlag(FLAGS_threads)));
  return options;
}

absl::Status TrainAvdNetwork(const std::vector<std::string>& overrides) {
  ASSIGN_OR_RETURN(TrainAvdOptions options,
                   UsageError(AvdOptionsFromFlags(overrides)));
  ProgramHooks program("train");
  options.hooks = program.hooks();
  CatchStopSignals();
  RETURN_IF_ERROR(TrainAvd(options));
  const std::string animate = CommandsForUser(
      "tools/bazelw run //pipelines:animate -- --mode avd --checkpoint ");
  std::printf(
      "train: the AVD network is in %s; use it with\n"
      "  %s%s --source YOUR.png --driving YOUR.mp4\n",
      options.checkpoint.c_str(), animate.c_str(),
      QuotedForShell(options.checkpoint).c_str());
  return absl::OkStatus();
}

std::vector<FlagGroup> FlagGroups() {
  return {{"What is trained", {"config", "set", "seed", "output", "avd"}},
          {"How", {"device", "threads", "profile"}},
          {"Instead of training", {"print_config"}}};
}

absl::Status Run(const CommandLine& line) {
  RETURN_IF_ERROR(UsageError(RefuseArguments(line)));
  const bool is_avd = !absl::GetFlag(FLAGS_avd).empty();
  if (absl::GetFlag(FLAGS_print_config) && !is_avd) {
    return PrintConfig(line.overrides);
  }
  RETURN_IF_ERROR(CheckAddressSpace());
  KeepFreedMemory();
  return is_avd ? TrainAvdNetwork(line.overrides) : TrainModel(line);
}

}  // namespace
}  // namespace pipelines

int main(int argc, char** argv) {
  return pipelines::RunProgram(
      {"train", pipelines::kUsage, __FILE__, pipelines::FlagGroups(),
       "use a lower training.batch_size, with as much more "
       "training.accumulation for as many pairs a step, or a lower data.height "
       "and data.width"},
      argc, argv, pipelines::Run);
}
