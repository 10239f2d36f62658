#include "tools/cut_clips/clip_cutter.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "absl/strings/str_cat.h"
#include "pipelines/media/frame_sink.h"
#include "pipelines/media/frame_source.h"
#include "pipelines/media/image_io.h"
#include "pipelines/media/video_writer.h"
#include "third_party/absl/status_macros.h"

namespace tools {
namespace {

using pipelines::media::FrameSink;
using pipelines::media::FrameSource;
using pipelines::media::VideoFrame;
using pipelines::media::VideoInfo;

// The part of the frame that the clip shows; notes in `result` where that is
// not the box.
absl::StatusOr<cv::Rect> BoxInFrame(const ClipSpec& spec,
                                    const CutOptions& options, cv::Size frame,
                                    CutResult* result) {
  const cv::Rect whole(cv::Point(0, 0), frame);
  const cv::Rect wanted = spec.box.value_or(whole);
  const cv::Rect inside = wanted & whole;
  if (inside.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("its box lies outside the frame of ", frame.width, "x",
                     frame.height, " pixels"));
  }
  if (inside != wanted) result->box_inside = inside;
  const cv::Rect box =
      options.size ? WithAspect(inside, *options.size, frame) : inside;
  result->widened = spec.box && box != inside;
  return box;
}

constexpr char kNoFrame[] = "no frame begins in it";

// One clip on its way.
class Cut {
 public:
  Cut(const std::string& video, const ClipSpec* spec, const CutOptions& options)
      : video_(video), spec_(spec), options_(options) {
    result_.spec = spec;
  }

  bool is_done() const { return is_done_; }
  const CutResult& result() const { return result_; }

  // Takes the frame at `time`, in options.unit, if it belongs to the clip.
  void Offer(double time, const VideoFrame& frame, const VideoInfo& info) {
    if (is_done_ || time < spec_->start) return;
    if (time >= spec_->end) {
      End(sink_ != nullptr ? sink_->Finish() : absl::OutOfRangeError(kNoFrame));
      return;
    }
    const absl::Status status = Write(frame.rgb, info);
    if (!status.ok()) End(status);
  }

  // The video ended, at `time`: well, or by `status`.
  void EndOfVideo(double time, double tolerance, const absl::Status& status) {
    if (is_done_) return;
    if (!status.ok()) {
      End(status);
    } else if (sink_ == nullptr && time > spec_->start) {
      // Without a list, the fifth of a video that is for testing.
      End(absl::OutOfRangeError(absl::StrCat(
          kNoFrame,
          spec_->line > 0 ? "" : "; keep whole videos back with --test")));
    } else if (sink_ == nullptr || IsCutShort(time + tolerance)) {
      End(absl::OutOfRangeError(absl::StrCat(
          video_, " ends at ", time, ", before the clip does",
          sink_ == nullptr ? "" : "; an empty end takes all that is left")));
    } else {
      End(sink_->Finish());
    }
  }

 private:
  bool IsCutShort(double end) const {
    return !std::isinf(spec_->end) && end < spec_->end;
  }

  absl::Status Write(const cv::Mat& rgb, const VideoInfo& info) {
    if (sink_ == nullptr) RETURN_IF_ERROR(Begin(rgb.size(), info));
    return sink_->Write(options_.size ? pipelines::media::CropAndResize(
                                            rgb(box_), *options_.size)
                                      : rgb(box_));
  }

  absl::Status Begin(cv::Size frame, const VideoInfo& info) {
    ASSIGN_OR_RETURN(box_, BoxInFrame(*spec_, options_, frame, &result_));
    const cv::Size size = options_.size.value_or(box_.size());
    pipelines::media::VideoWriterOptions writer;
    writer.width = size.width;
    writer.height = size.height;
    writer.frame_rate = info.frame_rate;
    writer.crf = options_.crf;
    writer.threads = 1;
    ASSIGN_OR_RETURN(sink_, pipelines::media::OpenFrameSink(
                                ClipPath(*spec_, options_), writer));
    return absl::OkStatus();
  }

