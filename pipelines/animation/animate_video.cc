#include "pipelines/animation/animate_video.h"

#include <torch/types.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "networks/files/outputs.h"
#include "networks/files/temporary.h"
#include "pipelines/animation/batch_size.h"
#include "pipelines/animation/cropped_reader.h"
#include "pipelines/animation/driving_keypoints.h"
#include "pipelines/animation/driving_reader.h"
#include "pipelines/animation/motion_file.h"
#include "pipelines/animation/record_motion.h"
#include "pipelines/animation/video_source.h"
#include "pipelines/base/stopwatch.h"
#include "pipelines/media/device_sink.h"
#include "pipelines/media/frame_sink.h"
#include "pipelines/media/npy.h"
#include "pipelines/media/provenance.h"
#include "pipelines/media/rational.h"
#include "pipelines/media/transparency.h"
#include "pipelines/media/video_writer.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

const cv::Vec3b kWhite(255, 255, 255);

// A driving frame and the source that it moves.
struct Input {
  DrivingFrame driving;
  CroppedFrame source;  // empty unless the source is a video
};

struct Output {
  Input input;
  std::vector<MovedPart> parts;
  // Of the first part.
  torch::Tensor driving_keypoints;    // [P, 2], P keypoints
  torch::Tensor keypoints;            // [P, 2]
  torch::Tensor source_from_driving;  // [h, w, 2]
  torch::Tensor occlusion;            // [1, H, W]
  torch::Tensor warped;               // [3, H, W]
  torch::Tensor contributions;        // [M, h, w]
};

// The size of the result, before panels are put beside each other.
cv::Size ResultSize(const AnimateVideoOptions& options, cv::Size natural) {
  const int side = std::min(natural.width, natural.height);
  if (options.size.width > 0) return options.size;
  if (options.size.height > 0) {
    const double scale = static_cast<double>(options.size.height) / side;
    return {std::max(1, static_cast<int>(std::lround(natural.width * scale))),
            std::max(1, static_cast<int>(std::lround(natural.height * scale)))};
  }
  int zoom = 1;
  while (side * zoom < options.min_output_side) ++zoom;
  return natural * zoom;
}

// A frame of the output.
struct Painted {
  cv::Mat opaque;      // RGB: over white, or over a colour
  cv::Mat with_alpha;  // RGBA; empty where no alpha is kept
};

// One run of AnimateVideo.
class VideoAnimation {
 public:
  VideoAnimation(Animator& animator, std::string source, std::string driving,
                 std::string output, const AnimateVideoOptions& options)
      : animator_(animator),
        source_path_(std::move(source)),
        driving_path_(std::move(driving)),
        output_path_(std::move(output)),
        options_(options),
        keypoints_(animator, driving_path_) {}

  absl::StatusOr<AnimateVideoReport> Run();

 private:
  networks::files::PlannedOutputs Planned() const;
  absl::StatusOr<std::unique_ptr<DrivingReader>> OpenDriving() const;
  bool wants_alpha() const;
  absl::Status OpenSource();
  bool looks_ahead() const {
    return !options_.start.is_first() || options_.zero_phase.has_value();
  }
  absl::Status LookAhead();
  absl::Status CheckDriving() const;
  absl::Status CheckPictures() const;
  int64_t Copies() const;
  absl::Status OpenOutput();
  absl::Status OpenMotionFile();
  absl::Status Stream();
  absl::StatusOr<std::optional<Input>> Read();
  absl::StatusOr<std::vector<Output>> Compute(std::vector<Input> batch);
  Painted Paint(const CroppedFrame& source, const std::vector<MovedPart>& parts,
                PanelInput* panels) const;
  cv::Mat PaintOverColour(const CroppedFrame& source,
                          const std::vector<MovedPart>& parts,
                          PanelInput* panels) const;
  absl::Status Write(const Output& output);
  absl::Status Finish();
  void Report(int64_t total) const;
  // Of a camera, whose reader does not know which frames are dropped.
  bool has_all_live_frames() const {
    return driving_->info().is_live && options_.max_frames > 0 &&
           num_computed_ >= options_.max_frames;
  }
  bool keeps_alpha() const {
    return source_->has_alpha() && !options_.alpha_over;
  }
  bool needs_motion() const {
    return NeedMotion(options_.panels) || !options_.save_deformation.empty() ||
           !options_.save_keypoints.empty() || !options_.save_motion.empty();
  }

