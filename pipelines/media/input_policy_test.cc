#include "pipelines/media/input_policy.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "pipelines/media/ffmpeg_util.h"

namespace pipelines::media {
namespace {

using ::testing::HasSubstr;

std::vector<const AVInputFormat*> AllFormats() {
  std::vector<const AVInputFormat*> formats;
  void* place = nullptr;
  while (const AVInputFormat* format = av_demuxer_iterate(&place)) {
    formats.push_back(format);
  }
  return formats;
}

// What reads texts that name other files, by the names of FFmpeg's sources.
TEST(InputPolicy, AllowsNothingInAFileThatNamesOtherFiles) {
  int found = 0;
  for (const AVInputFormat* format : AllFormats()) {
    for (const absl::string_view name : absl::StrSplit(format->name, ',')) {
      for (const char* leads_elsewhere :
           {"hls", "dash", "concat", "imf", "sdp", "rtsp", "rtp", "sap",
            "image2", "image2pipe", "vobsub", "webm_dash_manifest",
            "tedcaptions", "lavfi", "tty"}) {
        if (name != leads_elsewhere) continue;
        ++found;
        EXPECT_FALSE(IsAllowedInFile(*format)) << format->name;
        EXPECT_NE(WhyNotAllowed(*format, false), "") << format->name;
      }
    }
  }
  EXPECT_GT(found, 8);
}

TEST(InputPolicy, AllowsTheContainersOfVideos) {
  for (const char* name : {"mp4", "matroska", "webm", "avi", "mpegts", "gif",
                           "mpeg", "wav", "mp3", "flac"}) {
    const AVInputFormat* const format = av_find_input_format(name);
    ASSERT_NE(format, nullptr) << name;
    EXPECT_TRUE(IsAllowedInFile(*format)) << name;
  }
}

TEST(InputPolicy, SaysWhatAnInputIs) {
  const auto why = [](const char* name, bool is_pipe = false) {
    return WhyNotAllowed(*av_find_input_format(name), is_pipe);
  };
  EXPECT_THAT(why("hls"), HasSubstr("is a playlist"));
  EXPECT_THAT(why("tty"), HasSubstr("is a text"));
  EXPECT_THAT(why("psd_pipe"), HasSubstr("convert it to"));
  EXPECT_THAT(why("png_pipe"), HasSubstr("is a picture and no video"));
  EXPECT_THAT(why("png_pipe", /*is_pipe=*/true),
              HasSubstr("is a picture in a pipe; save it as a file"));
}

TEST(InputPolicy, LetsNoUrlReachTheFilesOfThisMachine) {
  for (const char* local :
       {"file", "pipe", "fd", "concat", "concatf", "subfile", "data", "cache",
        "async", "unix", "gopher", "bluray", "md5", "tee", ""}) {
    EXPECT_FALSE(IsAllowedProtocol(local)) << local;
  }
  for (const char* remote : {"http", "https", "rtsp", "srt"}) {
    EXPECT_TRUE(IsAllowedProtocol(remote)) << remote;
  }
  EXPECT_FALSE(absl::StrContains(UrlDemuxers(), "concat"));
  EXPECT_LT(RefuseNestedOpen(nullptr, nullptr, "file:/etc/passwd", 0, nullptr),
            0);
}

}  // namespace
}  // namespace pipelines::media
