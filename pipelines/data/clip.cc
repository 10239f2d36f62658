#include "pipelines/data/clip.h"

#include <algorithm>
#include <memory>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "pipelines/media/file_io.h"
#include "pipelines/media/frame_source.h"
#include "pipelines/media/image_folder.h"
#include "pipelines/media/image_io.h"
#include "pipelines/media/video_reader.h"
#include "third_party/absl/status_macros.h"

namespace pipelines::data {
namespace {

cv::Mat Sized(const cv::Mat& frame, const ClipOptions& options) {
  return options.size ? CropAndResize(frame, *options.size) : frame;
}

int64_t NumBytes(const cv::Mat& image) {
  return static_cast<int64_t>(image.total() * image.elemSize());
}

absl::Status TooLarge(const std::string& path, const ClipOptions& options) {
  return absl::ResourceExhaustedError(
      absl::StrCat(path, ": as a clip in memory it needs more than ",
                   options.max_bytes >> 20,
                   " MiB; cut it into clips, or read it at a smaller size"));
}

// The images of a folder may differ in size as long as all are resized. All of
// them if `indices` is empty.
absl::StatusOr<std::vector<cv::Mat>> ReadFolderFrames(
    const std::string& path, std::vector<int> indices,
    const ClipOptions& options) {
  ASSIGN_OR_RETURN(const std::vector<std::string> files, ListFrameFiles(path));
  if (indices.empty()) {
    indices.resize(files.size());
    std::iota(indices.begin(), indices.end(), 0);
  }
  int64_t num_bytes = 0;
  std::vector<cv::Mat> frames;
  for (int index : indices) {
    if (index < 0 || index >= static_cast<int>(files.size())) {
      return absl::OutOfRangeError(absl::StrCat(
          path, ": frame ", index, " of a clip of ", files.size()));
    }
    ASSIGN_OR_RETURN(const cv::Mat frame,
                     ReadImage(files[static_cast<size_t>(index)]));
    frames.push_back(Sized(frame, options));
    if (frames.back().size() != frames.front().size()) {
      return absl::InvalidArgumentError(absl::StrCat(
          files[static_cast<size_t>(index)],
          " differs in size from other frames of its clip; set an image size"));
    }
    num_bytes += NumBytes(frames.back());
    if (num_bytes > options.max_bytes) return TooLarge(path, options);
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
  ASSIGN_OR_RETURN(const SourceKind kind, DetectSourceKind(path));
  Clip clip;
  if (kind == SourceKind::kFolder) {
    ASSIGN_OR_RETURN(clip.frames, ReadFolderFrames(path, {}, options));
    clip.frame_rate = kImageFrameRate;
    return clip;
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<FrameSource> source,
                   OpenFrameSource(path));
  clip.frame_rate = source->info().frame_rate;
  int64_t num_bytes = 0;
  while (true) {
    ASSIGN_OR_RETURN(std::optional<VideoFrame> frame, source->Next());
    if (!frame) return clip;
    clip.frames.push_back(Sized(frame->rgb, options));
    num_bytes += NumBytes(clip.frames.back());
    if (num_bytes > options.max_bytes) return TooLarge(path, options);
  }
}

absl::StatusOr<std::vector<cv::Mat>> ReadClipFrames(
    const std::string& path, absl::Span<const int> indices,
    const ClipOptions& options) {
  ASSIGN_OR_RETURN(const SourceKind kind, DetectSourceKind(path));
  if (kind == SourceKind::kFolder) {
    return indices.empty()
               ? std::vector<cv::Mat>()
               : ReadFolderFrames(path, {indices.begin(), indices.end()},
                                  options);
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<FrameSource> source,
                   OpenFrameSource(path));
  const int last =
      indices.empty() ? -1 : *std::max_element(indices.begin(), indices.end());
  std::vector<cv::Mat> frames(indices.size());
  for (int i = 0; i <= last; ++i) {
    ASSIGN_OR_RETURN(const std::optional<VideoFrame> frame, source->Next());
    if (!frame) {
      return absl::OutOfRangeError(
          absl::StrCat(path, ": frame ", last, " of a clip of ", i));
    }
    for (size_t j = 0; j < indices.size(); ++j) {
      if (indices[j] == i) frames[j] = Sized(frame->rgb, options);
    }
  }
  return frames;
}

absl::StatusOr<ClipInfo> ProbeClip(const std::string& path) {
  ASSIGN_OR_RETURN(const SourceKind kind, DetectSourceKind(path));
  ClipInfo info;
  if (kind == SourceKind::kImage) {
    // One image holds all frames, so its decoding shows all that may be wrong.
    ASSIGN_OR_RETURN(const cv::Mat row, ReadImage(path));
    const int min_frames = FrameSourceOptions().min_stacked_frames;
    ASSIGN_OR_RETURN(info.num_frames,
                     CountStackedFrames(row.size(), min_frames, path));
    info.size = cv::Size(row.cols / info.num_frames, row.rows);
    return info;
  }
  if (kind == SourceKind::kFolder) {
    ASSIGN_OR_RETURN(const std::vector<std::string> files,
                     ListFrameFiles(path));
    ASSIGN_OR_RETURN(const cv::Mat first, ReadImage(files[0]));
    info.num_frames = static_cast<int>(files.size());
    info.size = first.size();
    info.random_access = true;
    return info;
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<VideoReader> reader,
                   VideoReader::Open(path));
  info.size = cv::Size(reader->info().width, reader->info().height);
  ASSIGN_OR_RETURN(const int64_t num_frames, CountFrames(path));
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
