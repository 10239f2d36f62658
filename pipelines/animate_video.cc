#include "pipelines/animate_video.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "opencv2/imgproc.hpp"
#include "pipelines/app/exit_code.h"
#include "pipelines/app/stop_signal.h"
#include "pipelines/data/frame_source.h"
#include "pipelines/data/image_io.h"
#include "pipelines/data/video_writer.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

constexpr char kProvenance[] =
    "Synthetic: a still image animated by CPAB image animation";

absl::StatusOr<cv::Mat> ReadFirstFrame(const std::string& path) {
  ASSIGN_OR_RETURN(const std::unique_ptr<data::FrameSource> frames,
                   data::OpenFrameSource(path));
  ASSIGN_OR_RETURN(const std::optional<data::VideoFrame> first, frames->Next());
  if (!first) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": has no frame to animate"));
  }
  return first->rgb;
}

// Lays pictures out as the options say.
class Layout {
 public:
  Layout(const AnimateVideoOptions& options, cv::Size frame,
         const cv::Mat& source)
      : side_by_side_(options.side_by_side), frame_(frame) {
    const int side = std::min(frame.width, frame.height);
    while (side * scale_ < options.min_output_side) ++scale_;
    if (side_by_side_) source_ = data::CropAndResize(source, frame);
  }

  cv::Size size() const {
    return {frame_.width * scale_ * (side_by_side_ ? 3 : 1),
            frame_.height * scale_};
  }

  cv::Mat Compose(const cv::Mat& driving, const cv::Mat& result) const {
    cv::Mat picture = result;
    if (side_by_side_) {
      cv::hconcat(
          std::vector<cv::Mat>{source_, data::CropAndResize(driving, frame_),
                               result},
          picture);
    }
    if (scale_ == 1) return picture;
    cv::Mat enlarged;
    cv::resize(picture, enlarged, size(), 0, 0, cv::INTER_CUBIC);
    return enlarged;
  }

 private:
  bool side_by_side_;
  cv::Size frame_;
  int scale_ = 1;
  cv::Mat source_;
};

absl::StatusOr<std::unique_ptr<data::VideoWriter>> CreateWriter(
    const std::string& output, cv::Size size, const data::VideoInfo& driving,
    const std::string& driving_path) {
  data::VideoWriterOptions options;
  options.width = size.width;
  options.height = size.height;
  options.frame_rate = driving.frame_rate;
  options.time_base = driving.time_base;
  if (driving.has_audio) options.audio_from = driving_path;
  options.comment = kProvenance;
  return data::VideoWriter::Create(output, options);
}

}  // namespace

absl::StatusOr<AnimateVideoReport> AnimateVideo(
    Animator& animator, const std::string& source, const std::string& driving,
    const std::string& output, const AnimateVideoOptions& options) {
  ASSIGN_OR_RETURN(const cv::Mat still, ReadFirstFrame(source));
  ASSIGN_OR_RETURN(const std::unique_ptr<data::FrameSource> frames,
                   data::OpenFrameSource(driving));
  const Layout layout(options, animator.frame_size(), still);
  ASSIGN_OR_RETURN(
      const std::unique_ptr<data::VideoWriter> writer,
      CreateWriter(output, layout.size(), frames->info(), driving));

  animator.SetSource(still);
  AnimateVideoReport report;
  std::vector<data::VideoFrame> batch;
  const auto finish_batch = [&]() -> absl::Status {
    std::vector<cv::Mat> pictures;
    for (const data::VideoFrame& frame : batch) pictures.push_back(frame.rgb);
    const std::vector<cv::Mat> results = animator.Animate(pictures);
    for (size_t i = 0; i < batch.size(); ++i) {
      RETURN_IF_ERROR(writer->WriteAt(layout.Compose(pictures[i], results[i]),
                                      batch[i].pts, batch[i].duration));
    }
    report.frames += batch.size();
    batch.clear();
    if (options.progress) {
      options.progress(report.frames, frames->info().num_frames.value_or(0));
    }
    return absl::OkStatus();
  };
  for (;;) {
    if (StopSignal() != 0) return StoppedBySignal(StopSignal());
    ASSIGN_OR_RETURN(std::optional<data::VideoFrame> frame, frames->Next());
    if (frame) batch.push_back(*std::move(frame));
    const bool last = !frame;
    if (static_cast<int>(batch.size()) == options.batch_size ||
        (last && !batch.empty())) {
      RETURN_IF_ERROR(finish_batch());
    }
    if (last) break;
  }
  RETURN_IF_ERROR(writer->Finish());
  report.warnings = writer->warnings();
  return report;
}

}  // namespace pipelines
