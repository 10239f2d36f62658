// studio_worker: does one job. job_queue.h starts it; nobody else needs it.
//
//   studio_worker --job=FOLDER FLAGS OF animate
//   studio_worker --describe_device DEVICE
//
// The second form prints {"device":"cuda:0"} or {"code","message"}, for
// device_in_use.h.
//
// It is `animate` with the same flags, and so makes the same file. It loads the
// checkpoint, then gives up everything but FOLDER/inputs (to read) and
// FOLDER/output (to read and write), and only then reads the inputs. Tells the
// server of its work by worker_events.h on standard output; what else it or a
// library prints goes to standard error. SIGTERM ends it as Ctrl-C ends
// animate: nothing half is left.
#include <sys/mman.h>
#include <torch/types.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "networks/files/atomic_file.h"
#include "nlohmann/json.hpp"
#include "opencv2/core.hpp"
#include "opencv2/imgproc.hpp"
#include "pipelines/animate_flags.h"
#include "pipelines/animation/animate_video.h"
#include "pipelines/animation/animator.h"
#include "pipelines/animation/motion_file.h"
#include "pipelines/animation/record_motion.h"
#include "pipelines/app/allocation.h"
#include "pipelines/app/command_line.h"
#include "pipelines/app/device_flags.h"
#include "pipelines/base/deadline.h"
#include "pipelines/base/exception_status.h"
#include "pipelines/base/stop_signal.h"
#include "pipelines/base/stopwatch.h"
#include "pipelines/base/work_hooks.h"
#include "pipelines/checkpoint/run_checkpoint.h"
#include "pipelines/media/image_io.h"
#include "pipelines/media/provenance.h"
#include "pipelines/media/transparency.h"
#include "pipelines/report/visualize.h"
#include "third_party/absl/status_macros.h"
#include "tools/studio/base/field_error.h"
#include "tools/studio/jobs/jail.h"
#include "tools/studio/jobs/worker_events.h"
#include "tools/studio/jobs/zip_file.h"

ABSL_FLAG(std::string, job, "", "The folder of the job.");

namespace studio {
namespace {

using Json = nlohmann::json;
using pipelines::AnimateRequest;
using pipelines::Animator;

// Shows some of the frames while they are made.
class LiveView {
 public:
  explicit LiveView(EventWriter* events) : events_(events) {}

  // frame: RGB or RGBA.
  void Show(int64_t index, const cv::Mat& frame) {
    size_ = frame.size();
    if (!next_.HasPassed()) return;
    const pipelines::Stopwatch stopwatch;
    const double scale = std::min(
        1.0, static_cast<double>(kLiveSide) / std::max(frame.cols, frame.rows));
    cv::Mat small = frame;
    if (scale < 1) {
      cv::resize(frame, small,
                 {Scaled(frame.cols, scale), Scaled(frame.rows, scale)}, 0, 0,
                 cv::INTER_AREA);
    }
    if (small.channels() == 4) small = pipelines::media::OnWhite(small);
    const absl::StatusOr<std::string> png =
        pipelines::media::EncodeImage(small, ".png", "the newest frame");
    if (png.ok()) events_->Frame(index, *png);
    // At most a fiftieth of the time of one thread, and four a second.
    constexpr int kShare = 50;
    next_ = pipelines::Deadline(std::max(
        absl::Milliseconds(250), kShare * absl::Seconds(stopwatch.Seconds())));
  }

  // Of the frames.
  cv::Size size() const { return size_; }

 private:
  static int Scaled(int length, double scale) {
    return std::max(1, static_cast<int>(std::lround(length * scale)));
  }

  EventWriter* events_;
  cv::Size size_;
  pipelines::Deadline next_{-absl::InfiniteDuration()};
};

std::string OutputOf(const std::string& name) {
  return absl::StrCat(absl::GetFlag(FLAGS_job), "/output/", name);
}

pipelines::WorkHooks HooksFor(const std::string& stage, EventWriter* events) {
  pipelines::WorkHooks hooks;
  hooks.stop = [] { return pipelines::StopSignal() != 0; };
  hooks.progress = [stage, events](const pipelines::WorkProgress& now) {
    if (now.done == 0) events->Stage(stage);
    events->Progress(now.done, now.total);
    if (now.total > 0 && now.done == now.total) events->Stage("encoding");
  };
  return hooks;
}

std::vector<std::string> AllWarnings(std::vector<std::string> warnings,
                                     const std::string& damage) {
  if (!damage.empty()) warnings.push_back(damage);
  return warnings;
}

// The frames of a transparent result, which the video cannot hold, as the zip
// archive of PNGs that a job gives. Nothing of them is left unless it is
// finished.
class TransparentFrames {
 public:
  // frame: RGBA.
  void Add(int64_t index, const cv::Mat& frame) {
    if (status_.ok()) status_ = TryToAdd(index, frame);
  }

