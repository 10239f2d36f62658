// VideoWriter and VideoReader, each the other's proof.
#include <sys/mman.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/atomic_file.h"
#include "opencv2/core.hpp"
#include "pipelines/media/read_video_test_util.h"
#include "pipelines/media/video_reader.h"
#include "pipelines/media/video_test_util.h"
#include "pipelines/media/video_writer.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines::media {
namespace {

using ::networks::files::WriteAtomically;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class EveryFormat : public testing::TestWithParam<const char*> {
 protected:
  std::string Path(const std::string& stem) {
    return TempPath(stem + GetParam());
  }
};

INSTANTIATE_TEST_SUITE_P(Endings, EveryFormat,
                         testing::Values(".mp4", ".mov", ".mkv", ".avi",
                                         ".webm", ".gif"),
                         [](const auto& info) { return info.param + 1; });

TEST_P(EveryFormat, IsReadAsItWasWritten) {
  const std::string path = Path("Größe: ein Film mit #1");
  WriteNumberedVideo(path, cv::Size(96, 64), 40);
  const ReadVideo video = ReadAll(path);
  ASSERT_THAT(video.end, IsOk());
  EXPECT_EQ(Indices(video), Range(40));
  EXPECT_EQ(video.info.width, 96);
  EXPECT_EQ(video.info.height, 64);
  EXPECT_EQ(video.info.frame_rate, (Rational{25, 1}));
  EXPECT_FALSE(video.info.has_audio);
  EXPECT_THAT(CountFrames(path), IsOkAndHolds(40));
}

TEST_P(EveryFormat, HoldsASingleFrame) {
  const std::string path = Path("single");
  WriteNumberedVideo(path, cv::Size(32, 32), 1);
  EXPECT_THAT(Indices(ReadAll(path)), ElementsAre(0));
  EXPECT_THAT(CountFrames(path), IsOkAndHolds(1));
}

// The law of video_reader.h, first part: a shorter file is never a shorter
// video. The cuts are spread over the file, the last takes a single byte.
TEST_P(EveryFormat, TruncatedAnywhereIsAnError) {
  const std::string path = Path("whole"), cut_path = Path("cut");
  WriteNumberedVideo(path, cv::Size(96, 64), 40);
  const std::string whole = Contents(path);
  for (size_t part = 1; part <= 16; ++part) {
    const size_t size = part < 16 ? whole.size() * part / 16 : whole.size() - 1;
    ASSERT_THAT(WriteAtomically(cut_path, whole.substr(0, size)), IsOk());
    const ReadVideo video = ReadAll(cut_path);
    EXPECT_THAT(video.end.message(), HasSubstr(cut_path))
        << size << " of " << whole.size() << " bytes";
    EXPECT_FALSE(CountFrames(cut_path).ok()) << size << " bytes";
  }
}

// Second part: damage inside is an error, or (where it hits what only changes
// colours) all frames come. Places spread over the file are overwritten one
// after the other; in a GIF most of them only change colours.
TEST_P(EveryFormat, DamagedAnywhereIsNeverAShorterVideo) {
  const std::string path = Path("sound"), bent_path = Path("bent");
  WriteNumberedVideo(path, cv::Size(96, 64), 40);
  const std::string sound = Contents(path);
  int num_found = 0;
  for (size_t part = 1; part < 24; ++part) {
    std::string bent = sound;
    const size_t at = sound.size() * part / 24;
    for (size_t i = at; i < at + 8 && i < bent.size(); ++i) bent[i] ^= 0x5a;
    ASSERT_THAT(WriteAtomically(bent_path, bent), IsOk());
    const ReadVideo video = ReadAll(bent_path);
    if (video.end.ok()) {
      EXPECT_EQ(video.frames.size(), 40u) << "byte " << at;
    } else {
      ++num_found;
      EXPECT_THAT(video.end.message(), HasSubstr(bent_path));
    }
  }
  // Nearly all of a GIF is colours without any checksum.
  if (GetParam() != std::string(".gif")) {
    EXPECT_GT(num_found, 0);
  }
}

// As a server does, which has no file.
TEST_P(EveryFormat, IsWrittenIntoAnOpenFile) {
  const int descriptor = memfd_create("answer", MFD_CLOEXEC);
  ASSERT_GE(descriptor, 0);
  VideoWriterOptions options = Sized(cv::Size(32, 32));
  options.descriptor = descriptor;
  options.comment = "synthetic";
  const std::string name = std::string("answer") + GetParam();
  auto writer = VideoWriter::Create(name, options);
  ASSERT_THAT(writer, IsOk());
  for (int i = 0; i < 5; ++i) {
    ASSERT_THAT((*writer)->Write(NumberedFrame(cv::Size(32, 32), i)), IsOk());
  }
  ASSERT_THAT((*writer)->Finish(), IsOk());
  EXPECT_NE(access(name.c_str(), F_OK), 0);
  const auto bytes = std::make_shared<const std::string>(
      Contents(absl::StrCat("/proc/self/fd/", descriptor)));
  close(descriptor);
  const auto reader = VideoReader::OpenBytes(bytes, name);
  ASSERT_THAT(reader, IsOk());
  for (int i = 0; i < 5; ++i) {
    const auto frame = (*reader)->Next();
    ASSERT_TRUE(frame.ok() && frame->has_value()) << frame.status();
    EXPECT_EQ(FrameIndex((*frame)->rgb), i);
  }
}

}  // namespace
}  // namespace pipelines::media
