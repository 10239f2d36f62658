#include "tools/cut_clips/whole_videos.h"

#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "opencv2/core.hpp"
#include "pipelines/media/video_test_util.h"
#include "third_party/absl/status_matchers.h"
#include "tools/cut_clips/clip_list.h"

namespace tools {
namespace {

using ::absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr double kToTheEnd = std::numeric_limits<double>::infinity();

// Two videos of 50 frames at 25 a second, and a text.
class ClipsOfVideosTest : public networks::files::FolderTest {
 protected:
  ClipsOfVideosTest() {
    pipelines::media::WriteNumberedVideo(Path("ann.mp4"), cv::Size(64, 64), 50);
    pipelines::media::WriteNumberedVideo(Path("bob.mov"), cv::Size(64, 64), 50);
    // As cameras name them.
    std::filesystem::rename(Path("bob.mov"), Path("bob.MOV"));
    Write("notes.txt", "no video");
  }

  absl::StatusOr<WholeVideos> Clips(const std::vector<std::string>& test) {
    return ClipsOfVideos(folder_, {"ann.mp4", "bob.MOV", "notes.txt"}, test);
  }
};

TEST_F(ClipsOfVideosTest, KeepWholeVideosBack) {
  for (const char* test : {"bob", "bob.MOV"}) {
    const auto videos = Clips({test});
    ASSERT_THAT(videos, IsOk());
    ASSERT_EQ(videos->specs.size(), 2u);
    EXPECT_EQ(videos->specs[0].file, "ann.mp4");
    EXPECT_EQ(videos->specs[0].name, "ann");
    EXPECT_EQ(videos->specs[0].partition, "train");
    EXPECT_EQ(videos->specs[0].start, 0);
    EXPECT_EQ(videos->specs[0].end, kToTheEnd);
    EXPECT_EQ(videos->specs[1].name, "bob");
    EXPECT_EQ(videos->specs[1].partition, "test");
    EXPECT_THAT(videos->skipped, ElementsAre("notes.txt"));
    EXPECT_THAT(videos->missing, IsEmpty());
  }
}

TEST_F(ClipsOfVideosTest, PartEachVideoWhereNoneIsKeptBack) {
  const auto videos = Clips({});
  ASSERT_THAT(videos, IsOk());
  ASSERT_EQ(videos->specs.size(), 4u);
  const ClipSpec& train = videos->specs[2];
  const ClipSpec& test = videos->specs[3];
  EXPECT_EQ(train.name, "bob#0-1.600");
  EXPECT_EQ(train.partition, "train");
  EXPECT_EQ(train.start, 0);
  EXPECT_EQ(train.end, 1.6);
  EXPECT_EQ(test.name, "bob#1.600-end");
  EXPECT_EQ(test.partition, "test");
  EXPECT_EQ(test.start, 1.6);
  EXPECT_EQ(test.end, kToTheEnd);
}

// A Matroska file states one length, of what is longest in it.
TEST_F(ClipsOfVideosTest, PartAVideoByItsPictures) {
  namespace media = pipelines::media;
  media::WriteSound(Path("sound.m4a"), 4);
  media::MergeSound({Path("ann.mp4"), Path("sound.m4a")}, {"und", "und"},
                    Path("long.mkv"));
  const auto videos = ClipsOfVideos(folder_, {"long.mkv"}, {});
  ASSERT_THAT(videos, IsOk());
  EXPECT_NEAR(videos->specs[0].end, 1.6, 0.01);
}

TEST_F(ClipsOfVideosTest, TakePicturesThatMove) {
  pipelines::media::WriteNumberedVideo(Path("carl.webp"), cv::Size(64, 64), 10);
  pipelines::media::WriteNumberedStack(Path("dora.png"), 64, 1);
  Write("empty.webp", "");
  Write("text.png", "no picture");
  const auto videos = ClipsOfVideos(
      folder_, {"carl.webp", "dora.png", "empty.webp", "text.png"}, {});
  ASSERT_THAT(videos, IsOk());
  ASSERT_EQ(videos->specs.size(), 2u);
  EXPECT_EQ(videos->specs[0].file, "carl.webp");
  EXPECT_EQ(videos->specs[0].end, 0.32);
  EXPECT_THAT(videos->skipped,
              ElementsAre("dora.png", "empty.webp", "text.png"));
}

// Not parted: what is kept back may have left the folder.
TEST_F(ClipsOfVideosTest, TellWhichOfTheVideosToKeepBackAreMissing) {
  const auto videos = Clips({"carl.mp4"});
  ASSERT_THAT(videos, IsOk());
  EXPECT_THAT(videos->missing, ElementsAre("carl.mp4"));
  ASSERT_EQ(videos->specs.size(), 2u);
  EXPECT_EQ(videos->specs[0].name, "ann");
  EXPECT_EQ(videos->specs[0].partition, "train");
}

TEST_F(ClipsOfVideosTest, RefuseWhatNamesNoVideo) {
  EXPECT_THAT(ClipsOfVideos(folder_, {"notes.txt"}, {}),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("notes.txt: is no video")));
  EXPECT_THAT(
      ClipsOfVideos(folder_, {"notes.txt", "more.txt"}, {}),
      StatusIs(StatusCode::kInvalidArgument, HasSubstr("holds no videos")));
  EXPECT_THAT(ClipsOfVideos(folder_, {"ann.mov", "ann.mp4"}, {"ann"}),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("two videos are named ann")));
  EXPECT_THAT(ClipsOfVideos(folder_, {".ann.mp4"}, {}),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr(".ann.mp4: its name begins with a dot")));
  Write("broken.mp4", "no video");
  EXPECT_THAT(ClipsOfVideos(folder_, {"broken.mp4"}, {}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("broken.mp4")));
}

}  // namespace
}  // namespace tools
