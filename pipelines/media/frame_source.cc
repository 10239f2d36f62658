#include "pipelines/media/frame_source.h"

#include <sys/stat.h>

#include <fstream>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "pipelines/media/file_io.h"
#include "pipelines/media/image_folder.h"
#include "pipelines/media/image_io.h"
#include "pipelines/media/input_address.h"
#include "pipelines/media/video_reader.h"
#include "third_party/absl/status_macros.h"

namespace pipelines::data {
namespace {

VideoInfo ImageSequenceInfo(cv::Size size, int64_t num_frames) {
  VideoInfo info;
  info.width = size.width;
  info.height = size.height;
  info.frame_rate = kImageFrameRate;
  info.time_base = {kImageFrameRate.den, kImageFrameRate.num};
  info.num_frames = num_frames;
  info.duration = static_cast<double>(num_frames) / kImageFrameRate.value();
  return info;
}

// Frames that already are in memory.
class StackedSource : public FrameSource {
 public:
  StackedSource(const cv::Mat& row, int num_frames)
      : row_(row),
        info_(ImageSequenceInfo(cv::Size(row.cols / num_frames, row.rows),
                                num_frames)) {}

  const VideoInfo& info() const override { return info_; }

  absl::StatusOr<std::optional<VideoFrame>> Next() override {
    if (next_ == info_.num_frames) return std::nullopt;
    VideoFrame frame;
    frame.rgb = row_.colRange(static_cast<int>(next_) * info_.width,
                              static_cast<int>(next_ + 1) * info_.width)
                    .clone();
    frame.pts = next_++;
    frame.duration = 1;
    return frame;
  }

 private:
  cv::Mat row_;
  VideoInfo info_;
  int64_t next_ = 0;
};

class FolderSource : public FrameSource {
 public:
  static absl::StatusOr<std::unique_ptr<FrameSource>> Open(
      const std::string& path) {
    auto source = std::unique_ptr<FolderSource>(new FolderSource());
    ASSIGN_OR_RETURN(source->files_, ListFrameFiles(path));
    ASSIGN_OR_RETURN(const cv::Mat first, ReadImage(source->files_[0]));
    source->info_ = ImageSequenceInfo(
        first.size(), static_cast<int64_t>(source->files_.size()));
    return source;
  }

  const VideoInfo& info() const override { return info_; }

  absl::StatusOr<std::optional<VideoFrame>> Next() override {
    if (next_ == files_.size()) return std::nullopt;
    VideoFrame frame;
    ASSIGN_OR_RETURN(frame.rgb, ReadImage(files_[next_]));
    if (frame.rgb.cols != info_.width || frame.rgb.rows != info_.height) {
      return absl::InvalidArgumentError(
          absl::StrCat(files_[next_], " has ", frame.rgb.cols, "x",
                       frame.rgb.rows, " pixels, the folder's first frame ",
                       info_.width, "x", info_.height));
    }
    frame.pts = static_cast<int64_t>(next_++);
    frame.duration = 1;
    return frame;
  }

 private:
  FolderSource() = default;

  std::vector<std::string> files_;
  VideoInfo info_;
  size_t next_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<FrameSource>> OpenFrameSource(
    const std::string& path, const FrameSourceOptions& options) {
  if (options.allow_addresses && ClassifyAddress(path) != AddressKind::kFile) {
    return VideoReader::Open(path, options);
  }
  ASSIGN_OR_RETURN(const SourceKind kind, DetectSourceKind(path));
  switch (kind) {
    case SourceKind::kFolder:
      return FolderSource::Open(path);
    case SourceKind::kImage: {
      ASSIGN_OR_RETURN(const cv::Mat row, ReadImage(path));
      ASSIGN_OR_RETURN(
          const int num_frames,
          CountStackedFrames(row.size(), options.min_stacked_frames, path));
      return std::make_unique<StackedSource>(row, num_frames);
    }
    case SourceKind::kVideo:
      break;
  }
  return VideoReader::Open(path, options);
}

}  // namespace pipelines::data
