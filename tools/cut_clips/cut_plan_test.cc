#include "tools/cut_clips/cut_plan.h"

#include <filesystem>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "opencv2/core.hpp"
#include "third_party/absl/status_matchers.h"
#include "tools/cut_clips/clip_cutter.h"
#include "tools/cut_clips/clip_list.h"
#include "tools/cut_clips/clip_record.h"

namespace tools {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<ClipSpec> Specs(const std::string& rows) {
  const auto specs =
      ParseClipList("file,start,end,box,name,partition\n" + rows, "t.csv");
  EXPECT_THAT(specs, IsOk());
  return specs.value_or(std::vector<ClipSpec>());
}

class CutPlanTest : public networks::files::FolderTest {
 protected:
  CutPlanTest() {
    options_.output_folder = folder_;
    std::filesystem::create_directories(Path("train"));
    std::filesystem::create_directories(Path("test"));
  }

  // What is left to do, as a run that ends well leaves it behind.
  CutPlan Cut(const std::string& rows, const std::string& table = "t.csv") {
    specs_ = Specs(rows);
    const CutPlan plan = MakePlan(specs_, table, record_, options_);
    for (const StaleClip& clip : plan.stale) {
      std::filesystem::remove_all(Path(clip.key));
    }
    for (const ClipSpec* spec : plan.to_cut) {
      Write(ClipKey(*spec, options_), "a clip");
    }
    record_ = plan.record;
    return plan;
  }

  // What clips of a.mp4 share with others, once the clips of these rows are cut
  // from `folder`.
  std::vector<std::string> SharedAfterCutting(const std::string& folder,
                                              const std::string& rows,
                                              const std::string& table) {
    specs_ = Specs(rows);
    for (ClipSpec& spec : specs_) spec.video = Path(folder + "/a.mp4");
    const CutPlan plan = MakePlan(specs_, table, record_, options_);
    for (const ClipSpec* spec : plan.to_cut) {
      Write(ClipKey(*spec, options_), "a clip");
    }
    record_ = plan.record;
    return SharedWithOthers(specs_, record_, options_);
  }

  static std::vector<std::string> Names(
      const std::vector<const ClipSpec*>& specs) {
    std::vector<std::string> names;
    for (const ClipSpec* spec : specs) names.push_back(spec->name);
    return names;
  }

  static std::vector<std::string> Keys(const CutPlan& plan) {
    std::vector<std::string> keys;
    for (const StaleClip& clip : plan.stale) keys.push_back(clip.key);
    return keys;
  }

