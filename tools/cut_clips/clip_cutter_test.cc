#include "tools/cut_clips/clip_cutter.h"

#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "pipelines/data/clip.h"
#include "pipelines/media/video_test_util.h"
#include "third_party/absl/status_matchers.h"
#include "tools/cut_clips/clip_list.h"

namespace tools {
namespace {

using ::absl::StatusCode;
using ::pipelines::data::Clip;
using ::pipelines::data::ReadClip;
using ::pipelines::media::FrameIndex;
using ::pipelines::media::TempFolder;
using ::pipelines::media::TempPath;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A video of 50 numbered frames at 25 a second, and a folder for its clips.
class ClipCutterTest : public testing::Test {
 protected:
  ClipCutterTest() {
    pipelines::media::WriteNumberedVideo(video_, cv::Size(96, 64), 50);
    options_.output_folder = TempFolder(
        testing::UnitTest::GetInstance()->current_test_info()->name());
    mkdir((options_.output_folder + "/train").c_str(), 0755);
    options_.crf = 18;
  }

  std::vector<CutResult> Cut(const std::string& rows) {
    auto specs = ParseClipList("file,start,end,box,name\n" + rows, "list.csv");
    EXPECT_THAT(specs, IsOk());
    specs_ = specs.value_or(std::vector<ClipSpec>());
    std::vector<const ClipSpec*> pointers;
    for (const ClipSpec& spec : specs_) pointers.push_back(&spec);
    return CutClips(video_, pointers, options_);
  }

  Clip Read(size_t i) {
    auto clip = ReadClip(ClipPath(specs_[i], options_));
    EXPECT_THAT(clip, IsOk());
    return clip.value_or(Clip());
  }

  std::string video_ = TempPath("a long video.mp4");
  CutOptions options_;
  std::vector<ClipSpec> specs_;
};

TEST_F(ClipCutterTest, CutsOverlappingPiecesInOnePass) {
  for (const CutResult& result :
       Cut("v,0.4,0.8,,first\nv,0.6,2,,second\nv,0,0.04,,third\n")) {
    EXPECT_THAT(result.status, IsOk());
  }
  const Clip first = Read(0), second = Read(1), third = Read(2);
  ASSERT_EQ(first.frames.size(), 10u);
  EXPECT_EQ(FrameIndex(first.frames[0]), 10);
  EXPECT_EQ(FrameIndex(first.frames[9]), 19);
  ASSERT_EQ(second.frames.size(), 35u);
  EXPECT_EQ(FrameIndex(second.frames[34]), 49);
  EXPECT_EQ(third.frames.size(), 1u);
}

TEST_F(ClipCutterTest, CountsFramesIfAsked) {
  options_.unit = ClipUnit::kFrames;
  options_.ending = "";
  EXPECT_THAT(Cut("v,7,9,,frames.in.png\n").at(0).status, IsOk());
  const Clip clip = Read(0);
  ASSERT_EQ(clip.frames.size(), 2u);
  EXPECT_EQ(FrameIndex(clip.frames[1]), 8);
}

TEST_F(ClipCutterTest, CutsToTheEndWhereverThatIs) {
  for (const CutResult& result : Cut("v,,,,whole\nv,1.6,,,rest\n")) {
    EXPECT_THAT(result.status, IsOk());
  }
  EXPECT_EQ(Read(0).frames.size(), 50u);
  const Clip rest = Read(1);
  ASSERT_EQ(rest.frames.size(), 10u);
  EXPECT_EQ(FrameIndex(rest.frames[9]), 49);
  EXPECT_THAT(Cut("v,9,,,beyond\n").at(0).status,
              StatusIs(StatusCode::kOutOfRange,
                       AllOf(HasSubstr("beyond"),
                             HasSubstr("a long video.mp4 ends at 2, before"))));
}

// The last frame lasts from 1.96 to 2.
TEST_F(ClipCutterTest, SaysThatNoFrameBeginsBehindTheLast) {
  EXPECT_THAT(Cut("v,1.98,,,behind\n").at(0).status,
              StatusIs(StatusCode::kOutOfRange,
                       HasSubstr("clip behind (line 2): no frame begins")));
}

TEST_F(ClipCutterTest, CropsToTheBoxAtItsAspect) {
  // Bit 2 of a numbered frame is its upper right block; 60 has it, 3 has not.
  options_.unit = ClipUnit::kFrames;
  Cut("v,4,5,64-0-96-32,lit\nv,3,4,64-0-96-32,dark\n");
  EXPECT_EQ(Read(0).frames[0].size(), cv::Size(32, 32));
  EXPECT_GT(cv::mean(Read(0).frames[0])[1], 150);
  EXPECT_LT(cv::mean(Read(1).frames[0])[1], 90);

  options_.size = cv::Size(48, 48);
  EXPECT_THAT(Cut("v,4,5,90-0-96-32,widened\n").at(0).status, IsOk());
  // The box of 6 x 32 grows to 32 x 32 and moves to the left into the frame.
  EXPECT_EQ(Read(0).frames[0].size(), cv::Size(48, 48));
  EXPECT_GT(cv::mean(Read(0).frames[0])[1], 150);
}

TEST_F(ClipCutterTest, FailsOnlyTheClipsThatCannotBe) {
  const std::vector<CutResult> results =
      Cut("v,1,5,,too_long\nv,9,10,,beyond\nv,0,1,500-0-600-100,outside\n"
          "v,0,1,,fine\n");
  ASSERT_EQ(results.size(), 4u);
  EXPECT_THAT(results[0].status,
              StatusIs(StatusCode::kOutOfRange,
                       AllOf(HasSubstr("too_long"), HasSubstr("line 2"))));
  EXPECT_THAT(results[1].status,
              StatusIs(StatusCode::kOutOfRange, HasSubstr("beyond")));
  EXPECT_THAT(results[2].status,
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("96x64")));
  EXPECT_THAT(results[3].status, IsOk());
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_NE(access(ClipPath(specs_[i], options_).c_str(), F_OK), 0);
  }
}

