#include "pipelines/animation/cropped_reader.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "opencv2/core.hpp"
#include "pipelines/animation/face_choice.h"
#include "pipelines/animation/framing.h"
#include "pipelines/media/video_test_util.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::HasSubstr;

class CroppedReaderTest : public networks::files::FolderTest {
 protected:
  CroppedReaderTest() { options_.frame_size = {32, 32}; }

  // Frames of `path` to its end.
  std::vector<CroppedFrame> ReadAll(const std::string& path) {
    std::vector<CroppedFrame> frames;
    auto opened = CroppedReader::Open(path, options_);
    EXPECT_THAT(opened, IsOk());
    if (!opened.ok()) return frames;
    reader_ = *std::move(opened);
    while (true) {
      auto frame = reader_->Next();
      end_ = frame.status();
      if (!frame.ok() || !*frame) return frames;
      frames.push_back(**std::move(frame));
    }
  }

  std::string Video(int frames) {
    media::WriteNumberedVideo(Path("v.mp4"), {96, 64}, frames, {25, 1});
    return Path("v.mp4");
  }

  CroppedReaderOptions options_;
  std::unique_ptr<CroppedReader> reader_;
  absl::Status end_;
};

TEST_F(CroppedReaderTest, GivesEachFrameWithItsTimeAsFilmedAndAsSeen) {
  const std::vector<CroppedFrame> frames = ReadAll(Video(3));
  EXPECT_THAT(end_, IsOk());
  ASSERT_EQ(frames.size(), 3u);
  EXPECT_EQ(reader_->num_read(), 3);
  EXPECT_EQ(reader_->num_frames(), 3);
  for (int i = 0; i < 3; ++i) {
    const CroppedFrame& frame = frames[static_cast<size_t>(i)];
    EXPECT_EQ(media::FrameIndex(frame.picture), i);
    EXPECT_EQ(frame.picture.size(), cv::Size(96, 64));
    EXPECT_EQ(frame.crop.size(), cv::Size(32, 32));
    EXPECT_NEAR(frame.seconds, i / 25., 1e-9);
    EXPECT_TRUE(frame.alpha.empty());
  }
}

TEST_F(CroppedReaderTest, IsStoppedBeforeTheFrameThatIsAskedFor) {
  options_.first_frame = 4;
  int asked = 0;
  options_.input.stop = [&] { return ++asked > 2; };
  EXPECT_TRUE(ReadAll(Video(5)).empty());
  EXPECT_THAT(end_, StatusIs(StatusCode::kCancelled, testing::_));
}

TEST_F(CroppedReaderTest, TakesTheMiddleOrSqueezesAll) {
  ReadAll(Video(1));
  EXPECT_EQ(reader_->box(), cv::Rect(16, 0, 64, 64));
  options_.crop = CropMode::kNone;
  ReadAll(Path("v.mp4"));
  EXPECT_EQ(reader_->box(), cv::Rect(0, 0, 96, 64));
}

TEST_F(CroppedReaderTest, ReadsNoMoreThanItMay) {
  options_.max_frames = 2;
  EXPECT_EQ(ReadAll(Video(5)).size(), 2u);
  EXPECT_EQ(reader_->num_frames(), 2);
  options_.max_frames = 9;
  EXPECT_EQ(ReadAll(Path("v.mp4")).size(), 5u);
  EXPECT_EQ(reader_->num_frames(), 5);
}

TEST_F(CroppedReaderTest, LeavesTheFramesOfALiveSourceToItsCallerToCount) {
  options_.input.allow_addresses = true;
  options_.max_frames = 2;
  EXPECT_EQ(ReadAll("lavfi:testsrc=size=48x48:rate=25:duration=0.2").size(),
            5u);
  EXPECT_THAT(end_, IsOk());
  EXPECT_EQ(reader_->num_frames(), 2);
}

// Whose surroundings are taken is looked for in that frame.
TEST_F(CroppedReaderTest, BeginsWithTheFrameThatIsAskedFor) {
  options_.first_frame = 3;
  options_.crop = CropMode::kFace;
  const std::vector<CroppedFrame> frames = ReadAll(Video(5));
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(media::FrameIndex(frames[0].picture), 3);
  EXPECT_EQ(reader_->parts().size(), 1u);
  options_.first_frame = 5;
  EXPECT_TRUE(ReadAll(Path("v.mp4")).empty());
  EXPECT_THAT(end_, IsOk());
  EXPECT_EQ(reader_->num_read(), 5);
  EXPECT_TRUE(reader_->parts().empty());  // no frame was looked at
}

TEST_F(CroppedReaderTest, EndsWithAnErrorWhereItIsStopped) {
  int asked = 0;
  options_.input.stop = [&] { return ++asked > 2; };
  EXPECT_EQ(ReadAll(Video(5)).size(), 2u);
  EXPECT_THAT(end_, StatusIs(StatusCode::kCancelled, testing::_));
}

TEST_F(CroppedReaderTest, TakesTheCentreWithAWarningWhereThereIsNoFace) {
  options_.crop = CropMode::kFace;
  EXPECT_EQ(ReadAll(Video(2)).size(), 2u);
  EXPECT_THAT(reader_->warning(),
              AllOf(HasSubstr("no face was found in frame 0; the centre"),
                    HasSubstr("Begin with a frame that shows one"),
                    HasSubstr("--crop x,y,width,height")));
  EXPECT_EQ(reader_->box(), cv::Rect(16, 0, 64, 64));
  options_.first_frame = 3;
  EXPECT_EQ(ReadAll(Video(5)).size(), 2u);
  EXPECT_THAT(reader_->warning(), HasSubstr("in frame 3;"));
}

// Who is asked for by number has to be there.
TEST_F(CroppedReaderTest, NamesTheFileWhereAFaceIsMissing) {
  options_.crop = CropMode::kFace;
  options_.face = *ParseFaceChoice("2");
  EXPECT_EQ(ReadAll(Video(2)).size(), 0u);
  EXPECT_FALSE(end_.ok());
  EXPECT_THAT(end_.message(), HasSubstr(Path("v.mp4")));
}

}  // namespace
}  // namespace pipelines