  CutOptions options_;
  ClipRecord record_;
  std::vector<ClipSpec> specs_;
};

TEST_F(CutPlanTest, KeepsWhatIsCutAlready) {
  EXPECT_THAT(Names(Cut("v,0,1,,a,\nv,1,2,,b,test\n").to_cut),
              ElementsAre("a", "b"));
  const CutPlan again = Cut("v,0,1,,a,\nv,1,2,,b,test\nv,2,3,,c,\n");
  EXPECT_THAT(Names(again.kept), ElementsAre("a", "b"));
  EXPECT_THAT(Names(again.to_cut), ElementsAre("c"));
  EXPECT_THAT(again.stale, IsEmpty());
}

TEST_F(CutPlanTest, KeepsClipsOfAVideoThatHasLeftItsFolder) {
  std::filesystem::create_directories(Path("v"));
  Write("v/a.mp4", "a video");
  Write("v/b.mp4", "another video");
  const auto plan_of = [&](const std::string& rows) {
    specs_ = Specs(rows);
    for (ClipSpec& spec : specs_) spec.video = Path("v/" + spec.file);
    return MakePlan(specs_, "v/", record_, options_);
  };
  record_ = plan_of("a.mp4,0,1,,a,\nb.mp4,0,1,,b,\n").record;
  Write("train/a.mp4", "a clip");
  Write("train/b.mp4", "a clip");
  const std::string without_a = "b.mp4,0,1,,b,\n";
  EXPECT_THAT(Keys(plan_of(without_a)), ElementsAre("train/a.mp4"));

  std::filesystem::rename(Path("v/a.mp4"), Path("v/renamed.mp4"));
  EXPECT_THAT(Keys(plan_of(without_a + "renamed.mp4,0,1,,renamed,test\n")),
              ElementsAre("train/a.mp4"));

  std::filesystem::remove(Path("v/renamed.mp4"));
  EXPECT_THAT(plan_of(without_a).stale, IsEmpty());
  EXPECT_EQ(plan_of(without_a).record, record_);
}

TEST_F(CutPlanTest, CutsAgainWhatAnInterruptedRunHasLeftOut) {
  Cut("v,0,1,,a,\nv,1,2,,b,\n");
  std::filesystem::remove(Path("train/b.mp4"));
  options_.size = cv::Size(64, 64);
  std::filesystem::remove(Path("train/a.mp4"));
  const CutPlan plan = Cut("v,0,1,,a,\nv,1,2,,b,\n");
  EXPECT_THAT(Names(plan.to_cut), ElementsAre("a", "b"));
  EXPECT_THAT(plan.stale, IsEmpty());
}

TEST_F(CutPlanTest, FindsClipsThatWereCutInAnotherWay) {
  const std::string rows = "v,0,1,0-0-9-9,a,\n";
  Cut(rows);
  const auto stale_with = [&](const CutOptions& options,
                              const std::string& other) {
    const std::vector<ClipSpec> specs = Specs(other);
    return MakePlan(specs, "t.csv", record_, options);
  };
  EXPECT_THAT(stale_with(options_, rows).stale, IsEmpty());
  EXPECT_THAT(Keys(stale_with(options_, "v,0,1,0-0-9-8,a,\n")),
              ElementsAre("train/a.mp4"));
  EXPECT_THAT(Keys(stale_with(options_, "v,0,1,,a,\n")),
              ElementsAre("train/a.mp4"));
  EXPECT_THAT(Keys(stale_with(options_, "v,0,1.001,0-0-9-9,a,\n")),
              ElementsAre("train/a.mp4"));
  EXPECT_THAT(Keys(stale_with(options_, "w,0,1,0-0-9-9,a,\n")),
              ElementsAre("train/a.mp4"));
  CutOptions sized = options_;
  sized.size = cv::Size(64, 64);
  EXPECT_THAT(Keys(stale_with(sized, rows)), ElementsAre("train/a.mp4"));
  CutOptions better = options_;
  better.crf = 0;
  EXPECT_THAT(Keys(stale_with(better, rows)), ElementsAre("train/a.mp4"));
  CutOptions frames = options_;
  frames.unit = ClipUnit::kFrames;
  const CutPlan plan = stale_with(frames, rows);
  ASSERT_THAT(Keys(plan), ElementsAre("train/a.mp4"));
  EXPECT_TRUE(plan.stale[0].is_ours);
  EXPECT_EQ(plan.stale[0].why, "was cut as v 0-1 s, not v 0-1 frames");
  EXPECT_EQ(plan.to_cut.size(), 1);
}

// Test data must not be trained on.
TEST_F(CutPlanTest, FindsAClipThatMovedToTheOtherPartition) {
  Cut("v,0,1,,a,train\n");
  const CutPlan plan = Cut("v,0,1,,a,test\n");
  ASSERT_THAT(Keys(plan), ElementsAre("train/a.mp4"));
  EXPECT_TRUE(plan.stale[0].is_ours);
  EXPECT_THAT(Names(plan.to_cut), ElementsAre("a"));
  EXPECT_THAT(record_.count("train/a.mp4"), 0);
  EXPECT_THAT(Cut("v,0,1,,a,test\n").stale, IsEmpty());
}

TEST_F(CutPlanTest, FindsTheSameClipOfAnotherTableInTheOtherPartition) {
  Cut("v,0,1,,a,train\nv,1,2,,b,train\n", "train.csv");
  const CutPlan plan = Cut("v,0,1,,a,test\nw,1,2,,b,test\n", "test.csv");
  ASSERT_THAT(Keys(plan), ElementsAre("train/a.mp4"));
  EXPECT_THAT(plan.stale[0].why, HasSubstr("shows the same as test/a.mp4"));
}

TEST_F(CutPlanTest, MayNameAClipOfEachPartitionAlike) {
  Cut("v,0,1,,a,train\nv,1,2,,a,test\n");
  const CutPlan plan = Cut("v,0,1,,a,train\nv,1,2,,a,test\n");
  EXPECT_THAT(plan.stale, IsEmpty());
  EXPECT_EQ(plan.kept.size(), 2);
}

TEST_F(CutPlanTest, FindsClipsThatTheTableNoLongerNames) {
  Cut("v,0,1,,a,\nv,1,2,,b,\n");
  Cut("v,0,1,,c,\n", "other.csv");
  const CutPlan plan = Cut("v,0,1,,a,\n");
  ASSERT_THAT(Keys(plan), ElementsAre("train/b.mp4"));
  EXPECT_THAT(plan.stale[0].why, HasSubstr("no longer asked for"));
  EXPECT_EQ(record_.count("train/b.mp4"), 0);
  EXPECT_EQ(record_.count("train/c.mp4"), 1);
}

TEST_F(CutPlanTest, KeepsClipsOfTheSameVideoOnly) {
  Write("one", "a video");
  Write("two", "another video");
  const auto plan_of = [&](const std::string& video) {
    specs_ = Specs("v,0,1,,a,\n");
    specs_[0].video = Path(video);
    return MakePlan(specs_, "t.csv", record_, options_);
  };
  record_ = plan_of("one").record;
  Write("train/a.mp4", "a clip");
  EXPECT_EQ(plan_of("one").kept.size(), 1);
  const CutPlan plan = plan_of("two");
  ASSERT_THAT(Keys(plan), ElementsAre("train/a.mp4"));
  EXPECT_THAT(plan.stale[0].why, HasSubstr("/two, 13 bytes"));
  // Without the video the clip is all there is, and its record stays.
  EXPECT_EQ(plan_of("gone").kept.size(), 1);
  EXPECT_EQ(plan_of("gone").record, record_);
}

TEST_F(CutPlanTest, DoesNotCallAStrangersClipItsOwn) {
  Write("train/a.mp4", "mine");
  Write("test/b.mp4", "mine");
  const std::vector<ClipSpec> specs = Specs("v,0,1,,a,\nv,1,2,,b,train\n");
  const CutPlan plan = MakePlan(specs, "t.csv", record_, options_);
  ASSERT_THAT(Keys(plan), ElementsAre("train/a.mp4", "test/b.mp4"));
  EXPECT_FALSE(plan.stale[0].is_ours);
  EXPECT_FALSE(plan.stale[1].is_ours);
}

TEST(SharedFrames, AreFoundBetweenTrainAndTest) {
  EXPECT_THAT(SharedFrames(Specs("v,0,2,,a,train\nv,1,3,,b,test\n"), {}),
              ElementsAre("lines 2 and 3 put frames of v into both train and "
                          "test"));
  EXPECT_THAT(SharedFrames(Specs("v,0,9,,a,test\nv,1,2,,b,test\n"
                                 "v,5,6,,c,train\n"),
                           {}),
              ElementsAre(HasSubstr("lines 2 and 4")));
}

TEST_F(CutPlanTest, FindsFramesThatTwoNamesOfAVideoShare) {
  Write("v.mp4", "a video");
  std::filesystem::create_symlink(Path("v.mp4"), Path("link.mp4"));
  for (const char* other : {"v.mp4", "link.mp4"}) {
    std::vector<ClipSpec> specs =
        Specs(std::string("v,0,2,,a,train\n") + other + ",1,3,,b,test\n");
    specs[0].video = Path("v.mp4");
    specs[1].video = Path(other);
    EXPECT_THAT(SharedFrames(specs, {}),
                ElementsAre(HasSubstr("lines 2 and 3")));
  }
}

// A renamed folder is another table.
TEST_F(CutPlanTest, FindsFramesSharedWithClipsOfAVideoThatHasMoved) {
  std::filesystem::create_directories(Path("v"));
  Write("v/a.mp4", "a video");
  const auto shared = [&](const std::string& folder, const std::string& rows) {
    return SharedAfterCutting(folder, rows, folder + "/");
  };
  EXPECT_THAT(shared("v", "a.mp4,0,2,,a1,train\na.mp4,2,,,a2,test\n"),
              IsEmpty());
  std::filesystem::rename(Path("v"), Path("v of x"));
  EXPECT_THAT(shared("v of x", "a.mp4,2,3,,b,test\na.mp4,0,1,,c,train\n"),
              IsEmpty());
  EXPECT_THAT(shared("v of x", "a.mp4,,,,a,test\n"),
              ElementsAre("test/a.mp4 and train/a1.mp4, which is there "
                          "already, show the same frames of a video"));
  EXPECT_THAT(shared("v of x", "a.mp4,1.5,1.6,,a,test\n"),
              ElementsAre(HasSubstr("train/a1.mp4")));
  std::filesystem::remove(Path("train/a1.mp4"));
  EXPECT_THAT(shared("v of x", "a.mp4,,,,a,test\n"), IsEmpty());
}

TEST_F(CutPlanTest, FindsFramesThatClipsBySecondsAndByFramesMayShare) {
  std::filesystem::create_directories(Path("v"));
  Write("v/a.mp4", "a video");
  const auto shared = [&](const std::string& table, const std::string& rows) {
    return SharedAfterCutting("v", rows, table);
  };
  EXPECT_THAT(shared("v/", "a.mp4,,,,a,test\n"), IsEmpty());
  EXPECT_THAT(shared("s.csv", "a.mp4,0,2,0-0-9-9,b,test\n"), IsEmpty());
  options_.unit = ClipUnit::kFrames;
  // Test data is shown by a whole video, and maybe by two seconds.
  EXPECT_THAT(
      shared("f.csv", "a.mp4,100,200,0-0-5-5,c,train\n"),
      ElementsAre(
          "train/c.mp4 and test/a.mp4, which is there already, show the same "
          "frames of a video",
          "train/c.mp4 and test/b.mp4, which is there already, may show the "
          "same frames of a video: one is cut by seconds, the other by "
          "frames"));
  std::filesystem::remove(Path("test/a.mp4"));
  EXPECT_THAT(shared("g.csv", "a.mp4,0,30,9-9-18-18,d,train\n"), IsEmpty());
}

TEST_F(CutPlanTest, NamesTheFilesThatAreOneVideoWithoutATable) {
  Write("v.mp4", "a video");
  std::filesystem::create_symlink(Path("v.mp4"), Path("link.mp4"));
  std::vector<ClipSpec> specs(2);
  specs[0].file = "v.mp4";
  specs[1].file = "link.mp4";
  specs[0].partition = "train";
  specs[1].partition = "test";
  for (ClipSpec& spec : specs) {
    spec.video = Path(spec.file);
    spec.end = 1;
  }
  EXPECT_THAT(SharedFrames(specs, {}),
              ElementsAre("v.mp4 and link.mp4 are one video, which is in both "
                          "train and test"));
}

TEST(SharedFrames, AreNoneWhereFileTimeOrBoxDiffers) {
  EXPECT_THAT(SharedFrames(Specs("v,0,2,,a,train\nw,0,2,,b,test\n"
                                 "v,2,4,,c,test\nv,1,2,,d,train\n"),
                           {}),
              IsEmpty());
  EXPECT_THAT(SharedFrames(Specs("v,0,2,0-0-9-9,a,train\n"
                                 "v,0,2,9-0-18-9,b,test\n"),
                           {}),
              IsEmpty());
}

TEST(SharedFrames, AreFoundWhereBoxesGrowToTheSize) {
  const std::vector<ClipSpec> specs =
      Specs("v,0,2,0-0-9-18,a,train\nv,0,2,9-0-18-18,b,test\n");
  CutOptions options;
  EXPECT_THAT(SharedFrames(specs, options), IsEmpty());
  options.size = cv::Size(64, 64);
  EXPECT_THAT(SharedFrames(specs, options),
              ElementsAre(HasSubstr("lines 2 and 3")));
}

}  // namespace
}  // namespace tools