  Animator& animator_;
  const std::string source_path_, driving_path_, output_path_;
  const AnimateVideoOptions options_;

  std::unique_ptr<VideoSource> source_;
  std::unique_ptr<DrivingReader> driving_;
  DrivingKeypoints keypoints_;
  cv::Size result_size_;
  std::optional<PanelPainter> painter_;
  std::unique_ptr<media::FrameSink> sink_;
  std::optional<media::NpyWriter> keypoints_file_, deformation_file_;
  std::optional<MotionFileWriter> motion_file_;
  std::atomic<int64_t> num_computed_ = 0;  // frames
  bool lost_beginning_ = false;            // of the driving video
  bool source_is_shorter_ = false;         // than the driving video
  AnimateVideoReport report_;
};

networks::files::PlannedOutputs VideoAnimation::Planned() const {
  networks::files::PlannedOutputs planned;
  planned.files = {options_.save_keypoints, options_.save_deformation,
                   options_.save_motion};
  if (!media::IsDeviceOutput(output_path_)) {
    (media::IsFolderOutput(output_path_) ? planned.folders : planned.files)
        .push_back(output_path_);
  }
  planned.inputs = options_.other_inputs;
  planned.inputs.push_back(source_path_);
  planned.inputs.push_back(driving_path_);
  planned.inputs.push_back(options_.background.picture);
  planned.inputs.push_back(options_.background.mask);
  planned.overwrite = options_.overwrite;
  planned.makes_folders = true;
  return planned;
}

absl::StatusOr<std::unique_ptr<DrivingReader>> VideoAnimation::OpenDriving()
    const {
  return DrivingReader::Open(driving_path_,
                             DrivingOptionsOf(options_, animator_), animator_);
}

// Whether it makes a difference that a source can be seen through.
bool VideoAnimation::wants_alpha() const {
  if (options_.background.needs_figure()) return false;
  if (options_.alpha_over) return *options_.alpha_over != kWhite;
  return (media::HoldsAlphaOutput(output_path_) ||
          options_.keeps_alpha_for_hook) &&
         options_.panels == std::vector<Panel>{Panel::kResult};
}

absl::Status VideoAnimation::OpenSource() {
  VideoSourceOptions options = SourceOptionsOf(options_, animator_);
  options.with_alpha = wants_alpha();
  ASSIGN_OR_RETURN(source_,
                   VideoSource::Open(source_path_, animator_, options));
  animator_.BeginDriving();
  return absl::OkStatus();
}

// Finds the start among all driving frames, and smooths them as a whole.
absl::Status VideoAnimation::LookAhead() {
  if (!looks_ahead()) return absl::OkStatus();
  if (driving_->info().is_live) {
    return absl::InvalidArgumentError(absl::StrCat(
        driving_path_, options_.start.is_first()
                           ? ": a camera has no later frames, which smoothing "
                             "without delay needs; smooth causally"
                           : ": a camera cannot be searched for a frame to "
                             "start from; use first"));
  }
  if (driving_->info().reads_once) {
    return absl::InvalidArgumentError(absl::StrCat(
        driving_path_, ": is a pipe, which can be read once, and ",
        options_.start.is_first() ? "smoothing without delay"
                                  : "finding the frame to start from",
        " reads the driving video twice; save it as a file, or ",
        options_.start.is_first() ? "smooth causally"
                                  : "start from the first"));
  }
  const Stopwatch looking;
  RETURN_IF_ERROR(
      keypoints_.ReadAll(*driving_, options_.batch_size, options_.hooks));
  if (options_.zero_phase) keypoints_.Smooth(*options_.zero_phase);
  if (!options_.start.is_first()) {
    ASSIGN_OR_RETURN(
        report_.start_frame,
        ChooseStartFrame(options_.start, source_->prepared().keypoints,
                         keypoints_.detected()));
    animator_.BeginDriving(keypoints_.At(report_.start_frame));
  }
  ASSIGN_OR_RETURN(driving_, OpenDriving());
  report_.look_ahead_seconds = looking.Seconds();
  return absl::OkStatus();
}

