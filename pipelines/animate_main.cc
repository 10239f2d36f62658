// bazel run //pipelines:animate: see kUsage.
#include <cstdio>
#include <filesystem>
#include <memory>

#include "absl/flags/flag.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "pipelines/animation/animate_batch.h"
#include "pipelines/animation/animate_video.h"
#include "pipelines/animation/animator.h"
#include "pipelines/app/allocation.h"
#include "pipelines/app/command_line.h"
#include "pipelines/app/device.h"
#include "pipelines/app/exit_code.h"
#include "pipelines/app/program.h"
#include "pipelines/app/stop_signal.h"
#include "pipelines/app/user_path.h"
#include "pipelines/data/frame_source.h"
#include "pipelines/pretrained/pretrained.h"
#include "pipelines/report/progress.h"
#include "third_party/absl/status_macros.h"

// --- What goes in
ABSL_FLAG(std::string, source, "",
          "The still to animate: any image, or a frame of a video.");
ABSL_FLAG(std::string, driving, "",
          "The motion: a video, a folder of frames, stacked frames, camera:0 "
          "(until Ctrl-C) or lavfi: with a graph of FFmpeg's filters.");
ABSL_FLAG(std::string, sources, "",
          "For many: a folder of sources, or a .txt file with a path a line. "
          "Each is animated by each of the drivings.");
ABSL_FLAG(std::string, drivings, "",
          "For many: a folder of driving videos, or a .txt file.");
ABSL_FLAG(std::string, checkpoint, "",
          "A checkpoint of a training run (.safetensors) or of the paper's "
          "original implementation (.pth.tar); without one, the one that comes "
          "with this program, which knows drawn puppets.");
ABSL_FLAG(std::string, source_frame, "0",
          "The frame of a source that is a video, from 0; or all, each moved "
          "as the driving frame of its number.");
ABSL_FLAG(std::string, crop, "centre",
          "What the model sees of the source: none (all, squeezed), centre or "
          "face (the largest one's surroundings).");
ABSL_FLAG(std::string, driving_crop, "",
          "The same for the driving video. "
          "Empty: as --crop.");
ABSL_FLAG(int64_t, max_frames, 0, "At most so many driving frames; 0 is all.");
ABSL_FLAG(bool, allow_damaged, false,
          "Read on after damaged places of a driving video, and say what was "
          "lost.");

// --- Motion
ABSL_FLAG(
    std::string, mode, "relative",
    "relative: the source moves as the driving figure moves away from its "
    "first frame; standard: it takes the driving figure's own shape; avd: it "
    "takes its pose, by a network that not every checkpoint has.");
ABSL_FLAG(bool, adapt_scale, true,
          "In relative mode, scale motion by the sizes of the two figures.");
ABSL_FLAG(std::string, start, "first",
          "The driving frame that relative motion starts from: first, a "
          "number, or the one whose keypoints are most like the source's, by "
          "place and size (keypoints) or by turn, too (alignment).");
ABSL_FLAG(std::string, motion_scale, "1",
          "How much of the motion is shown, 0 to 2; one value, or one for each "
          "group of keypoints, with commas between.");
ABSL_FLAG(bool, smooth, false, "Calm jittering keypoints (one-euro filter).");
ABSL_FLAG(double, smooth_cutoff, 1,
          "For --smooth: Hz that pass at rest; lower is steadier.");
ABSL_FLAG(double, smooth_gain, 20,
          "For --smooth: Hz that the cutoff rises for each half side a second; "
          "higher lags less.");

// --- What comes out
ABSL_FLAG(std::string, output, "animation.mp4",
          "What to write, by its ending: mp4, mov, mkv, webm, avi, gif, or a "
          "folder of PNGs without one. For many, the folder of the results.");
ABSL_FLAG(std::string, format, ".mp4", "For many: the ending of the results.");
ABSL_FLAG(bool, comparison, false,
          "For many: also all results of a driving video in one grid.");
ABSL_FLAG(std::string, panels, "result",
          "What a frame shows: some of source, driving, result, keypoints, "
          "flow, occlusion, grid, with commas between.");
ABSL_FLAG(int, columns, 0, "Panels beside each other; 0 chooses.");
ABSL_FLAG(bool, side_by_side, false,
          "Short for "
          "--panels=source,driving,result.");
ABSL_FLAG(bool, paste_back, false,
          "Put the animated crop back into the whole source.");
ABSL_FLAG(std::string, size, "",
          "Of the result: 640x480, or 512 for the shorter side. Empty: the "
          "model's own, enlarged by a whole factor to at least 256.");
ABSL_FLAG(std::string, save_keypoints, "",
          "Also write the driving keypoints to this .npy file.");
ABSL_FLAG(std::string, save_flow, "",
          "Also write where each pixel comes from to this .npy file.");
