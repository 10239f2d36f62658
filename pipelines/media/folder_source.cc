// Tested by frame_source_test.cc.
#include "pipelines/media/folder_source.h"

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "opencv2/core.hpp"
#include "pipelines/media/image_folder.h"
#include "pipelines/media/image_io.h"
#include "pipelines/media/lost_frames.h"
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
        options_(options) {
    info_.random_access = true;
  }

  const VideoInfo& info() const override { return info_; }

  absl::StatusOr<std::optional<VideoFrame>> Next() override {
    while (next_ < num_frames()) {
      const std::string& file = files_[static_cast<size_t>(next_)];
      const absl::StatusOr<ImageWithAlpha> image = ReadImageWithAlpha(file);
      if (image.ok()) return FrameOf(*image, file);
      RETURN_IF_ERROR(Allow(image.status()));
      ++next_;
    }
    return std::nullopt;
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

  std::string damage() const override {
    if (lost_.empty()) return "";
    return absl::StrCat(
        LostFrames(static_cast<int64_t>(lost_.size()), num_frames()),
        ", the first: ", lost_.begin()->second);
  }

 private:
  int64_t num_frames() const { return static_cast<int64_t>(files_.size()); }

  absl::StatusOr<std::optional<VideoFrame>> FrameOf(const ImageWithAlpha& image,
                                                    const std::string& file) {
    VideoFrame frame;
    frame.rgb = image.rgb;
    frame.alpha = image.alpha;
    const bool is_other =
        frame.rgb.cols != info_.width || frame.rgb.rows != info_.height;
    if (is_other && !options_.allow_other_sizes) {
      return absl::InvalidArgumentError(absl::StrCat(
          file, " has ", frame.rgb.cols, "x", frame.rgb.rows,
          " pixels, the folder's first frame ", info_.width, "x", info_.height,
          "; frames must have one size, or be resized"));
    }
    frame.pts = next_++;
    frame.duration = 1;
    return frame;
  }

  // OK, with a note for damage(), where `error` says that the next picture
  // cannot be decoded, and that is allowed.
  absl::Status Allow(const absl::Status& error) {
    if (!absl::IsInvalidArgument(error)) return error;
    const std::string message(error.message());
    if (options_.allow_damaged) {
      lost_.emplace(next_, message);
      return absl::OkStatus();
    }
    if (options_.damage_advice.empty()) return error;
    return absl::InvalidArgumentError(
        absl::StrCat(message, "; ", options_.damage_advice));
  }

  std::string path_;
  std::vector<std::string> files_;
  VideoInfo info_;
  FrameSourceOptions options_;
  int64_t next_ = 0;
  // By its number, why a picture is left out: one that is read again, after
  // Seek, counts once.
  std::map<int64_t, std::string> lost_;
};

absl::StatusOr<cv::Size> SizeOf(const std::string& file) {
  ASSIGN_OR_RETURN(const std::string bytes, ReadImageFile(file));
  return ProbeImage(bytes, file);
}

// The size of the first picture; with allow_damaged, of the first one that
// states it.
absl::StatusOr<cv::Size> FirstSize(const std::vector<std::string>& files,
                                   bool allow_damaged) {
  const absl::StatusOr<cv::Size> first = SizeOf(files[0]);
  absl::StatusOr<cv::Size> size = first;
  for (size_t i = 1; i < files.size(); ++i) {
    if (!allow_damaged || !absl::IsInvalidArgument(size.status())) break;
    size = SizeOf(files[i]);
  }
  return absl::IsInvalidArgument(size.status()) ? first : size;
}

}  // namespace

absl::StatusOr<std::unique_ptr<FrameSource>> OpenFolderSource(
    const MediaInput& folder, const FrameSourceOptions& options) {
  ASSIGN_OR_RETURN(std::vector<std::string> files, ListFrameFiles(folder.name));
  const absl::StatusOr<cv::Size> size = FirstSize(files, options.allow_damaged);
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
