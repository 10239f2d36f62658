#include "pipelines/puppets/puppets.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "opencv2/core.hpp"
#include "opencv2/imgcodecs.hpp"
#include "pipelines/base/work_hooks.h"
#include "pipelines/media/npy.h"
#include "pipelines/puppets/truth.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines::puppets {
namespace {

namespace fs = std::filesystem;
using ::networks::files::ReadText;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

PuppetOptions SmallSet() {
  PuppetOptions options;
  options.size = 24;
  options.num_train = 3;
  options.num_test = 2;
  options.frames_per_clip = 4;
  return options;
}

std::string NewFolder(const std::string& name) {
  const std::string parent = ::testing::TempDir() + "/" + name;
  fs::remove_all(parent);
  fs::create_directories(parent);
  return parent + "/puppets";
}

// Paths of all files below `folder` that differ from those below `other`.
std::vector<std::string> Differences(const std::string& folder,
                                     const std::string& other) {
  std::vector<std::string> differ;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const fs::path name = fs::relative(entry.path(), folder);
    if (entry.is_regular_file() &&
        ReadText(entry.path()) != ReadText(other / name)) {
      differ.push_back(name.string());
    }
  }
  return differ;
}

TEST(MakePuppets, MakesClipsWithTheirTruth) {
  const std::string folder = NewFolder("makes");
  PuppetOptions options = SmallSet();
  options.write_flow = true;
  WorkHooks hooks;
  int64_t reported = 0;
  hooks.progress = [&](const WorkProgress& now) {
    EXPECT_EQ(now.total, 5);
    reported = now.done;
  };
  ASSERT_THAT(MakePuppets(folder, options, hooks), IsOk());
  EXPECT_EQ(reported, 5);
  EXPECT_TRUE(HasPuppets(folder, options));
  for (const char* clip : {"train/00002", "test/00001"}) {
    const cv::Mat picture =
        cv::imread(folder + "/" + clip + ".png", cv::IMREAD_UNCHANGED);
    ASSERT_EQ(picture.size(), cv::Size(4 * 24, 24)) << clip;
    const std::string truth_folder = folder + "/truth/" + clip;
    const auto truth = puppets::ReadTruth(truth_folder);
    ASSERT_THAT(truth, IsOk());
    EXPECT_EQ(truth->frames.size(), 4u);
    const auto flow = media::ReadNpy(truth_folder + "/flow.npy");
    ASSERT_THAT(flow, IsOk());
    EXPECT_THAT(flow->shape, ElementsAre(4, 24, 24, 3));
    const cv::Mat expected = puppets::SourceFromDriving(*truth, 0, 3, 24);
    const auto& pixel = expected.at<cv::Vec3f>(20, 7);
    const size_t at = ((3 * 24 + 20) * 24 + 7) * 3;
    // float16 has 11 significant bits.
    EXPECT_NEAR(flow->values[at], pixel[0], 1e-3);
    EXPECT_NEAR(flow->values[at + 1], pixel[1], 1e-3);
    EXPECT_EQ(flow->values[at + 2], pixel[2]);
  }
  EXPECT_FALSE(fs::exists(folder + "/train/00003.png"));
  EXPECT_FALSE(fs::exists(folder + "/test/00002.png"));
}

TEST(MakePuppets, DependsOnTheOptionsOnly) {
  const std::string first = NewFolder("first");
  const std::string again = NewFolder("again");
  const std::string other = NewFolder("other");
  PuppetOptions options = SmallSet();
  ASSERT_THAT(MakePuppets(first, options), IsOk());
  ASSERT_THAT(MakePuppets(again, options), IsOk());
  options.seed = 2;
  ASSERT_THAT(MakePuppets(other, options), IsOk());
  EXPECT_THAT(Differences(first, again), ElementsAre());
  // All but the outlines' and layers' headers: 5 clips of 4 files, 1 manifest.
  EXPECT_EQ(Differences(first, other).size(), 21u);
}

TEST(MakePuppets, ShowsNoClipTwice) {
  const std::string folder = NewFolder("disjoint");
  ASSERT_THAT(MakePuppets(folder, SmallSet()), IsOk());
  std::set<std::string> pictures, motions;
  for (const char* clip : {"train/00000", "train/00001", "train/00002",
                           "test/00000", "test/00001"}) {
    pictures.insert(ReadText(folder + "/" + clip + ".png"));
    motions.insert(ReadText(folder + "/truth/" + clip + "/layers.csv"));
  }
  EXPECT_EQ(pictures.size(), 5u);
  EXPECT_EQ(motions.size(), 5u);
}

TEST(MakePuppets, LeavesTheTestSplitWhenTheTrainingSplitGrows) {
  const std::string small = NewFolder("small");
  const std::string large = NewFolder("large");
  PuppetOptions options = SmallSet();
  ASSERT_THAT(MakePuppets(small, options), IsOk());
  options.num_train = 4;
  ASSERT_THAT(MakePuppets(large, options), IsOk());
  EXPECT_THAT(Differences(small, large), ElementsAre("manifest.json"));
}