ABSL_FLAG(bool, overwrite, false, "Replace an output that exists.");

// --- How
ABSL_FLAG(int, batch_size, 0,
          "Frames computed together; 0 chooses by their size.");
ABSL_FLAG(std::string, device, "auto",
          "auto (the first GPU if there is one), cpu, cuda or cuda:N.");
ABSL_FLAG(std::string, precision, "auto",
          "float32, bfloat16, or auto: the faster one where the processor has "
          "units for bfloat16, else float32.");
ABSL_FLAG(int, threads, 0, "CPU threads; 0 is one a core.");
ABSL_FLAG(bool, quiet, false, "Say nothing but errors.");
ABSL_FLAG(bool, json, false, "Print a report as JSON, for scripts.");

namespace pipelines {
namespace {

constexpr char kUsage[] = R"(Animates a still image by the motion of a video.

  tools/bazelw run //pipelines:animate
      shows what it does: moves a drawn puppet, writes animation.mp4
  tools/bazelw run //pipelines:animate -- --source me.png --driving dance.mp4 \
      --checkpoint runs/mine/checkpoints/step-....safetensors --output out.mp4
  tools/bazelw run //pipelines:animate -- --sources stills/ --drivings videos/ \
      --checkpoint ... --output results/
      animates each still by each video; run again to do what is missing

Writes an H.264 mp4 that browsers play, with the driving video's frame times and
audio, and a note in it that it is synthetic. pipelines/animation/README.md says more.

Exit codes: 0 done, 1 bad input, 2 bad flag; above 128, try again: 129 disk full
or folder read-only, 130 Ctrl-C, 143 SIGTERM.)";

bool IsQuiet() {
  return absl::GetFlag(FLAGS_quiet) || absl::GetFlag(FLAGS_json);
}

absl::StatusOr<std::vector<double>> ParseScales(const std::string& text) {
  std::vector<double> scales;
  for (const absl::string_view word : absl::StrSplit(text, ',')) {
    double scale = 0;
    if (!absl::SimpleAtod(word, &scale)) {
      return absl::InvalidArgumentError(
          absl::StrCat("--motion_scale: '", word, "' is no number"));
    }
    scales.push_back(scale);
  }
  return scales;
}

absl::StatusOr<keypoints::TransferMode> ParseMode(const std::string& name) {
  if (name == "relative") return keypoints::TransferMode::kRelative;
  if (name == "standard") return keypoints::TransferMode::kStandard;
  if (name == "avd") return keypoints::TransferMode::kAvd;
  return absl::InvalidArgumentError(
      absl::StrCat("--mode is '", name, "'; use relative, standard or avd"));
}

absl::StatusOr<AnimatorOptions> AnimatorOptionsFromFlags() {
  AnimatorOptions options;
  ASSIGN_OR_RETURN(options.transfer.mode, ParseMode(absl::GetFlag(FLAGS_mode)));
  ASSIGN_OR_RETURN(options.precision,
                   ParsePrecision(absl::GetFlag(FLAGS_precision)));
  options.transfer.adapt_scale = absl::GetFlag(FLAGS_adapt_scale);
  ASSIGN_OR_RETURN(options.transfer.motion_scale,
                   ParseScales(absl::GetFlag(FLAGS_motion_scale)));
  if (!absl::GetFlag(FLAGS_smooth)) return options;
  keypoints::OneEuroOptions& smoothing = options.smoothing.emplace();
  smoothing.min_cutoff = absl::GetFlag(FLAGS_smooth_cutoff);
  smoothing.speed_gain = absl::GetFlag(FLAGS_smooth_gain);
  if (!(smoothing.min_cutoff > 0) || !(smoothing.speed_gain >= 0)) {
    return absl::InvalidArgumentError(
        "--smooth_cutoff must be above 0 and --smooth_gain 0 or more");
  }
  return options;
}

// "640x480", "512", "".
absl::StatusOr<cv::Size> ParseSize(const std::string& text) {
  constexpr int kMaxSide = 16384;
  if (text.empty()) return cv::Size();
  const std::vector<std::string> sides = absl::StrSplit(text, 'x');
  std::vector<int> values(sides.size());
  bool good = sides.size() <= 2;
  for (size_t i = 0; i < sides.size(); ++i) {
    good = good && absl::SimpleAtoi(sides[i], &values[i]) && values[i] >= 1 &&
           values[i] <= kMaxSide;
  }
  if (!good) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--size is '", text, "'; use 640x480, or 512 for the shorter side"));
  }
  return values.size() == 1 ? cv::Size(0, values[0])
                            : cv::Size(values[0], values[1]);
}

