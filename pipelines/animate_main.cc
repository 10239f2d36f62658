// tools/bazelw run //pipelines:animate: see animate_flags.h.
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "keypoints/transfer.h"
#include "networks/files/outputs.h"
#include "pipelines/animate_flags.h"
#include "pipelines/animation/animate_batch.h"
#include "pipelines/animation/animate_items.h"
#include "pipelines/animation/animate_video.h"
#include "pipelines/animation/animator.h"
#include "pipelines/animation/precision.h"
#include "pipelines/animation/record_motion.h"
#include "pipelines/animation/show_sets.h"
#include "pipelines/app/allocation.h"
#include "pipelines/app/command_line.h"
#include "pipelines/app/device_flags.h"
#include "pipelines/app/exit_code.h"
#include "pipelines/app/flag_error.h"
#include "pipelines/app/installed_commands.h"
#include "pipelines/app/program.h"
#include "pipelines/app/progress.h"
#include "pipelines/app/user_outputs.h"
#include "pipelines/base/quoted_for_shell.h"
#include "pipelines/base/stop_signal.h"
#include "pipelines/base/work_hooks.h"
#include "pipelines/checkpoint/run_checkpoint.h"
#include "pipelines/pretrained/pretrained.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

// Whether standard output is for people: --json keeps it for the report.
bool PrintsText(const AnimateRequest& request) {
  return !request.quiet && !request.json;
}

// One progress bar an animation.
class Progress {
 public:
  Progress(const AnimateRequest& request, size_t count)
      : request_(request), count_(count) {}

  void Begin(size_t index) {
    bar_.reset();
    title_ = "animate";
    if (count_ <= 1) return;
    absl::StrAppend(&title_, " ", index + 1, "/", count_);
  }

  void Update(const WorkProgress& now) {
    if (request_.quiet) return;
    if (!bar_) {
      ProgressOptions options;
      options.title = title_.empty() ? std::string(now.stage) : title_;
      options.unit = std::string(now.unit);
      options.total = now.total;
      bar_ = std::make_unique<ProgressBar>(options);
    }
    bar_->Update(now.done);
    if (now.total > 0 && now.done == now.total) bar_->Finish();
  }

  // Ends the line of the bar, so that others can be printed.
  void End() { bar_.reset(); }

 private:
  const AnimateRequest& request_;
  size_t count_;
  std::string title_;
  std::unique_ptr<ProgressBar> bar_;
};

void PrintWarnings(const std::vector<std::string>& warnings,
                   const std::string& driving, const std::string& damage) {
  for (const std::string& warning : warnings) {
    PrintLine(stderr, absl::StrCat("animate: warning: ", warning));
  }
  if (damage.empty()) return;
  PrintLine(stderr, absl::StrCat("animate: warning: ", driving, ": ", damage));
}

void PrintNote(const AnimateRequest& request, const std::string& note) {
  if (request.quiet) return;
  PrintLine(stderr, absl::StrCat("animate: note: ", note));
}

void PrintKept(const std::string& output) {
  PrintLine(stdout, absl::StrCat("animate: ", output,
                                 " is there and stays as it is; --overwrite "
                                 "makes it anew"));
}

// Right after the animation, of which there may be many. A single one's failure
// is the program's error; what of many is skipped is in their table.
void PrintResult(const BatchResult& result, bool is_single,
                 const AnimateRequest& request) {
  PrintWarnings(result.report.warnings, result.item.driving,
                result.report.damage);
  if (result.state == BatchResult::State::kFailed) {
    if (is_single) return;
    const std::string& output = result.item.output;
    std::string message(result.status.message());
    if (!absl::StartsWith(message, output)) {
      message = absl::StrCat(output, ": ", message);
    }
    PrintLine(stderr,
              absl::StrCat("animate: failed: ", CommandsForUser(message)));
  } else if (!PrintsText(request)) {
    return;
  } else if (result.state == BatchResult::State::kDone) {
    const AnimateVideoReport& report = result.report;
    PrintLine(stdout, absl::StrFormat("animate: wrote %d %s to %s in %.1f s",
                                      report.frames,
                                      report.frames == 1 ? "frame" : "frames",
                                      result.item.output, report.seconds));
  } else if (is_single) {
    PrintKept(result.item.output);
  }
}

