#include "pipelines/animation/driving_reader.h"

#include <torch/types.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "pipelines/animation/motion_file.h"
#include "pipelines/base/work_hooks.h"
#include "pipelines/media/input_address.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

// Fingerprints in messages: enough to tell two apart.
constexpr size_t kShownDigits = 16;

// What to warn of: a rate that is assumed and may be wrong, or one that was
// asked for in vain.
std::vector<std::string> RateWarnings(const std::string& path,
                                      const CroppedReaderOptions& options,
                                      const media::VideoInfo& info) {
  const media::Rational& rate = options.input.image_rate;
  const bool is_default = rate == media::FrameSourceOptions().image_rate;
  if (is_default && info.has_assumed_rate) {
    return {absl::StrCat(path,
                         ": states neither frame times nor a rate; it is "
                         "taken to have ",
                         info.frame_rate.value(),
                         " frames a second; --fps states another rate")};
  }
  if (is_default || rate == info.frame_rate) return {};
  return {absl::StrCat(
      path,
      ": states its own frame times or rate; --fps, the rate of what states "
      "none, has no effect")};
}

class PictureReader : public DrivingReader {
 public:
  PictureReader(std::unique_ptr<CroppedReader> reader, Animator& animator,
                std::vector<std::string> rate_warnings)
      : reader_(std::move(reader)),
        animator_(animator),
        rate_warnings_(std::move(rate_warnings)) {}

  const media::VideoInfo& info() const override { return reader_->info(); }
  int64_t num_read() const override { return reader_->num_read(); }
  std::optional<int64_t> num_frames() const override {
    return reader_->num_frames();
  }

  absl::StatusOr<std::optional<DrivingFrame>> Next() override {
    ASSIGN_OR_RETURN(std::optional<CroppedFrame> frame, reader_->Next());
    if (!frame) return std::nullopt;
    return DrivingFrame{*std::move(frame), {}};
  }

  bool has_pictures() const override { return true; }
  bool is_pose() const override { return info().is_still; }
  cv::Rect box() const override { return reader_->box(); }
  std::string detector() const override {
    return animator_.DetectorFingerprint();
  }
  std::string damage() const override { return reader_->damage(); }

  std::vector<std::string> warnings() const override {
    std::vector<std::string> warnings = rate_warnings_;
    for (const std::string& warning : info().warnings) {
      warnings.push_back(warning);
    }
    if (!reader_->warning().empty()) warnings.push_back(reader_->warning());
    return warnings;
  }

 private:
  std::unique_ptr<CroppedReader> reader_;
  Animator& animator_;
  const std::vector<std::string> rate_warnings_;
};

class MotionReader : public DrivingReader {
 public:
  MotionReader(const std::string& path, RecordedMotion motion,
               const CroppedReaderOptions& options)
      : motion_(std::move(motion)), options_(options) {
    keypoints_ = torch::from_blob(
        motion_.keypoints.data(),
        {motion_.num_frames(), motion_.frame_values() / 2, 2}, torch::kFloat32);
    info_.width = motion_.picture_size.width;
    info_.height = motion_.picture_size.height;
    info_.frame_rate = motion_.frame_rate;
    info_.time_base = motion_.time_base;
    info_.num_frames = motion_.num_frames();
    info_.reads_once = media::IsPipe(path);
    info_.warnings = RateWarnings(path, options, info_);
    if (!motion_.detector.empty()) return;
    info_.warnings.push_back(absl::StrCat(
        path,
        ": does not say which detector its keypoints are of; if they are "
        "of another than this model's, the frames are wrong"));
  }

  const media::VideoInfo& info() const override { return info_; }
  int64_t num_read() const override { return num_read_; }
  std::optional<int64_t> num_frames() const override {
    if (options_.max_frames == 0) return motion_.num_frames();
    return std::min(options_.max_frames, motion_.num_frames());
  }

  absl::StatusOr<std::optional<DrivingFrame>> Next() override {
    if (options_.input.stop && options_.input.stop()) return StoppedError();
    if (num_read_ == *num_frames()) return std::nullopt;
    const auto i = static_cast<size_t>(num_read_);
    DrivingFrame frame;
    frame.keypoints = keypoints_[num_read_++].clone();
    frame.pts = motion_.times[i];
    frame.duration = motion_.durations[i];
    frame.seconds = static_cast<double>(frame.pts) * info_.time_base.value();
    return frame;
  }

  bool has_pictures() const override { return false; }
  bool is_pose() const override { return motion_.num_frames() == 1; }
  cv::Rect box() const override { return {}; }
  std::string detector() const override { return motion_.detector; }
  std::string damage() const override { return ""; }
  std::vector<std::string> warnings() const override { return info_.warnings; }

 private:
  RecordedMotion motion_;
  CroppedReaderOptions options_;
  torch::Tensor keypoints_;  // [N, P, 2], the numbers of motion_
  media::VideoInfo info_;
  int64_t num_read_ = 0;
};

absl::Status CheckFits(const std::string& path, const RecordedMotion& motion,
                       Animator& animator) {
  const int sets = animator.num_keypoint_sets();
  const int per_set = animator.keypoints_per_transform();
  if (motion.num_sets != sets || motion.keypoints_per_set != per_set) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": holds ", motion.num_sets, " keypoint sets of ",
        motion.keypoints_per_set, " keypoints; this model has ", sets, " of ",
        per_set, "; use the checkpoint that the motion was saved with"));
  }
  const std::string detector = animator.DetectorFingerprint();
  if (motion.detector.empty() || motion.detector == detector) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      path, ": its keypoints are of the detector ",
      motion.detector.substr(0, kShownDigits), ", this model's detector is ",
      detector.substr(0, kShownDigits),
      ", and keypoints of two detectors do not mean the same places; use the "
      "checkpoint that the motion was saved with"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<DrivingReader>> DrivingReader::Open(
    const std::string& path, const CroppedReaderOptions& options,
    Animator& animator) {
  if (IsMotionFile(path)) {
    ASSIGN_OR_RETURN(RecordedMotion motion,
                     ReadMotionFile(path, options.input.stop));
    RETURN_IF_ERROR(CheckFits(path, motion, animator));
    return std::make_unique<MotionReader>(path, std::move(motion), options);
  }
  ASSIGN_OR_RETURN(std::unique_ptr<CroppedReader> reader,
                   CroppedReader::Open(path, options));
  std::vector<std::string> rate_warnings =
      RateWarnings(path, options, reader->info());
  return std::make_unique<PictureReader>(std::move(reader), animator,
                                         std::move(rate_warnings));
}

}  // namespace pipelines