absl::Status SetInputs(AnimateVideoOptions* options) {
  const std::string frame = absl::GetFlag(FLAGS_source_frame);
  options->animate_source_video = frame == "all";
  if (frame != "all" && (!absl::SimpleAtoi(frame, &options->source_frame) ||
                         options->source_frame < 0)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--source_frame is '", frame, "'; use a number from 0, or all"));
  }
  const std::string crop = absl::GetFlag(FLAGS_crop);
  ASSIGN_OR_RETURN(options->source_crop, ParseCropMode(crop));
  const std::string driving_crop = absl::GetFlag(FLAGS_driving_crop);
  ASSIGN_OR_RETURN(options->driving_crop,
                   ParseCropMode(driving_crop.empty() ? crop : driving_crop));
  ASSIGN_OR_RETURN(options->start, ParseStartFrame(absl::GetFlag(FLAGS_start)));
  options->max_frames = absl::GetFlag(FLAGS_max_frames);
  options->allow_damaged = absl::GetFlag(FLAGS_allow_damaged);
  return absl::OkStatus();
}

absl::StatusOr<AnimateVideoOptions> VideoOptionsFromFlags() {
  AnimateVideoOptions options;
  RETURN_IF_ERROR(SetInputs(&options));
  const std::string panels = absl::GetFlag(FLAGS_side_by_side)
                                 ? "source,driving,result"
                                 : absl::GetFlag(FLAGS_panels);
  ASSIGN_OR_RETURN(options.panels, ParsePanels(panels));
  options.columns = absl::GetFlag(FLAGS_columns);
  options.paste_back = absl::GetFlag(FLAGS_paste_back);
  ASSIGN_OR_RETURN(options.size, ParseSize(absl::GetFlag(FLAGS_size)));
  options.min_output_side = options.paste_back ? 0 : 256;
  options.save_keypoints = UserPath(absl::GetFlag(FLAGS_save_keypoints));
  options.save_flow = UserPath(absl::GetFlag(FLAGS_save_flow));
  options.batch_size = absl::GetFlag(FLAGS_batch_size);
  if (options.batch_size < 0 || options.max_frames < 0 || options.columns < 0) {
    return absl::InvalidArgumentError(
        "--batch_size, --max_frames and --columns must not be negative");
  }
  return options;
}

std::string InputPath(const std::string& path) {
  return data::IsDevice(path) ? path : UserPath(path);
}

absl::StatusOr<std::vector<BatchItem>> ManyItems() {
  if (!absl::GetFlag(FLAGS_save_keypoints).empty() ||
      !absl::GetFlag(FLAGS_save_flow).empty()) {
    return absl::InvalidArgumentError(
        "--save_keypoints and --save_flow are for one animation at a time");
  }
  const auto list =
      [](const std::string& many,
         const std::string& one) -> absl::StatusOr<std::vector<std::string>> {
    if (!many.empty()) return ListInputs(UserPath(many));
    return std::vector<std::string>{InputPath(one)};
  };
  ASSIGN_OR_RETURN(
      const std::vector<std::string> sources,
      list(absl::GetFlag(FLAGS_sources), absl::GetFlag(FLAGS_source)));
  ASSIGN_OR_RETURN(
      const std::vector<std::string> drivings,
      list(absl::GetFlag(FLAGS_drivings), absl::GetFlag(FLAGS_driving)));
  const std::string folder = UserPath(absl::GetFlag(FLAGS_output));
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    return absl::PermissionDeniedError(
        absl::StrCat(folder, ": cannot make this folder: ", error.message()));
  }
  return PairAll(sources, drivings, folder, absl::GetFlag(FLAGS_format));
}

absl::StatusOr<std::vector<BatchItem>> ItemsFromFlags() {
  const std::string source = absl::GetFlag(FLAGS_source);
  const std::string driving = absl::GetFlag(FLAGS_driving);
  const bool has_source =
      !source.empty() || !absl::GetFlag(FLAGS_sources).empty();
  const bool has_driving =
      !driving.empty() || !absl::GetFlag(FLAGS_drivings).empty();
  if (has_source != has_driving) {
    return UsageError(absl::InvalidArgumentError(absl::StrCat(
        has_source ? "--driving" : "--source", " is needed, too; see --help")));
  }
  if (!absl::GetFlag(FLAGS_sources).empty() ||
      !absl::GetFlag(FLAGS_drivings).empty()) {
    return ManyItems();
  }
  const std::string output = UserPath(absl::GetFlag(FLAGS_output));
  if (std::filesystem::exists(output) && !absl::GetFlag(FLAGS_overwrite)) {
    return UsageError(absl::AlreadyExistsError(
        absl::StrCat(output, " exists; give --overwrite to replace it")));
  }
  if (!has_source) {
    return std::vector<BatchItem>{{ExampleSource(), ExampleDriving(), output}};
  }
  return std::vector<BatchItem>{
      {InputPath(source), InputPath(driving), output}};
}