void PrintResults(const std::vector<BatchResult>& results,
                  const AnimateRequest& request, const std::string& checkpoint,
                  Precision precision) {
  if (request.json) {
    std::printf("%s\n", BatchJson(results, checkpoint, precision).c_str());
  } else if (results.size() > 1 && !request.quiet) {
    PrintLines(stdout, BatchTable(results));
  }
}

void PrintHead(const Animator& animator, c10::Device device,
               const AnimateRequest& request) {
  if (request.checkpoint.empty()) {
    const std::string weights = CommandsForUser(
        "Weights that know faces: tools/bazelw run //tools:fetch_weights -- "
        "tps-vox; tools/bazelw run //pipelines:train makes some from your own "
        "videos.");
    std::printf(
        "animate: no --checkpoint is given: using the one that comes with this "
        "program, trained on drawn puppets. It moves these well, little else. "
        "%s\n",
        weights.c_str());
  }
  const bool is_chosen = request.animator.precision == Precision::kAuto;
  std::printf("animate: %dx%d frames on %s, in %s%s; motion model %s\n",
              animator.frame_size().width, animator.frame_size().height,
              DescribeDevice(device).c_str(),
              PrecisionName(animator.precision()),
              is_chosen ? ", chosen by the processor" : "",
              animator.motion_name().c_str());
  std::fflush(stdout);
}

BatchOptions OptionsOf(const AnimateRequest& request,
                       const std::string& checkpoint) {
  BatchOptions batch;
  batch.video = request.video;
  batch.video.overwrite = request.overwrite;
  batch.video.other_inputs = {checkpoint};
  batch.video.pose_advice = "use --mode standard or --mode avd";
  batch.video.hooks.stop = [] { return StopSignal() != 0; };
  batch.skips_existing = AreMany(request.inputs);
  batch.halt_on_error = request.halt_on_error;
  batch.compares = request.comparison;
  return batch;
}

std::vector<BatchResult> AnimateAll(Animator& animator,
                                    const std::vector<BatchItem>& items,
                                    const AnimateRequest& request,
                                    BatchOptions batch) {
  Progress progress(request, items.size());
  batch.video.hooks.progress = [&](const WorkProgress& now) {
    progress.Update(now);
  };
  batch.begin = [&](size_t index, const BatchItem&) { progress.Begin(index); };
  batch.end = [&](const BatchResult& result) {
    progress.End();
    PrintResult(result, items.size() == 1, request);
  };
  return AnimateBatch(animator, items, batch);
}

// Whether an animation that failed kept others from being tried.
bool IsHalted(const std::vector<BatchResult>& results,
              const BatchOptions& batch) {
  return batch.halt_on_error && !results.empty() &&
         results.back().state == BatchResult::State::kFailed;
}

absl::Status Compare(const std::vector<BatchResult>& results,
                     const AnimateRequest& request, const BatchOptions& batch) {
  ASSIGN_OR_RETURN(const std::vector<BatchComparison> comparisons,
                   WriteComparisons(results, batch));
  for (const BatchComparison& comparison : comparisons) {
    PrintWarnings(comparison.warnings, "", "");
    if (!PrintsText(request)) continue;
    if (comparison.is_new) {
      PrintLine(stdout, absl::StrCat("animate: compared in ", comparison.path));
    } else {
      PrintKept(comparison.path);
    }
  }
  return absl::OkStatus();
}

// Of what is no animation; CheckOutputs looks at the outputs of those.
absl::Status CheckOutput(const AnimateRequest& request) {
  networks::files::PlannedOutputs planned;
  planned.files = {request.records_motion ? request.video.save_motion
                                          : request.show_sets};
  planned.inputs = {request.inputs.source, request.inputs.driving};
  planned.overwrite = request.overwrite;
  planned.makes_folders = true;
  return CheckUserOutputs(planned);
}