// Whether what drives can give what is asked for.
absl::Status VideoAnimation::CheckDriving() const {
  if (driving_->is_pose() &&
      animator_.mode() == keypoints::TransferMode::kRelative) {
    return absl::InvalidArgumentError(absl::StrCat(
        driving_path_,
        ": is one pose; relative mode shows motion away from the first one, so "
        "nothing would move; ",
        options_.pose_advice.empty() ? "use mode standard or avd"
                                     : options_.pose_advice,
        source_->is_still()
            ? ""
            : absl::StrCat(", or exchange source and driving: ", source_path_,
                           " has several frames")));
  }
  if (media::HoldsOneFrameOnly(output_path_) &&
      driving_->num_frames().value_or(1) > 1) {
    return absl::InvalidArgumentError(
        absl::StrCat(output_path_, ": a picture holds one frame, and ",
                     driving_path_, " gives ", *driving_->num_frames(),
                     "; name a video, as .mp4, or a folder"));
  }
  return absl::OkStatus();
}

// Whether there is what is to be shown.
absl::Status VideoAnimation::CheckPictures() const {
  const auto bad = [](const auto&... what) {
    return absl::InvalidArgumentError(absl::StrCat(what...));
  };
  const bool shows_driving =
      std::find(options_.panels.begin(), options_.panels.end(),
                Panel::kDriving) != options_.panels.end();
  if (shows_driving && !driving_->has_pictures()) {
    return bad(driving_path_,
               ": a motion file holds no pictures to show; leave out the panel "
               "'driving'");
  }
  if (options_.background.kind == BackgroundOptions::Kind::kDriving &&
      !driving_->has_pictures()) {
    return bad(driving_path_,
               ": a motion file holds no pictures for the background");
  }
  if (source_->num_parts() > 1 &&
      (NeedMotion(options_.panels) || !options_.save_deformation.empty())) {
    return bad(
        source_path_, ": has ", source_->num_parts(),
        " faces to animate, and of the panels only source, driving and "
        "result show several, nor can the deformation be saved; choose one "
        "face by its number");
  }
  return absl::OkStatus();
}

absl::Status VideoAnimation::OpenOutput() {
  RETURN_IF_ERROR(networks::files::MakeParentFolders(Planned()));
  result_size_ = ResultSize(options_, source_->natural_size());
  painter_.emplace(options_.panels, result_size_, options_.columns,
                   animator_.keypoints_per_transform());
  const media::VideoInfo& driving = driving_->info();
  media::VideoWriterOptions writer;
  writer.width = painter_->size().width;
  writer.height = painter_->size().height;
  writer.frame_rate = driving.frame_rate;
  writer.time_base = driving.time_base;
  if (driving.has_audio && !driving.reads_once) {
    writer.audio_from = driving_path_;
  } else if (driving.has_audio) {
    report_.warnings.push_back(absl::StrCat(
        driving_path_,
        ": can be read once, for the frames; its sound is left out. Save it as "
        "a file to keep the sound"));
  }
  writer.allow_addresses = options_.allow_addresses;
  writer.stop = options_.hooks.stop;
  writer.start_at_zero = true;
  writer.trim_audio = options_.max_frames > 0 || options_.animate_source_video;
  writer.allow_damaged_audio = options_.allow_damaged;
  writer.comment = media::kSynthetic;
  writer.with_alpha = keeps_alpha() && media::HoldsAlphaOutput(output_path_);
  writer.overwrite = options_.overwrite;
  ASSIGN_OR_RETURN(sink_, media::OpenFrameSink(output_path_, writer));
  networks::files::OutputOptions array;
  array.overwrite = options_.overwrite;
  if (!options_.save_keypoints.empty()) {
    ASSIGN_OR_RETURN(keypoints_file_,
                     media::NpyWriter::Create(options_.save_keypoints, array));
  }
  if (!options_.save_deformation.empty()) {
    ASSIGN_OR_RETURN(deformation_file_, media::NpyWriter::Create(
                                            options_.save_deformation, array));
  }
  return OpenMotionFile();
}

absl::Status VideoAnimation::OpenMotionFile() {
  if (options_.save_motion.empty()) return absl::OkStatus();
  networks::files::OutputOptions file;
  file.overwrite = options_.overwrite;
  ASSIGN_OR_RETURN(motion_file_, MotionFileWriter::Create(
                                     options_.save_motion,
                                     MotionHeadOf(*driving_, animator_), file));
  const std::string lost =
      LostSoundWarning(*driving_, driving_path_, options_.save_motion);
  if (!lost.empty()) report_.warnings.push_back(lost);
  return absl::OkStatus();
}