// One progress bar an animation.
class Progress {
 public:
  void Begin(size_t index, size_t count, const BatchItem& item) {
    bar_.reset();
    title_ = "animate";
    if (count > 1) absl::StrAppend(&title_, " ", index + 1, "/", count);
    if (count > 1 && !IsQuiet()) {
      std::printf("animate: %s\n", item.output.c_str());
      std::fflush(stdout);
    }
  }

  void Update(int64_t done, int64_t total) {
    if (absl::GetFlag(FLAGS_quiet)) return;
    if (!bar_) {
      ProgressOptions options;
      options.title = title_;
      options.unit = "frames";
      options.total = total;
      bar_ = std::make_unique<ProgressBar>(options);
    }
    bar_->Update(done);
    if (done == total) bar_->Finish();
  }

 private:
  std::string title_;
  std::unique_ptr<ProgressBar> bar_;
};

void PrintResults(const std::vector<BatchResult>& results,
                  const std::string& checkpoint) {
  for (const BatchResult& result : results) {
    for (const std::string& warning : result.report.warnings) {
      std::fprintf(stderr, "animate: warning: %s\n", warning.c_str());
    }
    if (!result.report.damage.empty()) {
      std::fprintf(stderr, "animate: warning: %s: %s\n",
                   result.item.driving.c_str(), result.report.damage.c_str());
    }
  }
  if (absl::GetFlag(FLAGS_json)) {
    std::printf("%s\n", BatchJson(results, checkpoint).c_str());
  } else if (results.size() > 1 && !IsQuiet()) {
    std::printf("%s", BatchTable(results).c_str());
  } else if (results.size() == 1 && results[0].status.ok() && !IsQuiet()) {
    const AnimateVideoReport& report = results[0].report;
    std::printf("animate: wrote %lld frames to %s in %.1f s\n",
                static_cast<long long>(report.frames),
                results[0].item.output.c_str(), report.seconds);
  }
}

void PrintHead(const Animator& animator, c10::Device device) {
  if (IsQuiet()) return;
  if (absl::GetFlag(FLAGS_checkpoint).empty()) {
    std::printf(
        "animate: no --checkpoint is given: using the one that comes with this "
        "program, trained on drawn puppets. It moves these well, little else; "
        "tools/bazelw run //pipelines:train makes one from your own videos.\n");
  }
  std::printf("animate: %dx%d frames on %s, in %s\n",
              animator.frame_size().width, animator.frame_size().height,
              DescribeDevice(device).c_str(),
              PrecisionName(animator.precision()));
  std::fflush(stdout);
}

absl::Status Animate(c10::Device device,
                     const AnimatorOptions& animator_options,
                     const AnimateVideoOptions& video) {
  ASSIGN_OR_RETURN(const std::vector<BatchItem> items, ItemsFromFlags());
  const std::string given = UserPath(absl::GetFlag(FLAGS_checkpoint));
  const std::string checkpoint = given.empty() ? PretrainedCheckpoint() : given;
  ASSIGN_OR_RETURN(const std::unique_ptr<Animator> animator,
                   Animator::Load(checkpoint, device, animator_options));
  PrintHead(*animator, device);
  Progress progress;
  BatchOptions batch;
  batch.video = video;
  batch.video.progress = [&](int64_t done, int64_t total) {
    progress.Update(done, total);
  };
  batch.overwrite = absl::GetFlag(FLAGS_overwrite);
  batch.begin = [&](size_t index, const BatchItem& item) {
    progress.Begin(index, items.size(), item);
  };
  const std::vector<BatchResult> results =
      AnimateBatch(*animator, items, batch);
  PrintResults(results, checkpoint);
  if (absl::GetFlag(FLAGS_comparison)) {
    ASSIGN_OR_RETURN(const std::vector<std::string> written,
                     WriteComparisons(results));
    for (const std::string& path : written) {
      if (!IsQuiet()) std::printf("animate: compared in %s\n", path.c_str());
    }
  }
  if (results.size() < items.size()) return StoppedBySignal(StopSignal());
  return BatchStatus(results);
}

absl::Status Run(const CommandLine& line) {
  RETURN_IF_ERROR(UsageError(RefuseArguments(line)));
  const auto options = AnimatorOptionsFromFlags();
  if (!options.ok()) return UsageError(options.status());
  const auto video = VideoOptionsFromFlags();
  if (!video.ok()) return UsageError(video.status());
  const auto device = SelectDevice(absl::GetFlag(FLAGS_device));
  if (!device.ok()) return UsageError(device.status());
  RETURN_IF_ERROR(UsageError(SetThreads(absl::GetFlag(FLAGS_threads))));
  KeepFreedMemory();
  CatchStopSignals();
  return Animate(*device, *options, *video);
}

}  // namespace
}  // namespace pipelines

int main(int argc, char** argv) {
  return pipelines::RunProgram({"animate", pipelines::kUsage, __FILE__}, argc,
                               argv, pipelines::Run);
}