// What the outputs would harm is a mistake on the command line.
absl::Status CheckOutputs(const std::vector<BatchItem>& items,
                          const BatchOptions& batch) {
  BatchOptions replacing = batch;
  replacing.video.overwrite = true;
  return ExplainOutputs(CheckBatch(items, batch),
                        CheckBatch(items, replacing).ok());
}

absl::StatusOr<std::unique_ptr<Animator>> LoadAnimator(
    const std::string& checkpoint, c10::Device device,
    const AnimatorOptions& options) {
  absl::StatusOr<std::unique_ptr<Animator>> animator =
      Animator::Load(checkpoint, device, options);
  if (animator.ok()) {
    if (const std::string warning = (*animator)->unpainted_warning();
        !warning.empty()) {
      PrintWarnings({absl::StrCat(checkpoint, ": ", warning)}, "", "");
    }
    return animator;
  }
  if (!absl::IsFailedPrecondition(animator.status()) ||
      options.transfer.mode != keypoints::TransferMode::kAvd) {
    return animator;
  }
  // What comes with the program stays as it is.
  const bool needs_copy = IsPretrainedCheckpoint(checkpoint);
  const std::string target = needs_copy ? "mine.safetensors" : checkpoint;
  return absl::FailedPreconditionError(absl::StrCat(
      animator.status().message(), "; this trains one",
      needs_copy ? absl::StrCat(" for a copy, to be named as --checkpoint: cp ",
                                QuotedForShell(checkpoint), " ", target, " && ")
                 : ": ",
      "tools/bazelw run //pipelines:train -- --avd ", QuotedForShell(target)));
}

// A folder of many is easily named as one, and its first file is no picture.
absl::Status AdviseMany(const absl::Status& status,
                        const AnimateRequest& request) {
  const AnimateInputs& inputs = request.inputs;
  for (const auto& [flag, path] : {std::pair("source", &inputs.source),
                                   std::pair("driving", &inputs.driving)}) {
    std::error_code error;
    if (!absl::IsInvalidArgument(status) || path->empty() ||
        !absl::StartsWith(status.message(), *path) ||
        !std::filesystem::is_directory(*path, error)) {
      continue;
    }
    return absl::InvalidArgumentError(absl::StrCat(
        status.message(), "; --", flag, "s takes a folder of several"));
  }
  return status;
}

absl::Status ShowSets(const AnimateRequest& request, c10::Device device,
                      const std::string& checkpoint,
                      const BatchOptions& batch) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Animator> animator,
                   LoadAnimator(checkpoint, device, request.animator));
  const std::string source =
      request.inputs.source.empty() ? ExampleSource() : request.inputs.source;
  RETURN_IF_ERROR(
      WriteSetsPicture(*animator, source, request.show_sets, batch.video));
  if (PrintsText(request)) {
    const std::string& names = animator->set_names().path;
    PrintLine(
        stdout,
        absl::StrCat("animate: wrote the ", animator->num_keypoint_sets(),
                     " keypoint sets to ", request.show_sets,
                     names.empty() ? "" : "; names for them go into ", names));
  }
  return absl::OkStatus();
}

// As --json reports it: an animation without a source.
BatchResult RecordedItem(const absl::StatusOr<RecordMotionReport>& report,
                         const AnimateRequest& request) {
  BatchResult result;
  result.item.driving = request.inputs.driving;
  result.item.output = request.video.save_motion;
  result.status = report.status();
  if (!report.ok()) return result;
  result.state = BatchResult::State::kDone;
  result.report.frames = report->frames;
  result.report.damage = report->damage;
  result.report.warnings = report->warnings;
  result.report.seconds = report->seconds;
  return result;
}

void PrintRecorded(const absl::StatusOr<RecordMotionReport>& report,
                   const AnimateRequest& request, const std::string& checkpoint,
                   Precision precision) {
  if (report.ok()) {
    PrintWarnings(report->warnings, request.inputs.driving, report->damage);
  }
  if (request.json) {
    std::vector<BatchResult> results;
    // What was stopped is left out, as of many.
    if (!absl::IsCancelled(report.status())) {
      results.push_back(RecordedItem(report, request));
    }
    std::printf("%s\n", BatchJson(results, checkpoint, precision).c_str());
  } else if (report.ok() && !request.quiet) {
    PrintLine(stdout,
              absl::StrFormat(
                  "animate: wrote the motion of %d %s to %s in %.1f s",
                  report->frames, report->frames == 1 ? "frame" : "frames",
                  request.video.save_motion, report->seconds));
  }
}

