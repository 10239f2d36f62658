#include "pipelines/animation/record_motion.h"

#include <torch/types.h>

#include <memory>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "networks/files/outputs.h"
#include "networks/files/temporary.h"
#include "pipelines/animation/batch_size.h"
#include "pipelines/animation/three_stages.h"
#include "pipelines/base/stopwatch.h"
#include "pipelines/media/frame_source.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

networks::files::PlannedOutputs Planned(const std::string& driving,
                                        const std::string& output,
                                        const RecordMotionOptions& options) {
  networks::files::PlannedOutputs planned;
  planned.files = {output};
  planned.inputs = options.other_inputs;
  planned.inputs.push_back(driving);
  planned.overwrite = options.overwrite;
  planned.makes_folders = true;
  return planned;
}

absl::Status CheckDriving(const DrivingReader& driving,
                          const std::string& path) {
  if (!driving.has_pictures()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": is a motion file already; give a video"));
  }
  if (driving.info().is_live) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": a camera has no end; record a video, and give that"));
  }
  return absl::OkStatus();
}

// A frame and where its keypoints are, [P, 2] on the CPU.
struct Detected {
  DrivingFrame frame;
  torch::Tensor keypoints;
};

}  // namespace

RecordedMotion MotionHeadOf(const DrivingReader& driving,
                            const Animator& animator) {
  const media::VideoInfo& info = driving.info();
  RecordedMotion motion;
  motion.num_sets = animator.num_keypoint_sets();
  motion.keypoints_per_set = animator.keypoints_per_transform();
  motion.frame_rate = info.frame_rate;
  motion.time_base = info.time_base;
  motion.picture_size = {info.width, info.height};
  motion.detector = driving.detector();
  return motion;
}

std::string LostSoundWarning(const DrivingReader& driving,
                             const std::string& driving_path,
                             const std::string& motion_path) {
  if (!driving.info().has_audio) return "";
  return absl::StrCat(motion_path, " holds no sound; that of ", driving_path,
                      " is not in it");
}

absl::StatusOr<RecordMotionReport> RecordMotion(
    Animator& animator, const std::string& driving, const std::string& output,
    const RecordMotionOptions& options) {
  const Stopwatch all;
  const networks::files::PlannedOutputs planned =
      Planned(driving, output, options);
  RETURN_IF_ERROR(networks::files::CheckOutputs(planned));
  ASSIGN_OR_RETURN(const std::unique_ptr<DrivingReader> reader,
                   DrivingReader::Open(driving, options.reader, animator));
  RETURN_IF_ERROR(CheckDriving(*reader, driving));
  RETURN_IF_ERROR(networks::files::MakeParentFolders(planned));
  networks::files::OutputOptions file;
  file.overwrite = options.overwrite;
  ASSIGN_OR_RETURN(
      MotionFileWriter writer,
      MotionFileWriter::Create(output, MotionHeadOf(*reader, animator), file));
  RecordMotionReport report;
  const auto tell = [&](int64_t total) {
    options.hooks.Report({"detect", "frames", report.frames, total, ""});
  };
  ThreeStages<DrivingFrame, Detected> stages;
  stages.batch_size =
      static_cast<size_t>(BatchSize(options.batch_size, animator.frame_size()));
  stages.read = [&reader] { return reader->Next(); };
  stages.compute = [&](const std::vector<DrivingFrame>& batch)
      -> absl::StatusOr<std::vector<Detected>> {
    RETURN_IF_ERROR(CheckNotStopped(options.hooks));
    std::vector<cv::Mat> crops;
    for (const DrivingFrame& frame : batch) crops.push_back(frame.crop);
    const torch::Tensor keypoints = animator.DetectKeypoints(crops)
                                        .to(torch::kCPU, torch::kFloat32)
                                        .contiguous();
    std::vector<Detected> detected;
    for (size_t i = 0; i < batch.size(); ++i) {
      detected.push_back({batch[i], keypoints[static_cast<int64_t>(i)]});
    }
    return detected;
  };
  stages.write = [&](const Detected& detected) {
    const DrivingFrame& frame = detected.frame;
    writer.Add(detected.keypoints.data_ptr<float>(), frame.pts, frame.duration);
    if (options.frame_detected) {
      options.frame_detected(report.frames, frame.crop, detected.keypoints);
    }
    ++report.frames;
    tell(reader->num_frames().value_or(0));
    return absl::OkStatus();
  };
  tell(reader->num_frames().value_or(0));
  StageSeconds unused;
  RETURN_IF_ERROR(stages.Run(&unused));
  if (report.frames == 0) {
    return absl::DataLossError(driving + ": no frame can be read");
  }
  RETURN_IF_ERROR(writer.Finish());
  if (reader->num_frames().value_or(0) != report.frames) tell(report.frames);
  report.damage = reader->damage();
  report.warnings = reader->warnings();
  const std::string lost = LostSoundWarning(*reader, driving, output);
  if (!lost.empty()) report.warnings.push_back(lost);
  report.seconds = all.Seconds();
  return report;
}

}  // namespace pipelines