TEST_F(ClipCutterTest, FailsTheClipsThatReachDamage) {
  pipelines::media::DamageInside(video_);
  options_.unit = ClipUnit::kFrames;
  const std::vector<CutResult> results =
      Cut("v,0,5,,before\nv,0,50,,through\n");
  EXPECT_THAT(results[0].status, IsOk());
  EXPECT_THAT(results[1].status,
              StatusIs(StatusCode::kDataLoss, HasSubstr("through")));
}

TEST_F(ClipCutterTest, NamesAMissingVideo) {
  unlink(video_.c_str());
  EXPECT_THAT(Cut("v,0,1,,left\n").at(0).status,
              StatusIs(StatusCode::kNotFound, HasSubstr("a long video.mp4")));
}

TEST_F(ClipCutterTest, PassesOnWhatIsWarnedOfTheVideoOnce) {
  EXPECT_THAT(Cut("v,,,,plain\n").at(0).warnings, IsEmpty());
  video_ = "pipelines/media/testdata/video/hdr-hlg.mp4";
  const std::vector<CutResult> results = Cut("v,,,,one\nv,,,,two\n");
  ASSERT_EQ(results.size(), 2u);
  EXPECT_THAT(results[0].warnings, ElementsAre(HasSubstr("is HDR")));
  EXPECT_THAT(results[1].warnings, IsEmpty());
}

TEST_F(ClipCutterTest, NotesWhatBecameOfABox) {
  options_.unit = ClipUnit::kFrames;
  options_.size = cv::Size(32, 32);
  const std::vector<CutResult> results =
      Cut("v,0,1,,whole\nv,0,1,0-0-64-64,square\nv,0,1,0-0-20-40,tall\n"
          "v,0,1,64-32-128-96,beyond\n");
  ASSERT_EQ(results.size(), 4u);
  for (const CutResult& result : results) EXPECT_THAT(result.status, IsOk());
  EXPECT_FALSE(results[0].widened);
  EXPECT_FALSE(results[1].widened);
  EXPECT_TRUE(results[2].widened);
  EXPECT_FALSE(results[2].box_inside.has_value());
  EXPECT_FALSE(results[3].widened);
  EXPECT_EQ(results[3].box_inside, cv::Rect(64, 32, 32, 32));
}

}  // namespace
}  // namespace tools