absl::StatusOr<std::optional<Input>> VideoAnimation::Read() {
  if (has_all_live_frames()) return std::nullopt;
  ASSIGN_OR_RETURN(std::optional<DrivingFrame> driving, driving_->Next());
  if (!driving) return std::nullopt;
  if (driving_->num_read() == 1) lost_beginning_ = !driving_->damage().empty();
  Input input{*std::move(driving), {}};
  if (!options_.animate_source_video) return input;
  if (driving_->num_read() == 1) {
    input.source = source_->first();
    return input;
  }
  ASSIGN_OR_RETURN(std::optional<CroppedFrame> source, source_->Next());
  if (!source) {
    source_is_shorter_ = true;
    return std::nullopt;
  }
  input.source = *std::move(source);
  return input;
}

// Where panels and files are made of it. A copy a tensor: one a frame would
// make the host wait for the device that many times more.
FrameMotion OnHost(const FrameMotion& motion) {
  return {motion.driving_keypoints,
          motion.keypoints.cpu(),
          motion.source_from_driving.cpu(),
          motion.occlusion.cpu(),
          motion.warped.cpu(),
          motion.contributions.cpu()};
}

absl::StatusOr<std::vector<Output>> VideoAnimation::Compute(
    std::vector<Input> batch) {
  if (has_all_live_frames()) return std::vector<Output>();
  // The reader may be at its end long before.
  if (!driving_->info().is_live) {
    RETURN_IF_ERROR(CheckNotStopped(options_.hooks));
  }
  std::vector<DrivingFrame> driving;
  std::vector<double> seconds;
  for (const Input& input : batch) {
    // The still is prepared already.
    const cv::Mat& source = input.source.crop;
    if (!source.empty() && source.data != source_->first().crop.data) {
      source_->Prepare(input.source);
    }
    driving.push_back(input.driving);
    seconds.push_back(input.driving.seconds);
  }
  ASSIGN_OR_RETURN(const torch::Tensor detected,
                   keypoints_.DetectedIn(*driving_, driving));
  const std::vector<AnimatedFrames> moved =
      source_->MoveTo(keypoints_.Followed(detected, seconds));
  torch::Tensor detected_here;
  FrameMotion motion;
  if (needs_motion()) {
    detected_here = detected.cpu();
    motion = OnHost(moved[0].motion);
  }
  std::vector<Output> outputs;
  for (size_t i = 0; i < batch.size(); ++i) {
    const auto n = static_cast<int64_t>(i);
    Output output{std::move(batch[i]),
                  source_->PartsOf(moved, n),
                  {},
                  {},
                  {},
                  {},
                  {},
                  {}};
    if (needs_motion()) {
      output.driving_keypoints = detected_here[n];
      output.keypoints = motion.keypoints[n];
      output.source_from_driving = motion.source_from_driving[n];
      output.occlusion = motion.occlusion[n];
      output.warped = motion.warped[n];
      output.contributions = motion.contributions[n];
    }
    outputs.push_back(std::move(output));
  }
  num_computed_ += static_cast<int64_t>(outputs.size());
  return outputs;
}

absl::Status WriteRow(const torch::Tensor& row,
                      std::optional<media::NpyWriter>* file) {
  if (!file->has_value()) return absl::OkStatus();
  const torch::Tensor values = row.to(torch::kFloat32).contiguous();
  return (*file)->Write(values.data_ptr<float>(), values.sizes().vec());
}

// `panels` over white, and with their alpha where it is kept; or over the
// colour that is asked for.
Painted VideoAnimation::Paint(const CroppedFrame& source,
                              const std::vector<MovedPart>& parts,
                              PanelInput* panels) const {
  if (!source_->has_alpha()) return {painter_->Paint(*panels), {}};
  if (!keeps_alpha()) return {PaintOverColour(source, parts, panels), {}};
  Painted painted;
  painted.opaque = painter_->Paint(*panels);
  const cv::Mat of_result = source_->JoinAlpha(source, parts);
  // As a grey picture, so that it is scaled as its colours are.
  cv::merge(std::vector<cv::Mat>{of_result, of_result, of_result},
            panels->result);
  cv::Mat alpha;
  cv::extractChannel(painter_->Paint(*panels), alpha, 0);
  painted.with_alpha = media::WithAlpha(painted.opaque, alpha);
  return painted;
}

