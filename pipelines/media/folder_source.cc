// Tested by frame_source_test.cc.
#include "pipelines/media/folder_source.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "opencv2/core.hpp"
#include "pipelines/media/image_folder.h"
#include "pipelines/media/image_io.h"
#include "third_party/absl/status_macros.h"

namespace pipelines::media {
namespace {

class FolderSource : public FrameSource {
 public:
  FolderSource(std::string path, std::vector<std::string> files,
               cv::Size first_size, const FrameSourceOptions& options)
      : path_(std::move(path)),
        files_(std::move(files)),
        info_(ImageSequenceInfo(first_size, num_frames(), options.image_rate)),
        allow_other_sizes_(options.allow_other_sizes) {
    info_.random_access = true;
  }

  const VideoInfo& info() const override { return info_; }

  absl::StatusOr<std::optional<VideoFrame>> Next() override {
    if (next_ == num_frames()) return std::nullopt;
    const std::string& file = files_[static_cast<size_t>(next_)];
    VideoFrame frame;
    ASSIGN_OR_RETURN(const ImageWithAlpha image, ReadImageWithAlpha(file));
    frame.rgb = image.rgb;
    frame.alpha = image.alpha;
    const bool is_other =
        frame.rgb.cols != info_.width || frame.rgb.rows != info_.height;
    if (is_other && !allow_other_sizes_) {
      return absl::InvalidArgumentError(absl::StrCat(
          file, " has ", frame.rgb.cols, "x", frame.rgb.rows,
          " pixels, the folder's first frame ", info_.width, "x", info_.height,
          "; frames must have one size, or be resized"));
    }
    frame.pts = next_++;
    frame.duration = 1;
    return frame;
  }

  absl::Status Seek(int64_t index) override {
    if (index < 0 || index >= num_frames()) {
      return absl::OutOfRangeError(
          absl::StrCat(path_, ": frame ", index, " of ", num_frames()));
    }
    next_ = index;
    return absl::OkStatus();
  }

  absl::StatusOr<int64_t> Count() override {
    next_ = num_frames();
    return num_frames();
  }

 private:
  int64_t num_frames() const { return static_cast<int64_t>(files_.size()); }

  std::string path_;
  std::vector<std::string> files_;
  VideoInfo info_;
  bool allow_other_sizes_;
  int64_t next_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<FrameSource>> OpenFolderSource(
    const MediaInput& folder, const FrameSourceOptions& options) {
  ASSIGN_OR_RETURN(std::vector<std::string> files, ListFrameFiles(folder.name));
  ASSIGN_OR_RETURN(const std::string first, ReadImageFile(files[0]));
  const absl::StatusOr<cv::Size> size = ProbeImage(first, files[0]);
  if (absl::IsInvalidArgument(size.status())) {
    return absl::InvalidArgumentError(
        absl::StrCat(size.status().message(),
                     "; a folder is read as the frames of one video"));
  }
  RETURN_IF_ERROR(size.status());
  return std::make_unique<FolderSource>(folder.name, std::move(files), *size,
                                        options);
}

}  // namespace pipelines::media
