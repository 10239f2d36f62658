// Video files through FFmpeg's libraries: mp4, mov, avi, webm, gif and whatever
// else FFmpeg demuxes.
//
// A damaged or truncated file is an error and never a shorter video; README.md
// says how that is found out for each format.
#ifndef PIPELINES_MEDIA_VIDEO_READER_H_
#define PIPELINES_MEDIA_VIDEO_READER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "pipelines/media/frame_source.h"

namespace pipelines::media {

class VideoReader : public FrameSource {
 public:
  // `path` is a file's; with options.allow_addresses, a device or a URL, too.
  // A file that names other files (a playlist) is InvalidArgument. NotFound or
  // PermissionDenied when it cannot be opened; InvalidArgument when it is
  // empty, no video, of a codec FFmpeg does not know, or its frames are larger
  // than kMaxVideoPixels.
  static absl::StatusOr<std::unique_ptr<VideoReader>> Open(
      const std::string& path, const FrameSourceOptions& options = {});

  // The same for a video in memory; `name` stands in messages.
  static absl::StatusOr<std::unique_ptr<VideoReader>> OpenBytes(
      std::shared_ptr<const std::string> bytes, const std::string& name,
      const FrameSourceOptions& options = {});

  ~VideoReader() override;

  const VideoInfo& info() const override;
  absl::StatusOr<std::optional<VideoFrame>> Next() override;

  // Counts packets and decodes one frame only, except for codecs whose packets
  // are not always frames.
  absl::StatusOr<int64_t> Count() override;

  // Frames returned so far.
  int64_t num_read() const;

  std::string damage() const override;

 private:
  class Impl;
  explicit VideoReader(std::unique_ptr<Impl> impl);
  static absl::StatusOr<std::unique_ptr<VideoReader>> Open(
      std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

// Frames in the video at `path`. The errors of Open and Count.
absl::StatusOr<int64_t> CountFrames(const std::string& path);

// What VideoWriterOptions::comment stored in the video at `path`; "" without
// one. NotFound, PermissionDenied, or InvalidArgument for what is no video.
absl::StatusOr<std::string> ReadComment(const std::string& path);

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_VIDEO_READER_H_