cv::Mat VideoAnimation::PaintOverColour(const CroppedFrame& source,
                                        const std::vector<MovedPart>& parts,
                                        PanelInput* panels) const {
  const cv::Mat of_result = source_->JoinAlpha(source, parts);
  const cv::Vec3b colour = *options_.alpha_over;
  const bool is_whole = panels->source.size() == source.picture.size();
  if (!source.alpha.empty()) {
    panels->source = media::OnColour(
        panels->source, is_whole ? source.alpha : source.alpha(source_->box()),
        colour);
  }
  panels->animated = media::OnColour(panels->animated, parts[0].alpha, colour);
  panels->result = media::OnColour(panels->result, of_result, colour);
  return painter_->Paint(*panels);
}

absl::Status VideoAnimation::Write(const Output& output) {
  const CroppedFrame& source =
      options_.animate_source_video ? output.input.source : source_->first();
  const DrivingFrame& driving = output.input.driving;
  const bool shows_whole = options_.paste_back || source_->num_parts() > 1;
  cv::Mat driving_crop;
  if (driving_->has_pictures()) driving_crop = driving.picture(driving_->box());
  PanelInput panels;
  // As sharp as they were filmed, not as the model sees them.
  panels.source = shows_whole ? source.picture : source.picture(source_->box());
  panels.driving = options_.paste_back ? driving.picture : driving_crop;
  panels.animated = output.parts[0].picture;
  if (options_.paste_back) panels.seen = source_->box().size();
  panels.result =
      source_->Join(source, output.parts, driving_crop, result_size_);
  panels.keypoints = output.keypoints;
  panels.source_from_driving = output.source_from_driving;
  panels.occlusion = output.occlusion;
  panels.warped = output.warped;
  panels.contributions = output.contributions;
  if (report_.frames == 0 && lost_beginning_) sink_->CutSoundToFrames();
  const Painted painted = Paint(source, output.parts, &panels);
  const bool holds_alpha = !painted.with_alpha.empty();
  const cv::Mat& picture = holds_alpha && media::HoldsAlphaOutput(output_path_)
                               ? painted.with_alpha
                               : painted.opaque;
  const int64_t copies = Copies();
  // The copies of a pose share a second, whatever its own duration is.
  const int64_t duration =
      driving_->is_pose()
          ? std::max<int64_t>(
                1, std::llround(1 / (static_cast<double>(copies) *
                                     driving_->info().time_base.value())))
          : driving.duration;
  for (int64_t i = 0; i < copies; ++i) {
    RETURN_IF_ERROR(
        sink_->WriteAt(picture, driving.pts + i * duration, duration));
  }
  if (options_.frame_written) {
    options_.frame_written(report_.frames,
                           holds_alpha ? painted.with_alpha : painted.opaque);
  }
  RETURN_IF_ERROR(WriteRow(output.driving_keypoints, &keypoints_file_));
  RETURN_IF_ERROR(WriteRow(output.source_from_driving, &deformation_file_));
  if (motion_file_) {
    const torch::Tensor keypoints =
        output.driving_keypoints.to(torch::kFloat32).contiguous();
    motion_file_->Add(keypoints.data_ptr<float>(), driving.pts,
                      driving.duration);
  }
  report_.frames += copies;
  Report(copies * driving_->num_frames().value_or(0));
  return absl::OkStatus();
}

// How often each frame is written: a pose fills a video of a second. A motion
// file may state any rate.
int64_t VideoAnimation::Copies() const {
  if (!driving_->is_pose() || media::IsFolderOutput(output_path_) ||
      media::IsPictureOutput(output_path_)) {
    return 1;
  }
  return std::clamp<int64_t>(std::lround(driving_->info().frame_rate.value()),
                             1, media::kMaxFrameRate);
}

void VideoAnimation::Report(int64_t total) const {
  options_.hooks.Report({"animate", "frames", report_.frames, total, ""});
}

absl::Status VideoAnimation::Stream() {
  ThreeStages<Input, Output> stages;
  stages.live = driving_->info().is_live;
  // A live frame is to be shown at once, and every source frame is one of its
  // own.
  const bool single = stages.live || options_.animate_source_video;
  stages.batch_size =
      single ? 1 : BatchSize(options_.batch_size, animator_.frame_size());
  stages.read = [this] { return Read(); };
  stages.compute = [this](std::vector<Input> batch) {
    return Compute(std::move(batch));
  };
  stages.write = [this](const Output& output) { return Write(output); };
  Report(Copies() * driving_->num_frames().value_or(0));
  return stages.Run(&report_.stages);
}

