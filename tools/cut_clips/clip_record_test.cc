#include "tools/cut_clips/clip_record.h"

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "opencv2/core.hpp"
#include "third_party/absl/status_matchers.h"
#include "tools/cut_clips/clip_cutter.h"
#include "tools/cut_clips/clip_list.h"

namespace tools {
namespace {

using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

using ClipRecordTest = networks::files::FolderTest;

TEST_F(ClipRecordTest, IsReadAsItWasWritten) {
  const ClipRecord record = {{"train/a \"b\", c.mp4", {"t.csv", "v 0-1 s"}},
                             {"test/d/", {"u, v.csv", "w 1-2 frames"}}};
  EXPECT_THAT(ReadClipRecord(folder_), IsOkAndHolds(IsEmpty()));
  ASSERT_THAT(WriteClipRecord(folder_, record), IsOk());
  EXPECT_THAT(ReadClipRecord(folder_), IsOkAndHolds(record));
  Write("cut_clips.csv", "clip,table,cut\nx,y\n");
  EXPECT_THAT(ReadClipRecord(folder_),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("cut_clips.csv:2: has 2 fields")));
}

TEST_F(ClipRecordTest, IsNoOtherFileOfItsName) {
  Write("cut_clips.csv", "file,start,end\nv,0,1\n");
  EXPECT_THAT(ReadClipRecord(folder_),
              StatusIs(StatusCode::kFailedPrecondition,
                       HasSubstr(RecordPath(folder_))));
}

// What a record names may be taken away.
TEST_F(ClipRecordTest, NamesNothingOutsideTheDataSet) {
  for (const char* key :
       {"", "train", "train/", "train//", "train/.mp4", "train/../../photos/",
        "train/../", "train/./", "train/.hidden.mp4", "train/a/b.mp4",
        "train/a.txt", "/etc/a.mp4", "a.mp4", "other/a.mp4"}) {
    Write("cut_clips.csv", "clip,table,cut\n\"test/a.mp4\",t,x\n\"" +
                               std::string(key) + "\",t,x\n");
    EXPECT_THAT(ReadClipRecord(folder_),
                StatusIs(StatusCode::kInvalidArgument,
                         HasSubstr("cut_clips.csv:3: '" + std::string(key) +
                                   "' is no clip")))
        << key;
  }
}

TEST(ClipKey, TellsAFolderFromAFile) {
  ClipSpec spec;
  spec.name = "a.b";
  spec.partition = "test";
  EXPECT_EQ(ClipKey(spec, {}), "test/a.b.mp4");
  CutOptions options;
  options.ending = "";
  EXPECT_EQ(ClipKey(spec, options), "test/a.b/");
}

// Two clips of one text are the same clip: each option that changes a clip
// changes its text, and those that say where it goes do not.
TEST(CutText, ChangesWithAllThatDecidesWhatIsInTheClip) {
  ClipSpec spec;
  spec.file = "v.mp4";
  spec.start = 0.5;
  spec.end = 2;
  const std::string text = CutText(spec, {});
  EXPECT_EQ(text, "v.mp4 0.5-2 s crf 12");
  ClipSpec other = spec;
  other.file = "w.mp4";
  EXPECT_NE(CutText(other, {}), text);
  other = spec;
  other.start = 0.5000001;
  EXPECT_NE(CutText(other, {}), text);
  other = spec;
  other.end = 3;
  EXPECT_NE(CutText(other, {}), text);
  other = spec;
  other.box = cv::Rect(1, 2, 3, 4);
  EXPECT_EQ(CutText(other, {}), "v.mp4 0.5-2 s box 1-2-4-6 crf 12");
  CutOptions options;
  options.size = cv::Size(64, 32);
  EXPECT_EQ(CutText(spec, options), "v.mp4 0.5-2 s size 64x32 crf 12");
  options = {};
  options.unit = ClipUnit::kFrames;
  EXPECT_EQ(CutText(spec, options), "v.mp4 0.5-2 frames crf 12");
  options = {};
  options.crf = 13;
  EXPECT_NE(CutText(spec, options), text);
  options.ending = "";  // PNGs have no quality
  EXPECT_EQ(CutText(spec, options), "v.mp4 0.5-2 s");

  other = spec;
  other.line = 7;
  other.name = "b";
  other.partition = "test";
  options = {};
  options.output_folder = "elsewhere";
  EXPECT_EQ(CutText(other, options), text);
}

TEST(CutDifference, NamesWhatDiffers) {
  ClipSpec spec;
  spec.file = "a size 9 crf v.mp4";
  spec.end = 2;
  CutOptions options;
  options.size = cv::Size(32, 32);
  const std::string known = CutText(spec, options);
  options.size = cv::Size(64, 64);
  EXPECT_EQ(CutDifference(known, spec, options), "with size 32x32, not 64x64");
  options.size.reset();
  options.crf = 20;
  EXPECT_EQ(CutDifference(known, spec, options),
            "with size 32x32, not of the box; with crf 12, not 20");
  options = {};
  options.size = cv::Size(32, 32);
  spec.box = cv::Rect(1, 2, 3, 4);
  spec.end = 3;
  EXPECT_EQ(CutDifference(known, spec, options),
            "as a size 9 crf v.mp4 0-2 s, not a size 9 crf v.mp4 0-3 s; with "
            "box of the whole frame, not 1-2-4-6");
}

TEST(FramesOf, KeepsTheSignOfASide) {
  const std::optional<ShownFrames> shown =
      FramesOf("v 0-1 s box -300--20-40-200 size 64x64 of /v, 7 bytes, 2020");
  ASSERT_TRUE(shown);
  EXPECT_EQ(shown->box, cv::Rect(-300, -20, 340, 220));
  EXPECT_EQ(shown->size, cv::Size(64, 64));
}

class VideoOfAClipTest : public networks::files::FolderTest {
 protected:
  ClipSpec Of(const std::string& video) const {
    ClipSpec spec;
    spec.file = "v";
    spec.end = 1;
    spec.video = Path(video);
    return spec;
  }
};

TEST_F(VideoOfAClipTest, IsTheSameWhileItsPathSizeAndTimeAre) {
  std::filesystem::create_directory(Path("a"));
  std::filesystem::create_directory(Path("b"));
  Write("a/v.mp4", "a video");
  Write("b/v.mp4", "another one");
  const ClipSpec spec = Of("a/v.mp4"), other = Of("b/v.mp4");
  const std::string text = CutText(spec, {});
  EXPECT_THAT(text, StartsWith("v 0-1 s crf 12 of " +
                               std::filesystem::canonical(spec.video).string() +
                               ", 7 bytes, 20"));
  EXPECT_TRUE(IsSameCut(text, spec, {}));
  EXPECT_TRUE(IsSameCut(text, Of("b/../a/v.mp4"), {}));
  EXPECT_FALSE(IsSameCut(text, other, {}));
  EXPECT_FALSE(MayShowTheSame(text, other, {}));
  EXPECT_THAT(CutDifference(text, other, {}),
              AllOf(StartsWith("of /"), HasSubstr("/a/v.mp4, 7 bytes, "),
                    HasSubstr(", not /"), HasSubstr("/b/v.mp4, 11 bytes, ")));

  Write("b/v.mp4", "a video");  // a copy
  EXPECT_FALSE(IsSameCut(text, other, {}));
  EXPECT_TRUE(MayShowTheSame(text, other, {}));

  std::filesystem::last_write_time(
      spec.video,
      std::filesystem::last_write_time(spec.video) + std::chrono::seconds(1));
  EXPECT_FALSE(IsSameCut(text, spec, {}));
  EXPECT_TRUE(MayShowTheSame(text, spec, {}));
  Write("a/v.mp4", "a video that was replaced");
  EXPECT_FALSE(IsSameCut(text, spec, {}));
  EXPECT_TRUE(MayShowTheSame(text, spec, {}));
}

TEST_F(VideoOfAClipTest, MayBeGoneOrUnknown) {
  Write("v.mp4", "a video");
  const std::string text = CutText(Of("v.mp4"), {});
  const ClipSpec gone = Of("v");
  EXPECT_EQ(CutText(gone, {}), "v 0-1 s crf 12");
  EXPECT_TRUE(IsSameCut(text, gone, {}));
  EXPECT_TRUE(MayShowTheSame(text, gone, {}));
  ClipSpec longer = gone;
  longer.end = 2;
  EXPECT_FALSE(IsSameCut(text, longer, {}));
  EXPECT_FALSE(MayShowTheSame(text, longer, {}));
  // A record of before this was told.
  EXPECT_FALSE(IsSameCut("v 0-1 s crf 12", Of("v.mp4"), {}));
  EXPECT_TRUE(MayShowTheSame("v 0-1 s crf 12", Of("v.mp4"), {}));
}

}  // namespace
}  // namespace tools