  void End(const absl::Status& status) {
    is_done_ = true;
    sink_.reset();
    if (status.ok()) return;
    const std::string line =
        spec_->line > 0 ? absl::StrCat(" (line ", spec_->line, ")") : "";
    result_.status = absl::Status(
        status.code(),
        absl::StrCat("clip ", spec_->name, line, ": ", status.message()));
  }

  const std::string& video_;
  const ClipSpec* spec_;
  const CutOptions& options_;
  std::unique_ptr<FrameSink> sink_;
  cv::Rect box_;
  bool is_done_ = false;
  CutResult result_;
};

// Offers every frame to every clip until none waits for more.
class Pass {
 public:
  Pass(FrameSource* source, const CutOptions& options)
      : source_(source), options_(options) {}

  void Run(std::vector<Cut>& cuts) {
    const auto is_done = [](const Cut& cut) { return cut.is_done(); };
    absl::Status status;
    while (!std::all_of(cuts.begin(), cuts.end(), is_done)) {
      auto frame = source_->Next();
      status = frame.status();
      if (!frame.ok() || !*frame) break;
      if (num_frames_ == 0) first_pts_ = (*frame)->pts;
      for (Cut& cut : cuts) cut.Offer(Time(**frame), **frame, source_->info());
      ++num_frames_;
      end_ = options_.unit == ClipUnit::kFrames
                 ? static_cast<double>(num_frames_)
                 : Seconds((*frame)->pts + (*frame)->duration);
    }
    // Tables round to what a frame lasts.
    const double frame = 1 / source_->info().frame_rate.value();
    const double tolerance = options_.unit == ClipUnit::kFrames ? 0 : frame;
    for (Cut& cut : cuts) cut.EndOfVideo(end_, tolerance, status);
  }

 private:
  double Seconds(int64_t pts) const {
    return static_cast<double>(pts - first_pts_) *
           source_->info().time_base.value();
  }
  double Time(const VideoFrame& frame) const {
    return options_.unit == ClipUnit::kFrames ? static_cast<double>(num_frames_)
                                              : Seconds(frame.pts);
  }

  FrameSource* source_;
  const CutOptions& options_;
  int64_t first_pts_ = 0;
  int64_t num_frames_ = 0;
  double end_ = 0;
};

}  // namespace

cv::Rect WithAspect(const cv::Rect& box, cv::Size size, cv::Size frame) {
  const double aspect = static_cast<double>(size.width) / size.height;
  const int width = std::min(
      frame.width,
      std::max(box.width, static_cast<int>(std::lround(box.height * aspect))));
  const int height = std::min(
      frame.height,
      std::max(box.height, static_cast<int>(std::lround(box.width / aspect))));
  const int x = box.x + (box.width - width) / 2;
  const int y = box.y + (box.height - height) / 2;
  return cv::Rect(std::clamp(x, 0, frame.width - width),
                  std::clamp(y, 0, frame.height - height), width, height);
}

std::string ClipPath(const ClipSpec& spec, const CutOptions& options) {
  // A slash marks a folder, for names may hold dots.
  return absl::StrCat(options.output_folder, "/", spec.partition, "/",
                      spec.name, options.ending.empty() ? "/" : options.ending);
}

std::vector<CutResult> CutClips(const std::string& path,
                                const std::vector<const ClipSpec*>& specs,
                                const CutOptions& options) {
  std::vector<Cut> cuts;
  for (const ClipSpec* spec : specs) cuts.emplace_back(path, spec, options);
  auto source = pipelines::media::OpenFrameSource(path);
  if (source.ok()) {
    Pass(source->get(), options).Run(cuts);
  } else {
    for (Cut& cut : cuts) cut.EndOfVideo(0, 0, source.status());
  }
  std::vector<CutResult> results;
  for (const Cut& cut : cuts) results.push_back(cut.result());
  if (source.ok() && !results.empty()) {
    results.front().warnings = (*source)->info().warnings;
  }
  return results;
}

}  // namespace tools
