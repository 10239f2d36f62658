// Frames of a still or a video, cropped as the model is to see them.
#ifndef PIPELINES_ANIMATION_CROPPED_READER_H_
#define PIPELINES_ANIMATION_CROPPED_READER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "opencv2/core.hpp"
#include "pipelines/animation/framing.h"
#include "pipelines/media/frame_source.h"
#include "pipelines/media/rational.h"

namespace pipelines {

struct CroppedFrame {
  cv::Mat picture;  // as filmed
  cv::Mat crop;     // what the model sees, at its size
  double seconds = 0;
  int64_t pts = 0;  // units of VideoInfo::time_base
  int64_t duration = 0;
};

struct CroppedReaderOptions {
  CropMode crop = CropMode::kCentre;
  cv::Size frame_size;  // the model's
  bool allow_damaged = false;
  // See media::FrameSourceOptions.
  bool allow_addresses = false;
  int min_stacked_frames = 2;
  media::Rational image_rate = {25, 1};
  int64_t max_frames = 0;  // 0: all
  // Asked before each frame; true ends the reading. May be empty.
  std::function<bool()> stop;
};

// Not for two threads at a time.
class CroppedReader {
 public:
  // The errors of OpenFrameSource and FaceFinder.
  static absl::StatusOr<std::unique_ptr<CroppedReader>> Open(
      const std::string& path, const CroppedReaderOptions& options);

  const media::VideoInfo& info() const { return source_->info(); }
  int64_t num_read() const { return num_read_; }
  // Frames to come in all, if known.
  std::optional<int64_t> num_frames() const;

  // The next frame; empty after the last one. The errors of FrameSource::Next;
  // Cancelled if `stop` says so, which merely ends a live source.
  absl::StatusOr<std::optional<CroppedFrame>> Next();

  // The part of the frames that is cropped; after the first frame.
  cv::Rect box() const { return box_; }
  // See FrameSource::damage.
  std::string damage() const { return source_->damage(); }
  // That no face was found; empty if all is well.
  const std::string& warning() const { return warning_; }

 private:
  CroppedReader(std::string path, const CroppedReaderOptions& options)
      : path_(std::move(path)), options_(options) {}

  absl::Status ChooseBox(const cv::Mat& first);

  std::string path_;
  CroppedReaderOptions options_;
  std::unique_ptr<media::FrameSource> source_;
  cv::Rect box_;  // one for all frames, so that the crop does not shake
  int64_t num_read_ = 0;
  int64_t first_pts_ = 0;
  std::string warning_;
};

}  // namespace pipelines

#endif  // PIPELINES_ANIMATION_CROPPED_READER_H_
