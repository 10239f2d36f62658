#include "pipelines/data/clip.h"

#include <algorithm>
#include <memory>

#include "absl/strings/str_cat.h"
#include "pipelines/media/frame_source.h"
#include "pipelines/media/image_io.h"
#include "pipelines/media/input_address.h"
#include "third_party/absl/status_macros.h"

namespace pipelines::data {
namespace {

int64_t NumBytes(const cv::Mat& image) {
  return static_cast<int64_t>(image.total() * image.elemSize());
}

absl::Status TooLarge(const std::string& path, const ClipOptions& options) {
  return absl::InvalidArgumentError(
      absl::StrCat(path, ": as a clip in memory it needs more than ",
                   options.max_bytes >> 20,
                   " MiB; cut it into clips, or read it at a smaller size"));
}

// The frames of a clip, made as it asks for, within its memory.
class Collector {
 public:
  Collector(const std::string& path, const ClipOptions& options)
      : path_(path), options_(options) {}

  absl::Status Add(const cv::Mat& frame, cv::Mat* place) {
    *place =
        options_.size ? media::CropAndResize(frame, *options_.size) : frame;
    num_bytes_ += NumBytes(*place);
    if (num_bytes_ > options_.max_bytes) return TooLarge(path_, options_);
    return absl::OkStatus();
  }

 private:
  const std::string& path_;
  const ClipOptions& options_;
  int64_t num_bytes_ = 0;
};

absl::StatusOr<std::unique_ptr<media::FrameSource>> OpenClip(
    const std::string& path, const ClipOptions& options) {
  // A pipe can be read only once, and opening it waits for a writer.
  if (media::IsPipe(path)) {
    return absl::InvalidArgumentError(
        path + " is a pipe or a device and no clip; save it as a file");
  }
  media::FrameSourceOptions source_options;
  source_options.allow_other_sizes = options.size.has_value();
  return media::OpenFrameSource(path, source_options);
}

absl::StatusOr<std::vector<cv::Mat>> SeekFrames(media::FrameSource& source,
                                                const std::string& path,
                                                absl::Span<const int> indices,
                                                const ClipOptions& options) {
  Collector collector(path, options);
  std::vector<cv::Mat> frames(indices.size());
  for (size_t i = 0; i < indices.size(); ++i) {
    RETURN_IF_ERROR(source.Seek(indices[i]));
    ASSIGN_OR_RETURN(const std::optional<media::VideoFrame> frame,
                     source.Next());
    RETURN_IF_ERROR(collector.Add(frame->rgb, &frames[i]));
  }
  return frames;
}

// Reads up to the last of `indices`.
absl::StatusOr<std::vector<cv::Mat>> PickFrames(media::FrameSource& source,
                                                const std::string& path,
                                                absl::Span<const int> indices,
                                                const ClipOptions& options) {
  Collector collector(path, options);
  std::vector<cv::Mat> frames(indices.size());
  const int last =
      indices.empty() ? -1 : *std::max_element(indices.begin(), indices.end());
  for (int i = 0; i <= last; ++i) {
    ASSIGN_OR_RETURN(const std::optional<media::VideoFrame> frame,
                     source.Next());
    if (!frame) {
      return absl::OutOfRangeError(
          absl::StrCat(path, ": frame ", last, " of a clip of ", i));
    }
    for (size_t j = 0; j < indices.size(); ++j) {
      if (indices[j] != i) continue;
      RETURN_IF_ERROR(collector.Add(frame->rgb, &frames[j]));
    }
  }
  return frames;
}

}  // namespace

int64_t Clip::num_bytes() const {
  int64_t sum = 0;
  for (const cv::Mat& frame : frames) sum += NumBytes(frame);
  return sum;
}

absl::StatusOr<Clip> ReadClip(const std::string& path,
                              const ClipOptions& options) {
  ASSIGN_OR_RETURN(const std::unique_ptr<media::FrameSource> source,
                   OpenClip(path, options));
  Collector collector(path, options);
  Clip clip;
  clip.frame_rate = source->info().frame_rate;
  while (true) {
    ASSIGN_OR_RETURN(const std::optional<media::VideoFrame> frame,
                     source->Next());
    if (!frame) return clip;
    clip.frames.emplace_back();
    RETURN_IF_ERROR(collector.Add(frame->rgb, &clip.frames.back()));
  }
}

absl::StatusOr<std::vector<cv::Mat>> ReadClipFrames(
    const std::string& path, absl::Span<const int> indices,
    const ClipOptions& options) {
  ASSIGN_OR_RETURN(const std::unique_ptr<media::FrameSource> source,
                   OpenClip(path, options));
  return source->info().random_access
             ? SeekFrames(*source, path, indices, options)
             : PickFrames(*source, path, indices, options);
}

absl::StatusOr<ClipInfo> ProbeClip(const std::string& path) {
  ASSIGN_OR_RETURN(const std::unique_ptr<media::FrameSource> source,
                   OpenClip(path, {}));
  ClipInfo info;
  info.size = cv::Size(source->info().width, source->info().height);
  info.random_access = source->info().random_access;
  RETURN_IF_ERROR(source->Next().status());
  ASSIGN_OR_RETURN(const int64_t num_frames, source->Count());
  info.num_frames = static_cast<int>(num_frames);
  return info;
}

int FarthestFrame(const Clip& clip) {
  const auto distance = [&clip](const cv::Mat& frame) {
    return cv::norm(frame, clip.frames.front(), cv::NORM_L1);
  };
  const auto farthest =
      std::max_element(clip.frames.begin(), clip.frames.end(),
                       [&](const cv::Mat& a, const cv::Mat& b) {
                         return distance(a) < distance(b);
                       });
  return static_cast<int>(farthest - clip.frames.begin());
}

}  // namespace pipelines::data
