// Frames of a still or a video, cropped as the model is to see them.
#ifndef PIPELINES_ANIMATION_CROPPED_READER_H_
#define PIPELINES_ANIMATION_CROPPED_READER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "opencv2/core.hpp"
#include "pipelines/animation/crop_blend.h"
#include "pipelines/animation/face_choice.h"
#include "pipelines/animation/framing.h"
#include "pipelines/media/frame_source.h"

namespace pipelines {

struct CroppedFrame {
  cv::Mat picture;  // as filmed
  cv::Mat crop;     // what the model sees of it, at its size: the first part
  double seconds = 0;
  int64_t pts = 0;  // units of VideoInfo::time_base
  int64_t duration = 0;
  // Of `picture`, CV_8UC1; empty where it is opaque. See media::VideoFrame.
  cv::Mat alpha;
};

struct CroppedReaderOptions {
  CropMode crop = CropMode::kCentre;
  // Instead of `crop`: a part of the frames in their pixels, of which the
  // largest centred part with the model's aspect is taken.
  std::optional<cv::Rect> box;
  // Whose surroundings CropMode::kFace takes.
  FaceChoice face;
  cv::Size frame_size;  // the model's
  // How the frames are read. `stop` is asked before each of them, too.
  media::FrameSourceOptions input;
  // 0: all, counted from the first that is read. A live source gives more: its
  // caller, who may leave out some, counts.
  int64_t max_frames = 0;
  // Frames before this one are read over: the first that Next() gives.
  int64_t first_frame = 0;
};

// Not for two threads at a time.
class CroppedReader {
 public:
  // The errors of OpenFrameSource and FaceFinder.
  static absl::StatusOr<std::unique_ptr<CroppedReader>> Open(
      const std::string& path, const CroppedReaderOptions& options);

  const media::VideoInfo& info() const { return source_->info(); }
  int64_t num_read() const { return num_read_; }
  // Frames to come in all, if known; of a live source as many as its caller is
  // to take, by max_frames.
  std::optional<int64_t> num_frames() const;

  // The next frame; empty after the last one. The errors of FrameSource::Next;
  // with the first frame those of ChooseFaces, unless the largest face is
  // meant: without any it is the centre, with a warning; and InvalidArgument
  // where the options' box is not within the frame. Cancelled if `stop`
  // says so, which merely ends a live source.
  absl::StatusOr<std::optional<CroppedFrame>> Next();

  // The parts of the frames that are cropped, one a face, from left to right;
  // after the first frame. They are the same for all frames, so that the crops
  // do not shake.
  const std::vector<BlendedCrop>& parts() const { return parts_; }
  // Where faces were chosen by number, the other ones' parts.
  const std::vector<BlendedCrop>& other_parts() const { return other_parts_; }
  // The first.
  cv::Rect box() const { return parts_.empty() ? cv::Rect() : parts_[0].box; }
  // `picture`, a frame, as the model sees part `i` of it.
  cv::Mat Crop(const cv::Mat& picture, size_t i) const;
  // See FrameSource::damage.
  std::string damage() const { return source_->damage(); }
  // That no face was found; empty if all is well.
  const std::string& warning() const { return warning_; }

 private:
  CroppedReader(std::string path, const CroppedReaderOptions& options)
      : path_(std::move(path)), options_(options) {}

  absl::StatusOr<std::vector<cv::Rect>> ChosenOf(
      const std::vector<cv::Rect>& faces);
  absl::Status ChooseParts(const cv::Mat& first);
  absl::Status ChooseBox(cv::Size size);

  std::string path_;
  CroppedReaderOptions options_;
  std::unique_ptr<media::FrameSource> source_;
  std::vector<BlendedCrop> parts_, other_parts_;
  int64_t num_read_ = 0;
  int64_t first_pts_ = 0;
  std::string warning_;
};

}  // namespace pipelines

#endif  // PIPELINES_ANIMATION_CROPPED_READER_H_
