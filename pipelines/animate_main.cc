// bazel run //pipelines:animate: see kUsage.
#include <cstdio>
#include <filesystem>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "pipelines/animate_video.h"
#include "pipelines/animator.h"
#include "pipelines/app/command_line.h"
#include "pipelines/app/device.h"
#include "pipelines/app/exit_code.h"
#include "pipelines/app/stop_signal.h"
#include "pipelines/app/user_path.h"
#include "pipelines/report/progress.h"
#include "third_party/absl/status_macros.h"

ABSL_FLAG(std::string, source, "",
          "The still to animate: any image, or a video's first frame.");
ABSL_FLAG(std::string, driving, "",
          "The motion: a video, a folder of frames or stacked frames.");
ABSL_FLAG(
    std::string, checkpoint, "",
    "A checkpoint of a training run (a .safetensors file), or of the paper's "
    "original implementation (.pth.tar).");
ABSL_FLAG(std::string, output, "animation.mp4", "The mp4 to write.");
ABSL_FLAG(
    std::string, mode, "relative",
    "relative: the source moves as the driving figure moves away from its "
    "first frame; standard: it takes the driving figure's own shape.");
ABSL_FLAG(bool, adapt_scale, true,
          "In relative mode, scale motion by the sizes of the two figures.");
ABSL_FLAG(bool, side_by_side, false,
          "Show source and driving video beside the result.");
ABSL_FLAG(int, batch_size, 4, "Frames computed together.");
ABSL_FLAG(bool, overwrite, false, "Replace an output that exists.");
ABSL_FLAG(std::string, device, "auto",
          "auto (the first GPU if there is one), cpu, cuda or cuda:N.");
ABSL_FLAG(int, threads, 0, "CPU threads; 0 is one a core.");

namespace pipelines {
namespace {

constexpr char kProgram[] = "animate";
constexpr char kUsage[] = R"(Animates a still image by the motion of a video.

  tools/bazelw run //pipelines:animate -- --checkpoint runs/demo/checkpoints/step-....safetensors \
      --source me.png --driving dance.mp4 --output out.mp4

Writes an H.264 mp4 that browsers play, with the driving video's frame rate and
audio. Pictures are cropped to the model's aspect about their centre.

Exit codes: 0 done, 1 bad input, 2 bad flag; above 128, try again: 129 disk full
or folder read-only, 130 Ctrl-C, 143 SIGTERM.)";

absl::Status CheckFlags() {
  for (const auto& [name, value] :
       {std::pair("source", absl::GetFlag(FLAGS_source)),
        std::pair("driving", absl::GetFlag(FLAGS_driving)),
        std::pair("checkpoint", absl::GetFlag(FLAGS_checkpoint))}) {
    if (value.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--", name, " is needed; see --help"));
    }
  }
  if (absl::GetFlag(FLAGS_batch_size) < 1) {
    return absl::InvalidArgumentError("--batch_size must be 1 or more");
  }
  const std::string output = UserPath(absl::GetFlag(FLAGS_output));
  if (std::filesystem::exists(output) && !absl::GetFlag(FLAGS_overwrite)) {
    return absl::AlreadyExistsError(
        absl::StrCat(output, " exists; give --overwrite to replace it"));
  }
  return absl::OkStatus();
}

absl::StatusOr<AnimatorOptions> AnimatorOptionsFromFlags() {
  AnimatorOptions options;
  const std::string mode = absl::GetFlag(FLAGS_mode);
  if (mode == "relative") {
    options.transfer.mode = keypoints::TransferMode::kRelative;
  } else if (mode != "standard") {
    return absl::InvalidArgumentError(
        absl::StrCat("--mode is '", mode, "'; use relative or standard"));
  }
  options.transfer.adapt_scale = absl::GetFlag(FLAGS_adapt_scale);
  return options;
}

absl::Status Animate(c10::Device device, const AnimatorOptions& options) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Animator> animator,
                   Animator::Load(UserPath(absl::GetFlag(FLAGS_checkpoint)),
                                  device, options));
  const std::string driving = UserPath(absl::GetFlag(FLAGS_driving));
  const std::string output = UserPath(absl::GetFlag(FLAGS_output));
  std::printf("animate: %dx%d frames on %s\n", animator->frame_size().width,
              animator->frame_size().height, DescribeDevice(device).c_str());
  std::fflush(stdout);
  std::unique_ptr<ProgressBar> bar;
  AnimateVideoOptions video;
  video.side_by_side = absl::GetFlag(FLAGS_side_by_side);
  video.batch_size = absl::GetFlag(FLAGS_batch_size);
  video.progress = [&bar](int64_t done, int64_t total) {
    if (!bar) {
      ProgressOptions progress;
      progress.title = "animate";
      progress.unit = "frames";
      progress.total = total;
      bar = std::make_unique<ProgressBar>(progress);
    }
    bar->Update(done);
  };
  ASSIGN_OR_RETURN(
      const AnimateVideoReport report,
      AnimateVideo(*animator, UserPath(absl::GetFlag(FLAGS_source)), driving,
                   output, video));
  if (bar) bar->Finish();
  for (const std::string& warning : report.warnings) {
    std::fprintf(stderr, "animate: warning: %s\n", warning.c_str());
  }
  std::printf("animate: wrote %lld frames to %s\n",
              static_cast<long long>(report.frames), output.c_str());
  return absl::OkStatus();
}

int Main(int argc, char** argv) {
  const auto line = ParseCommandLine(argc, argv);
  if (!line.ok()) return Exit(kProgram, UsageError(line.status()));
  if (line->help) {
    std::printf("%s\n", HelpText(kUsage, "animate_main.cc").c_str());
    return 0;
  }
  if (const absl::Status status = CheckFlags(); !status.ok()) {
    return Exit(kProgram, UsageError(status));
  }
  const auto options = AnimatorOptionsFromFlags();
  if (!options.ok()) return Exit(kProgram, UsageError(options.status()));
  const auto device = SelectDevice(absl::GetFlag(FLAGS_device));
  if (!device.ok()) return Exit(kProgram, UsageError(device.status()));
  if (const auto status = SetThreads(absl::GetFlag(FLAGS_threads));
      !status.ok()) {
    return Exit(kProgram, UsageError(status));
  }
  CatchStopSignals();
  return Exit(kProgram, Animate(*device, *options));
}

}  // namespace
}  // namespace pipelines

int main(int argc, char** argv) { return pipelines::Main(argc, argv); }