absl::Status VideoAnimation::Finish() {
  if (report_.frames == 0) {
    RETURN_IF_ERROR(CheckNotStopped(options_.hooks));  // before a first frame
    return absl::DataLossError(driving_path_ + ": no frame can be read");
  }
  if (keypoints_file_) RETURN_IF_ERROR(keypoints_file_->Finish());
  if (deformation_file_) RETURN_IF_ERROR(deformation_file_->Finish());
  if (motion_file_) RETURN_IF_ERROR(motion_file_->Finish());
  report_.damage = driving_->damage();
  if (!report_.damage.empty()) sink_->CutSoundToFrames();
  RETURN_IF_ERROR(sink_->Finish());
  const std::vector<std::string>& of_sink = sink_->warnings();
  report_.warnings.insert(report_.warnings.end(), of_sink.begin(),
                          of_sink.end());
  if (source_is_shorter_) {
    report_.warnings.push_back(
        absl::StrCat(source_path_, " ends after ", report_.frames,
                     report_.frames == 1 ? " frame" : " frames",
                     ", before the driving video; so does the result"));
  }
  std::vector<std::string> warnings = source_->warnings();
  for (const std::string& warning : driving_->warnings()) {
    warnings.push_back(warning);
  }
  report_.warnings.insert(report_.warnings.end(), warnings.begin(),
                          warnings.end());
  if (Copies() * driving_->num_frames().value_or(0) != report_.frames) {
    Report(report_.frames);
  }
  return absl::OkStatus();
}

absl::StatusOr<AnimateVideoReport> VideoAnimation::Run() {
  const Stopwatch all;
  RETURN_IF_ERROR(networks::files::CheckOutputs(Planned()));
  RETURN_IF_ERROR(OpenSource());
  ASSIGN_OR_RETURN(driving_, OpenDriving());
  RETURN_IF_ERROR(CheckDriving());
  RETURN_IF_ERROR(CheckPictures());
  RETURN_IF_ERROR(LookAhead());
  RETURN_IF_ERROR(OpenOutput());
  RETURN_IF_ERROR(Stream());
  RETURN_IF_ERROR(Finish());
  report_.seconds = all.Seconds();
  return report_;
}

}  // namespace

media::FrameSourceOptions DrivingInputOf(const AnimateVideoOptions& options) {
  media::FrameSourceOptions input;
  input.allow_addresses = options.allow_addresses;
  input.allow_damaged = options.allow_damaged;
  input.damage_advice = options.damage_advice;
  input.image_rate = options.image_rate;
  input.stop = options.hooks.stop;
  return input;
}

CroppedReaderOptions DrivingOptionsOf(const AnimateVideoOptions& options,
                                      const Animator& animator) {
  CroppedReaderOptions reader;
  reader.crop = options.driving_crop;
  reader.input = DrivingInputOf(options);
  reader.frame_size = animator.frame_size();
  reader.max_frames = options.max_frames;
  return reader;
}

VideoSourceOptions SourceOptionsOf(const AnimateVideoOptions& options,
                                   const Animator& animator) {
  VideoSourceOptions source;
  source.reader.crop =
      options.source_box ? CropMode::kCentre : options.source_crop;
  source.reader.box = options.source_box;
  source.reader.face = options.source_face;
  source.reader.input.allow_addresses = options.allow_addresses;
  source.reader.frame_size = animator.frame_size();
  source.reader.input.min_stacked_frames = media::kMinFramesOfSourceRow;
  source.reader.input.stop = options.hooks.stop;
  source.frame = options.source_frame;
  source.is_video = options.animate_source_video;
  source.paste_back = options.paste_back;
  source.blend.fade = options.fade;
  source.background = options.background;
  return source;
}

absl::StatusOr<AnimateVideoReport> AnimateVideo(
    Animator& animator, const std::string& source, const std::string& driving,
    const std::string& output, const AnimateVideoOptions& options) {
  if (options.batch_size < 0) {
    return absl::InvalidArgumentError("batch size must not be negative");
  }
  return VideoAnimation(animator, source, driving, output, options).Run();
}

}  // namespace pipelines