  // What went wrong with any of them.
  absl::Status Finish() {
    if (!status_.ok() || zip_ == nullptr) return status_;
    return zip_->Finish();
  }

 private:
  absl::Status TryToAdd(int64_t index, const cv::Mat& frame) {
    if (zip_ == nullptr) {
      ASSIGN_OR_RETURN(zip_, ZipWriter::Create(OutputOf("result.zip")));
    }
    const std::string name = FrameFileName(index);
    ASSIGN_OR_RETURN(const std::string png,
                     pipelines::media::EncodeImage(
                         frame, ".png", name, pipelines::media::kSynthetic));
    return zip_->Add(name, png);
  }

  std::unique_ptr<ZipWriter> zip_;
  absl::Status status_;
};

absl::Status Animate(const AnimateRequest& request, Animator& animator,
                     const std::string& checkpoint, EventWriter* events) {
  LiveView view(events);
  pipelines::AnimateVideoOptions options = request.video;
  options.allow_addresses = false;
  options.other_inputs = {checkpoint};
  options.hooks = HooksFor("animating", events);
  options.keeps_alpha_for_hook = true;
  TransparentFrames transparent;
  options.frame_written = [&](int64_t index, const cv::Mat& frame) {
    view.Show(index, frame);
    if (frame.channels() == 4) transparent.Add(index, frame);
  };
  ASSIGN_OR_RETURN(const pipelines::AnimateVideoReport report,
                   pipelines::AnimateVideo(animator, request.inputs.source,
                                           request.inputs.driving,
                                           request.inputs.output, options));
  RETURN_IF_ERROR(transparent.Finish());
  events->Done(report.frames, view.size().width, view.size().height,
               AllWarnings(report.warnings, report.damage));
  return absl::OkStatus();
}

// When each frame is shown, in seconds from the first one on.
Json SecondsOf(const pipelines::RecordedMotion& motion) {
  Json seconds = Json::array();
  for (const int64_t time : motion.times) {
    const double elapsed = static_cast<double>(time - motion.times.front()) *
                           motion.time_base.value();
    // Microseconds, as text of six digits.
    seconds.push_back(std::round(elapsed * 1e6) / 1e6);
  }
  return seconds;
}

// {"fps","times","sets","frames"}: see JobQueue::Keypoints.
absl::Status WriteKeypoints(const std::string& motion_path,
                            const Animator& animator) {
  ASSIGN_OR_RETURN(const pipelines::RecordedMotion motion,
                   pipelines::ReadMotionFile(motion_path));
  Json sets = Json::array();
  for (int set = 1; set <= motion.num_sets; ++set) {
    sets.push_back({{"number", set}, {"name", animator.set_names().Of(set)}});
  }
  // As text at once: as Json it would take fifty times the memory.
  std::string text =
      absl::StrCat("{\"fps\":", Json(motion.frame_rate.value()).dump(),
                   ",\"times\":", SecondsOf(motion).dump(),
                   ",\"sets\":", sets.dump(), ",\"frames\":[");
  const float* value = motion.keypoints.data();
  for (int64_t frame = 0; frame < motion.num_frames(); ++frame) {
    absl::StrAppend(&text, frame > 0 ? "," : "", "[");
    for (int set = 0; set < motion.num_sets; ++set) {
      absl::StrAppend(&text, set > 0 ? "," : "", "[");
      for (int i = 0; i < motion.keypoints_per_set; ++i, value += 2) {
        absl::StrAppend(&text, i > 0 ? "," : "", "[", absl::SixDigits(value[0]),
                        ",", absl::SixDigits(value[1]), "]");
      }
      text += "]";
    }
    text += "]";
  }
  return networks::files::WriteAtomically(OutputOf("keypoints.json"),
                                          text + "]}\n");
}

absl::Status Record(const AnimateRequest& request, Animator& animator,
                    const std::string& checkpoint, EventWriter* events) {
  LiveView view(events);
  pipelines::RecordMotionOptions options;
  pipelines::AnimateVideoOptions video = request.video;
  video.allow_addresses = false;
  video.hooks = HooksFor("detecting", events);
  options.reader = pipelines::DrivingOptionsOf(video, animator);
  options.other_inputs = {checkpoint};
  options.hooks = video.hooks;
  options.frame_detected = [&](int64_t index, const cv::Mat& crop,
                               const torch::Tensor& keypoints) {
    cv::Mat picture = crop.clone();
    pipelines::DrawKeypoints(keypoints, animator.keypoints_per_transform(),
                             picture);
    view.Show(index, picture);
  };
  const std::string output = request.video.save_motion;
  ASSIGN_OR_RETURN(const pipelines::RecordMotionReport report,
                   pipelines::RecordMotion(animator, request.inputs.driving,
                                           output, options));
  RETURN_IF_ERROR(WriteKeypoints(output, animator));
  events->Done(report.frames, view.size().width, view.size().height,
               AllWarnings(report.warnings, report.damage));
  return absl::OkStatus();
}

// What LLVM's OpenMP put into shared memory when it was loaded, for a second
// copy of itself to find. At the end of this process it may no longer do so.
void RemoveOpenMpMark() {
  shm_unlink(
      absl::StrCat("/__KMP_REGISTERED_LIB_", getpid(), "_", getuid()).c_str());
}

absl::StatusOr<std::unique_ptr<Animator>> Load(const AnimateRequest& request,
                                               const std::string& checkpoint,
                                               c10::Device device) {
  pipelines::AllowTf32(request.tf32);
  pipelines::KeepFreedMemory();
  // Threads that LibTorch starts now would not be confined to the folder.
  RETURN_IF_ERROR(pipelines::SetThreads(1));
  ASSIGN_OR_RETURN(std::unique_ptr<Animator> animator,
                   Animator::Load(checkpoint, device, request.animator));
  RemoveOpenMpMark();
  RETURN_IF_ERROR(ConfineToJob(absl::GetFlag(FLAGS_job), !device.is_cpu()));
  RETURN_IF_ERROR(pipelines::SetThreads(request.threads));
  return animator;
}

absl::Status Run(int argc, char** argv, EventWriter* events) {
  RETURN_IF_ERROR(pipelines::ParseCommandLine(argc, argv).status());
  ASSIGN_OR_RETURN(AnimateRequest request,
                   pipelines::AnimateRequestFromFlags());
  request.video.damage_advice.clear();  // a flag, which a job does not have
  RETURN_IF_ERROR(pipelines::CheckAddressSpace());
  ASSIGN_OR_RETURN(const c10::Device device,
                   pipelines::SelectDevice(request.device));
  events->Stage("loading");
  ASSIGN_OR_RETURN(const std::string checkpoint,
                   pipelines::CheckpointAt(request.checkpoint));
  ASSIGN_OR_RETURN(const std::unique_ptr<Animator> animator,
                   Load(request, checkpoint, device));
  // Until here the signal ends the process, which has written nothing.
  pipelines::CatchStopSignals();
  events->Stage("preparing");
  return request.records_motion
             ? Record(request, *animator, checkpoint, events)
             : Animate(request, *animator, checkpoint, events);
}

absl::Status RunSafely(int argc, char** argv, EventWriter* events) {
  try {
    return Run(argc, argv, events);
  } catch (const std::exception& error) {
    const absl::Status status = pipelines::ExceptionStatus(error);
    if (!pipelines::IsOutOfMemory(status)) return status;
    return absl::ResourceExhaustedError(
        absl::StrCat(status.message(),
                     "; use a smaller size, or allow more by --job_memory"));
  }
}

// Prints on which device a job runs where this one is asked for.
int DescribeDevice(const std::string& asked) {
  const absl::StatusOr<c10::Device> device = pipelines::SelectDevice(asked);
  const Json answer =
      device.ok() ? Json{{"device", device->str()}}
                  : Json{{"code", CodeName(device.status().code())},
                         {"message", std::string(device.status().message())}};
  std::printf(
      "%s",
      answer.dump(-1, ' ', false, Json::error_handler_t::replace).c_str());
  return device.ok() ? 0 : 1;
}

}  // namespace
}  // namespace studio

int main(int argc, char** argv) {
  if (argc == 3 && std::string(argv[1]) == "--describe_device") {
    return studio::DescribeDevice(argv[2]);
  }
  // Beyond the limit of a file's size writing fails, as on a full disk.
  std::signal(SIGXFSZ, SIG_IGN);
  const int pipe = dup(STDOUT_FILENO);
  if (pipe < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0) return 1;
  studio::EventWriter events(pipe);
  const absl::Status status = studio::RunSafely(argc, argv, &events);
  if (!status.ok()) events.Error(status);
  return status.ok() ? 0 : 1;
}
