// Whole videos in memory, for the tests of the writer and the reader.
#ifndef PIPELINES_MEDIA_READ_VIDEO_TEST_UTIL_H_
#define PIPELINES_MEDIA_READ_VIDEO_TEST_UTIL_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "networks/files/read_file.h"
#include "opencv2/core.hpp"
#include "pipelines/media/video_reader.h"
#include "pipelines/media/video_test_util.h"
#include "pipelines/media/video_writer.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines::media {

struct ReadVideo {
  VideoInfo info;
  std::vector<VideoFrame> frames;
  absl::Status end;  // OK at the regular end
  std::string damage;
};

inline ReadVideo ReadAll(const std::string& path,
                         const FrameSourceOptions& options = {}) {
  ReadVideo result;
  auto reader = VideoReader::Open(path, options);
  result.end = reader.status();
  if (!reader.ok()) return result;
  result.info = (*reader)->info();
  while (true) {
    auto frame = (*reader)->Next();
    result.end = frame.status();
    if (!frame.ok() || !*frame) break;
    result.frames.push_back(**frame);
  }
  result.damage = (*reader)->damage();
  return result;
}

// The rest of the source; the test fails where it ends in an error.
inline std::vector<VideoFrame> ReadAll(FrameSource& source) {
  std::vector<VideoFrame> frames;
  while (true) {
    absl::StatusOr<std::optional<VideoFrame>> frame = source.Next();
    EXPECT_THAT(frame, IsOk());
    if (!frame.ok() || !*frame) return frames;
    frames.push_back(**std::move(frame));
  }
}

inline std::vector<int> Indices(const ReadVideo& video) {
  std::vector<int> indices;
  for (const VideoFrame& frame : video.frames) {
    indices.push_back(FrameIndex(frame.rgb));
  }
  return indices;
}

inline std::vector<int> Range(int n) {
  std::vector<int> range(static_cast<size_t>(n));
  for (int i = 0; i < n; ++i) range[static_cast<size_t>(i)] = i;
  return range;
}

inline std::string Contents(const std::string& path) {
  const auto bytes = networks::files::ReadFile(path);
  EXPECT_THAT(bytes, IsOk());
  return bytes.value_or("");
}

inline VideoWriterOptions Sized(cv::Size size) {
  VideoWriterOptions options;
  options.width = size.width;
  options.height = size.height;
  return options;
}

inline constexpr char kTestdata[] = "pipelines/media/testdata/video/";

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_READ_VIDEO_TEST_UTIL_H_