TEST(MakePuppets, DoesNotTouchOtherFolders) {
  const std::string folder = NewFolder("foreign");
  fs::create_directories(folder);
  std::ofstream(folder + "/photo.jpg") << "precious";
  EXPECT_THAT(
      MakePuppets(folder, SmallSet()),
      StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("foreign/puppets")));
  EXPECT_EQ(ReadText(folder + "/photo.jpg"), "precious");
}

TEST(MakePuppets, FindsWhatItMadeBefore) {
  const std::string folder = NewFolder("found");
  ASSERT_THAT(MakePuppets(folder, SmallSet()), IsOk());
  const auto made = fs::last_write_time(folder + "/manifest.json");
  ASSERT_THAT(MakePuppets(folder + "/", SmallSet()), IsOk());
  EXPECT_EQ(fs::last_write_time(folder + "/manifest.json"), made);
  const std::string manifest = ReadText(folder + "/manifest.json");
  std::ofstream(folder + "/manifest.json")  // as Windows saves it
      << absl::StrReplaceAll(manifest, {{"\n", "\r\n"}});
  EXPECT_TRUE(HasPuppets(folder, SmallSet()));
  PuppetOptions other = SmallSet();
  other.camera_motion = true;
  EXPECT_FALSE(HasPuppets(folder, other));
  EXPECT_THAT(
      MakePuppets(folder, other),
      StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("found/puppets")));
}

TEST(MakePuppets, LeavesNothingWhenItCannotWrite) {
  const std::string folder = NewFolder("blocked");
  // A file where the parent folder should be.
  std::ofstream(folder) << "in the way";
  EXPECT_THAT(MakePuppets(folder + "/set", SmallSet()),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("blocked/puppets")));
  EXPECT_EQ(ReadText(folder), "in the way");
}

// Such folders were named by the process and stayed for ever.
TEST(MakePuppets, ClearsWhatAKilledProcessLeft) {
  const std::string folder = NewFolder("killed");
  const std::string parent = fs::path(folder).parent_path();
  fs::create_directories(parent);
  for (int i = 0; i < 3; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      WorkHooks hooks;
      hooks.progress = [](const WorkProgress&) { kill(getpid(), SIGKILL); };
      MakePuppets(folder, SmallSet(), hooks).IgnoreError();
      _exit(0);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
  }
  ASSERT_THAT(MakePuppets(folder, SmallSet()), IsOk());
  EXPECT_EQ(std::distance(fs::directory_iterator(parent), {}), 1);
}

TEST(MakePuppets, StopsWhenAskedAndLeavesNothing) {
  const std::string folder = NewFolder("stopped");
  const std::string parent = fs::path(folder).parent_path();
  WorkHooks hooks;
  hooks.stop = [] { return true; };
  EXPECT_THAT(MakePuppets(folder, SmallSet(), hooks),
              StatusIs(absl::StatusCode::kCancelled, HasSubstr("stopped")));
  EXPECT_TRUE(fs::is_empty(parent));
}

TEST(MakePuppets, TakesWhatAnotherProcessMakesMeanwhile) {
  const std::string folder = NewFolder("together");
  std::vector<std::thread> makers;
  std::atomic<int> made{0};
  for (int i = 0; i < 3; ++i) {
    makers.emplace_back([&] { made += MakePuppets(folder, SmallSet()).ok(); });
  }
  for (std::thread& maker : makers) maker.join();
  EXPECT_EQ(made, 3);
  EXPECT_TRUE(HasPuppets(folder, SmallSet()));
}

TEST(ValidatePuppetOptions, NamesTheFieldAndItsRange) {
  PuppetOptions options;
  options.size = 8;
  EXPECT_THAT(ValidatePuppetOptions(options),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("size is 8; use 16 to 1024")));
  options = PuppetOptions();
  options.num_train = options.num_test = 0;
  EXPECT_THAT(ValidatePuppetOptions(options),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("num_train + num_test is 0")));
  options = PuppetOptions();
  options.size = 1024;
  options.frames_per_clip = 427;
  EXPECT_THAT(ValidatePuppetOptions(options),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("size * size * frames_per_clip is 447741952; "
                                 "use 512 to 447392426")));
  options.frames_per_clip = 426;
  EXPECT_THAT(ValidatePuppetOptions(options), IsOk());
}

TEST(PuppetSetName, DiffersWithEveryOption) {
  std::set<std::string> names = {PuppetSetName(PuppetOptions())};
  const auto add = [&](auto field, auto value) {
    PuppetOptions options;
    options.*field = value;
    names.insert(PuppetSetName(options));
  };
  add(&PuppetOptions::size, 128);
  add(&PuppetOptions::num_train, 7);
  add(&PuppetOptions::num_test, 7);
  add(&PuppetOptions::frames_per_clip, 7);
  add(&PuppetOptions::seed, uint64_t{7});
  add(&PuppetOptions::camera_motion, true);
  add(&PuppetOptions::write_flow, true);
  add(&PuppetOptions::supersampling, 2);
  EXPECT_EQ(names.size(), 9u);
}

}  // namespace
}  // namespace pipelines::puppets