absl::Status Record(const AnimateRequest& request, c10::Device device,
                    const std::string& checkpoint, const BatchOptions& batch) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Animator> animator,
                   LoadAnimator(checkpoint, device, request.animator));
  if (PrintsText(request)) PrintHead(*animator, device, request);
  RecordMotionOptions options;
  options.reader = DrivingOptionsOf(batch.video, *animator);
  options.batch_size = batch.video.batch_size;
  options.overwrite = batch.video.overwrite;
  options.other_inputs = batch.video.other_inputs;
  options.hooks = batch.video.hooks;
  Progress progress(request, 1);
  options.hooks.progress = [&](const WorkProgress& now) {
    progress.Update(now);
  };
  const absl::StatusOr<RecordMotionReport> report = RecordMotion(
      *animator, request.inputs.driving, request.video.save_motion, options);
  PrintRecorded(report, request, checkpoint, animator->precision());
  return report.status();
}

absl::Status Animate(const AnimateRequest& request, c10::Device device) {
  for (const std::string& note : request.notes) PrintNote(request, note);
  ASSIGN_OR_RETURN(
      const std::string checkpoint,
      CheckpointAt(request.checkpoint.empty() ? PretrainedCheckpoint()
                                              : request.checkpoint));
  const BatchOptions batch = OptionsOf(request, checkpoint);
  if (!request.show_sets.empty()) {
    return ShowSets(request, device, checkpoint, batch);
  }
  if (request.records_motion) {
    return Record(request, device, checkpoint, batch);
  }
  WorkHooks listing = batch.video.hooks;
  listing.note = [&](const std::string& note) { PrintNote(request, note); };
  ASSIGN_OR_RETURN(const std::vector<BatchItem> items,
                   AnimateItems(request.inputs, listing));
  RETURN_IF_ERROR(CheckOutputs(items, batch));
  ASSIGN_OR_RETURN(const std::unique_ptr<Animator> animator,
                   LoadAnimator(checkpoint, device, request.animator));
  if (PrintsText(request)) PrintHead(*animator, device, request);
  const std::vector<BatchResult> results =
      AnimateAll(*animator, items, request, batch);
  PrintResults(results, request, checkpoint, animator->precision());
  if (results.size() == items.size()) {
    if (request.comparison) RETURN_IF_ERROR(Compare(results, request, batch));
  } else if (!IsHalted(results, batch)) {
    return StoppedError();
  }
  return AdviseMany(BatchStatus(results, items.size()), request);
}

absl::Status Run(const CommandLine& line) {
  RETURN_IF_ERROR(UsageError(RefuseArguments(line)));
  ASSIGN_OR_RETURN(const AnimateRequest request,
                   UsageError(AnimateRequestFromFlags()));
  RETURN_IF_ERROR(CheckAddressSpace());
  ASSIGN_OR_RETURN(const c10::Device device,
                   UsageError(SelectDevice(request.device)));
  if (request.animator.precision == Precision::kFloat16 && device.is_cpu()) {
    return BadFlag(
        "precision is float16, which is for GPUs; use float32 or bfloat16");
  }
  RETURN_IF_ERROR(UsageError(SetThreads(request.threads)));
  AllowTf32(request.tf32);
  RETURN_IF_ERROR(CheckOutput(request));
  KeepFreedMemory();
  CatchStopSignals();
  return Animate(request, device);
}

}  // namespace
}  // namespace pipelines

int main(int argc, char** argv) {
  return pipelines::RunProgram(
      {"animate", pipelines::kAnimateUsage, pipelines::kAnimateFlagsFile,
       pipelines::AnimateFlagGroups()},
      argc, argv, pipelines::Run);
}
