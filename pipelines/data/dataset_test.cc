#include "pipelines/data/dataset.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/atomic_file.h"
#include "networks/files/read_file.h"
#include "networks/files/testing_plain_user.h"
#include "networks/weights/sha256.h"
#include "opencv2/core.hpp"
#include "pipelines/base/work_hooks.h"
#include "pipelines/data/clip_index.pb.h"
#include "pipelines/media/video_test_util.h"
#include "pipelines/testing/scoped_environment.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines::data {
namespace {

namespace fs = std::filesystem;
using ::absl::StatusCode;
using ::networks::files::ReadFile;
using ::networks::files::WriteAtomically;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int kClips = 7, kFrames = 20, kSide = 32;

// A dataset of kClips stacked clips, of two identities.
std::string MakeRoot(const std::string& name) {
  const std::string root = media::TempFolder(name);
  mkdir((root + "/train").c_str(), 0755);
  mkdir((root + "/test").c_str(), 0755);
  for (int i = 0; i < kClips; ++i) {
    media::WriteNumberedStack(
        absl::StrCat(root, "/train/", i < 2 ? "ann" : "bob", "#", i, ".png"),
        kSide, kFrames);
  }
  media::WriteNumberedStack(root + "/test/cid#0.png", kSide, kFrames);
  return root;
}

std::unique_ptr<Dataset> MustOpen(const DatasetOptions& options) {
  auto dataset = Dataset::Open(options);
  EXPECT_THAT(dataset, IsOk());
  return dataset.ok() ? *std::move(dataset) : nullptr;
}

Sample MustGet(Dataset& dataset, int64_t epoch, int64_t position) {
  auto sample = dataset.Get(epoch, position);
  EXPECT_THAT(sample, IsOk());
  return sample.value_or(Sample());
}

// Clip, frame indices: all that a sample without augmentation consists of.
std::string Describe(const Sample& sample) {
  return absl::StrCat(sample.name, " ", media::FrameIndex(sample.frames.source),
                      " ", media::FrameIndex(sample.frames.driving));
}

std::vector<std::string> DescribeEpoch(Dataset& dataset, int64_t epoch) {
  std::vector<std::string> samples;
  for (int64_t i = 0; i < dataset.size(); ++i) {
    samples.push_back(Describe(MustGet(dataset, epoch, i)));
  }
  return samples;
}

bool SamePixels(const Sample& a, const Sample& b) {
  return cv::norm(a.frames.source, b.frames.source, cv::NORM_INF) == 0 &&
         cv::norm(a.frames.driving, b.frames.driving, cv::NORM_INF) == 0;
}

DatasetOptions Options(const std::string& root) {
  DatasetOptions options;
  options.root = root;
  options.seed = 5;
  return options;
}

TEST(Dataset, VisitsEveryClipEquallyOftenInAnEpoch) {
  DatasetOptions options = Options(MakeRoot("visits"));
  options.repeats = 3;
  const auto dataset = MustOpen(options);
  ASSERT_EQ(dataset->size(), 3 * kClips);
  std::map<std::string, int> visits;
  for (int64_t i = 0; i < dataset->size(); ++i) {
    ++visits[MustGet(*dataset, 2, i).name];
  }
  EXPECT_THAT(visits, SizeIs(kClips));
  for (const auto& [name, count] : visits) EXPECT_EQ(count, 3) << name;
}

// The sequence law of dataset.h.
TEST(Dataset, SampleDependsOnItsPlaceAlone) {
  DatasetOptions options = Options(MakeRoot("law"));
  options.augmentation.horizontal_flip = options.augmentation.time_flip = true;
  options.augmentation.hue = options.augmentation.contrast = 0.1;
  options.augmentation.max_zoom = 0.1;
  const auto forward = MustOpen(options);
  options.cache_bytes = 0;
  options.num_index_threads = 1;
  const auto backward = MustOpen(options);
  std::vector<Sample> samples;
  for (int64_t i = 0; i < forward->size(); ++i) {
    samples.push_back(MustGet(*forward, 1, i));
  }
  for (int64_t i = forward->size(); i-- > 0;) {
    MustGet(*backward, 4, i);
    const Sample sample = MustGet(*backward, 1, i);
    EXPECT_EQ(sample.name, samples[static_cast<size_t>(i)].name);
    EXPECT_TRUE(SamePixels(sample, samples[static_cast<size_t>(i)])) << i;
  }
}

TEST(Dataset, SequenceChangesWithSeedAndEpoch) {
  DatasetOptions options = Options(MakeRoot("seeds"));
  const auto dataset = MustOpen(options);
  const std::vector<std::string> first = DescribeEpoch(*dataset, 0);
  EXPECT_NE(DescribeEpoch(*dataset, 1), first);
  options.seed = 6;
  EXPECT_NE(DescribeEpoch(*MustOpen(options), 0), first);
}

TEST(Dataset, TellsHowManyClipsItHasLookedAt) {
  DatasetOptions options = Options(MakeRoot("index_progress"));
  std::vector<int64_t> done;
  options.index_progress = [&done](const WorkProgress& now) {
    EXPECT_EQ(now.total, kClips);
    done.push_back(now.done);
  };
  MustOpen(options);
  EXPECT_THAT(done, ElementsAre(1, 2, 3, 4, 5, 6, 7));
}

TEST(Dataset, DrawsAllFramesAndTheEarlierIsTheSource) {
  DatasetOptions options = Options(MakeRoot("frames"));
  options.repeats = 60;
  const auto dataset = MustOpen(options);
  std::vector<int> counts(kFrames);
  for (int64_t i = 0; i < dataset->size(); ++i) {
    const Sample sample = MustGet(*dataset, 0, i);
    const int source = media::FrameIndex(sample.frames.source);
    const int driving = media::FrameIndex(sample.frames.driving);
    EXPECT_LE(source, driving);
    EXPECT_EQ(InWords(sample),
              absl::StrCat(sample.name, " frames ", source, " and ", driving));
    ++counts.at(static_cast<size_t>(source));
    ++counts.at(static_cast<size_t>(driving));
  }
  // 840 draws of 20: binomial with mean 42 and deviation 6.3, five deviations.
  for (int count : counts) EXPECT_NEAR(count, 42, 32);
}

// The largest distance drawn in an epoch, of enough draws to meet it.
int LargestDistance(Dataset& dataset, int64_t epoch) {
  int largest = 0;
  for (int64_t i = 0; i < dataset.size(); ++i) {
    const Sample sample = MustGet(dataset, epoch, i);
    largest = std::max(largest, media::FrameIndex(sample.frames.driving) -
                                    media::FrameIndex(sample.frames.source));
  }
  return largest;
}

TEST(Dataset, LimitsTheDistanceOfEarlyEpochs) {
  DatasetOptions options = Options(MakeRoot("distance"));
  options.repeats = 100;
  options.frame_distance.start = 2;
  options.frame_distance.doubling_epochs = 3;
  const auto dataset = MustOpen(options);
  EXPECT_EQ(LargestDistance(*dataset, 0), 2);
  EXPECT_EQ(LargestDistance(*dataset, 2), 3);  // 2 * 2^(2/3) is 3.17
  EXPECT_EQ(LargestDistance(*dataset, 3), 4);
}

// A limit as long as the clip draws as none does.
TEST(Dataset, DrawsAsEverOnceTheLimitIsTheClips) {
  DatasetOptions options = Options(MakeRoot("distance_ends"));
  const auto unlimited = MustOpen(options);
  options.frame_distance.start = 1;
  const auto limited = MustOpen(options);
  EXPECT_NE(DescribeEpoch(*limited, 0), DescribeEpoch(*unlimited, 0));
  EXPECT_EQ(DescribeEpoch(*limited, 100), DescribeEpoch(*unlimited, 100));
}

TEST(Dataset, TimeFlipSwapsSourceAndDriving) {
  DatasetOptions options = Options(MakeRoot("flips"));
  options.repeats = 10;
  options.augmentation.time_flip = true;
  const auto dataset = MustOpen(options);
  int num_backward = 0, num_forward = 0;
  for (int64_t i = 0; i < dataset->size(); ++i) {
    const Sample sample = MustGet(*dataset, 0, i);
    const int source = media::FrameIndex(sample.frames.source);
    const int driving = media::FrameIndex(sample.frames.driving);
    EXPECT_EQ(sample.first_frame, std::min(source, driving));
    EXPECT_EQ(sample.second_frame, std::max(source, driving));
    num_backward += source > driving;
    num_forward += source < driving;
  }
  EXPECT_GT(num_backward, 15);
  EXPECT_GT(num_forward, 15);
}

TEST(Dataset, DrawsIdentitiesIfAsked) {
  DatasetOptions options = Options(MakeRoot("identities"));
  options.id_sampling = true;
  options.repeats = 50;
  const auto dataset = MustOpen(options);
  ASSERT_EQ(dataset->size(), 2 * 50);
  std::map<std::string, int> identities, names;
  for (int64_t i = 0; i < dataset->size(); ++i) {
    const std::string name = MustGet(*dataset, 0, i).name;
    ++identities[name.substr(0, name.find('#'))];
    ++names[name];
  }
  EXPECT_EQ(identities["ann"], 50);
  EXPECT_EQ(identities["bob"], 50);
  EXPECT_THAT(names, SizeIs(kClips));
}

TEST(Dataset, ReadsTheSplitThatIsAskedFor) {
  DatasetOptions options = Options(MakeRoot("splits"));
  options.split = "test";
  const auto dataset = MustOpen(options);
  ASSERT_THAT(dataset->clips(), SizeIs(1));
  EXPECT_EQ(dataset->clips()[0].name, "cid#0");
  EXPECT_EQ(dataset->clips()[0].identity, "cid");
  const auto whole = dataset->ReadWholeClip(0);
  ASSERT_THAT(whole, IsOk());
  EXPECT_EQ((*whole)->frames.size(), static_cast<size_t>(kFrames));
}

TEST(Dataset, MixesEveryKindOfClipAtOneSize) {
  const std::string root = MakeRoot("kinds");
  media::WriteNumberedVideo(root + "/train/video.mp4", cv::Size(96, 64),
                            kFrames);
  media::WriteNumberedFolder(root + "/train/folder", cv::Size(40, 50), kFrames);
  ASSERT_THAT(WriteAtomically(root + "/train/labels.csv", "a,b"), IsOk());
  DatasetOptions options = Options(root);
  EXPECT_THAT(Dataset::Open(options),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("differ in size"),
                             HasSubstr("set an image size"))));
  options.image_size = cv::Size(24, 24);
  for (int64_t cache_bytes : {int64_t{0}, int64_t{1} << 30}) {
    options.cache_bytes = cache_bytes;
    const auto dataset = MustOpen(options);
    EXPECT_EQ(dataset->size(), kClips + 2);
    for (int64_t i = 0; i < dataset->size(); ++i) {
      const Sample sample = MustGet(*dataset, 0, i);
      EXPECT_EQ(sample.frames.source.size(), cv::Size(24, 24)) << sample.name;
      EXPECT_EQ(sample.frames.driving.size(), cv::Size(24, 24));
    }
  }
}

// Scores, frames and ground truth go by the name.
TEST(Dataset, GivesEachClipANameOfItsOwn) {
  const std::string root = media::TempFolder("names");
  fs::create_directories(root + "/train");
  const auto add = [&root](const std::string& name) {
    media::WriteNumberedFolder(root + "/train/" + name, cv::Size(kSide, kSide),
                               2);
  };
  const auto names = [&root] {
    const auto dataset = MustOpen(Options(root));
    std::vector<std::string> names;
    for (const IndexedClip& clip : dataset->clips()) {
      names.push_back(clip.name);
    }
    return names;
  };
  add("id1#7.mp4");
  add("walk.1");
  EXPECT_THAT(names(), ElementsAre("id1#7", "walk"));
  add("walk.2");
  EXPECT_THAT(names(), ElementsAre("id1#7", "walk.1", "walk.2"));
  // Without its ending it would have the name of another clip.
  add("walk.2.mp4");
  EXPECT_THAT(names(), ElementsAre("id1#7", "walk.1", "walk.2", "walk.2.mp4"));
}

TEST(Dataset, NamesBadClipsAndGoesOnWithoutThem) {
  const std::string root = MakeRoot("bad clips");
  ASSERT_THAT(WriteAtomically(root + "/train/text.mp4", "not a video"), IsOk());
  DatasetOptions options = Options(root);
  options.max_bad_share = 0.2;
  const auto dataset = MustOpen(options);
  EXPECT_EQ(dataset->size(), kClips);
  ASSERT_THAT(dataset->bad_clips(), SizeIs(1));
  EXPECT_THAT(dataset->bad_clips()[0].path, HasSubstr("text.mp4"));
  EXPECT_THAT(dataset->bad_clips()[0].reason, HasSubstr("not a video"));

  options.max_bad_share = 0.1;  // 1 of 8 is more
  EXPECT_THAT(Dataset::Open(options),
              StatusIs(StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("1 of the 8"), HasSubstr("text.mp4"),
                             HasSubstr("max_bad_share"))));
}

// A log, a sound or a pipe beside the clips, and a folder in one of them.
TEST(Dataset, LeavesOutWhatIsNoClipWithoutCountingIt) {
  const std::string root = MakeRoot("no clips");
  ASSERT_THAT(WriteAtomically(root + "/train/make.log", "a text"), IsOk());
  fs::remove(root + "/train/pipe");  // of an earlier run
  ASSERT_EQ(mkfifo((root + "/train/pipe").c_str(), 0600), 0);
  const std::string folder = root + "/train/folder";
  media::WriteNumberedFolder(folder, cv::Size(kSide, kSide), kFrames);
  fs::create_directory(folder + "/masks");
  DatasetOptions options = Options(root);
  options.max_bad_share = 0;
  const auto dataset = MustOpen(options);
  ASSERT_EQ(dataset->size(), kClips + 1);
  EXPECT_THAT(DescribeEpoch(*dataset, 0), SizeIs(kClips + 1));
  ASSERT_THAT(dataset->bad_clips(), SizeIs(2));
  EXPECT_THAT(dataset->bad_clips()[0].path, HasSubstr("make.log"));
  EXPECT_THAT(dataset->bad_clips()[1].reason, HasSubstr("is a pipe"));
}

TEST(Dataset, FindsNoClipInALog) {
  const std::string root = media::TempFolder("only a log");
  mkdir((root + "/train").c_str(), 0755);
  ASSERT_THAT(WriteAtomically(root + "/train/make.log", "a text"), IsOk());
  EXPECT_THAT(Dataset::Open(Options(root)),
              StatusIs(StatusCode::kNotFound, HasSubstr("holds no clips")));
}

TEST(LeftOut, SaysThePathOnce) {
  EXPECT_EQ(LeftOut({"/d/a.mp4", "/d/a.mp4: is cut short"}),
            "left out /d/a.mp4: is cut short");
  EXPECT_EQ(LeftOut({"/d/a.mp4", "/d/a.mp4 is no video"}),
            "left out /d/a.mp4: is no video");
  EXPECT_EQ(LeftOut({"/d/a", "/d/a/0.png: is damaged"}),
            "left out /d/a: /d/a/0.png: is damaged");
  EXPECT_EQ(LeftOut({"/d/a", "has one frame"}), "left out /d/a: has one frame");
}

TEST(Dataset, RefusesAFolderWithoutAnyReadableClip) {
  const std::string root = media::TempFolder("all bad");
  mkdir((root + "/train").c_str(), 0755);
  ASSERT_THAT(WriteAtomically(root + "/train/a.mp4", "not a video"), IsOk());
  DatasetOptions options = Options(root);
  options.max_bad_share = 1;
  EXPECT_THAT(Dataset::Open(options),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("a.mp4")));
}

// Damage that opening cannot see. The law must hold all the same: also for a
// dataset that has met the damage before.
TEST(Dataset, ReplacesClipsThatAreDamagedInsideByTheLaw) {
  const std::string root = MakeRoot("damaged inside");
  const std::string bad = root + "/train/eve#0.mp4";
  media::WriteNumberedVideo(bad, cv::Size(kSide, kSide), 60);
  media::DamageInside(bad);
  DatasetOptions options = Options(root);
  options.max_bad_share = 0.2;
  const auto dataset = MustOpen(options);
  EXPECT_THAT(dataset->bad_clips(), IsEmpty());
  const std::vector<std::string> first = DescribeEpoch(*dataset, 0);
  EXPECT_THAT(first, SizeIs(kClips + 1));
  EXPECT_THAT(first, testing::Each(testing::Not(HasSubstr("eve"))));
  ASSERT_THAT(dataset->bad_clips(), SizeIs(1));
  EXPECT_THAT(dataset->bad_clips()[0].reason, HasSubstr("eve#0.mp4"));
  EXPECT_EQ(DescribeEpoch(*dataset, 0), first);
  EXPECT_THAT(dataset->bad_clips(), SizeIs(1));

  options.max_bad_share = 0;
  const auto strict = MustOpen(options);
  absl::Status status;
  for (int64_t i = 0; i < strict->size() && status.ok(); ++i) {
    status = strict->Get(0, i).status();
  }
  EXPECT_THAT(status, StatusIs(StatusCode::kFailedPrecondition,
                               HasSubstr("eve#0.mp4")));
}

// The frames that are asked for decide, however much the cache can hold.
TEST(Dataset, TakesOtherFramesOfAFolderWithADamagedOneWhateverTheCache) {
  DatasetOptions options = Options(MakeRoot("damaged folder"));
  const std::string folder = options.root + "/train/folder";
  media::WriteNumberedFolder(folder, cv::Size(kSide, kSide), kFrames);
  const fs::directory_iterator first(folder);
  ASSERT_THAT(WriteAtomically(first->path(), "no picture at all"), IsOk());
  options.max_bad_share = 1;
  options.repeats = 4;
  const int64_t frame_bytes = int64_t{kSide} * kSide * 3;
  std::vector<std::vector<std::string>> epochs;
  for (const int64_t cache_bytes : {int64_t{0}, 1000 * frame_bytes}) {
    options.cache_bytes = cache_bytes;
    epochs.push_back(DescribeEpoch(*MustOpen(options), 0));
  }
  EXPECT_EQ(epochs[0], epochs[1]);
  EXPECT_THAT(epochs[0], testing::Contains(testing::StartsWith("folder ")));
}

TEST(Dataset, SaysWhatAFolderLacks) {
  EXPECT_THAT(Dataset::Open(Options(media::TempPath("nowhere"))),
              StatusIs(StatusCode::kNotFound, HasSubstr("nowhere")));
  const std::string root = media::TempFolder("half a dataset");
  EXPECT_THAT(Dataset::Open(Options(root)),
              StatusIs(StatusCode::kNotFound, HasSubstr("no folder train/")));
  mkdir((root + "/train").c_str(), 0755);
  EXPECT_THAT(Dataset::Open(Options(root)),
              StatusIs(StatusCode::kNotFound, HasSubstr("holds no clips")));
}

TEST(Dataset, TakesNoFolderThatItMayNotLookIntoForMissing) {
  const std::string parent = media::TempFolder("closed");
  fs::create_directories(parent + "/data/train");
  fs::permissions(parent + "/data", fs::perms(0));
  {
    const networks::files::PlainUser user(parent);
    EXPECT_THAT(Dataset::Open(Options("data")),
                StatusIs(StatusCode::kPermissionDenied,
                         HasSubstr("data/train: cannot look up")));
  }
  fs::permissions(parent + "/data", fs::perms(0755));
}

TEST(Dataset, NamesBadOptions) {
  const std::string root = MakeRoot("options");
  const auto expect_named = [&](const DatasetOptions& options,
                                const std::string& field) {
    EXPECT_THAT(Dataset::Open(options),
                StatusIs(StatusCode::kInvalidArgument, HasSubstr(field)));
  };
  DatasetOptions options = Options(root);
  options.split = "val";
  expect_named(options, "split");
  options = Options(root);
  options.repeats = 0;
  expect_named(options, "repeats");
  options = Options(root);
  options.max_bad_share = 1.5;
  expect_named(options, "max_bad_share");
  options = Options(root);
  options.image_size = cv::Size(0, 64);
  expect_named(options, "image_size");
  options = Options(root);
  options.augmentation.hue = 2;
  expect_named(options, "augmentation.hue");
  options = Options(root);
  options.frame_distance.doubling_epochs = 0;
  expect_named(options, "frame_distance");
}

// Gives `path` a time long past, before which nothing can have changed.
void MakeOld(const std::string& path, int64_t seconds) {
  const timespec times[2] = {{seconds, 0}, {seconds, 0}};
  ASSERT_EQ(utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
}

// The number of frames that is known of a clip of the dataset.
int NumFrames(const Dataset& dataset, const std::string& name) {
  for (const IndexedClip& clip : dataset.clips()) {
    if (clip.name == name) return clip.info.num_frames;
  }
  return -1;
}

class DatasetIndexTest : public testing::Test {
 protected:
  const ScopedCacheFolder cache_{media::TempFolder("index_cache")};

  void SetUp() override {
    options_.root =
        MakeRoot(testing::UnitTest::GetInstance()->current_test_info()->name());
    for (int i = 0; i < kClips; ++i) MakeOld(PathOf(i), 1000000);
    MustOpen(options_);
  }

  std::string NameOf(int i) const {
    return absl::StrCat(i < 2 ? "ann" : "bob", "#", i);
  }
  std::string PathOf(int i) const {
    return absl::StrCat(options_.root, "/train/", NameOf(i), ".png");
  }
  std::string index() const { return options_.root + "/train/.clip_index"; }

  // Another clip of the same time and size: what a dataset says of it shows
  // whether it was looked at.
  void Exchange(int i) {
    const int64_t size = ReadFile(PathOf(i))->size();
    media::WriteNumberedStack(PathOf(i), kSide, kFrames / 2);
    ASSERT_EQ(truncate(PathOf(i).c_str(), size), 0);
    MakeOld(PathOf(i), 1000000);
  }

  DatasetOptions options_;
};

TEST_F(DatasetIndexTest, IsReadInsteadOfTheClips) {
  Exchange(3);
  EXPECT_EQ(NumFrames(*MustOpen(options_), NameOf(3)), kFrames);
}

TEST_F(DatasetIndexTest, LooksAgainAtAClipOfAnotherTime) {
  media::WriteNumberedStack(PathOf(3), kSide, kFrames / 2);
  EXPECT_EQ(NumFrames(*MustOpen(options_), NameOf(3)), kFrames / 2);
  EXPECT_EQ(NumFrames(*MustOpen(options_), NameOf(4)), kFrames);
}

TEST_F(DatasetIndexTest, LooksAgainAtAClipOfAnotherSize) {
  media::WriteNumberedStack(PathOf(3), kSide, kFrames / 2);
  MakeOld(PathOf(3), 1000000);
  EXPECT_EQ(NumFrames(*MustOpen(options_), NameOf(3)), kFrames / 2);
}

// A mended frame leaves the time of its folder as it was.
TEST_F(DatasetIndexTest, LooksAgainAtAFolderOfWhichAFrameChanged) {
  const std::string folder = options_.root + "/train/eve";
  media::WriteNumberedFolder(folder, cv::Size(kSide, kSide), 3);
  const std::string first = folder + "/0.png";
  const std::string whole = *ReadFile(first);
  std::ofstream(first) << "no picture at all";
  for (const auto& frame : fs::directory_iterator(folder)) {
    MakeOld(frame.path(), 1000000);
  }
  MakeOld(folder, 1000000);
  options_.max_bad_share = 0.5;
  ASSERT_THAT(MustOpen(options_)->bad_clips(), SizeIs(1));
  std::ofstream(first) << whole;
  MakeOld(folder, 1000000);
  EXPECT_THAT(MustOpen(options_)->bad_clips(), IsEmpty());
}

TEST_F(DatasetIndexTest, KnowsNewAndRemovedClips) {
  ASSERT_EQ(unlink(PathOf(3).c_str()), 0);
  media::WriteNumberedStack(options_.root + "/train/eve.png", kSide, kFrames);
  const auto dataset = MustOpen(options_);
  EXPECT_EQ(NumFrames(*dataset, NameOf(3)), -1);
  EXPECT_EQ(NumFrames(*dataset, "eve"), kFrames);
}

TEST_F(DatasetIndexTest, IsMadeAnewWhereItIsDamaged) {
  std::string content = *ReadFile(index());
  content[content.size() / 2] ^= 1;
  ASSERT_THAT(WriteAtomically(index(), content), IsOk());
  Exchange(3);
  options_.max_bad_share = 1;
  EXPECT_NE(NumFrames(*MustOpen(options_), NameOf(3)), kFrames);
}

// Of a newer program that shares the folder. The index goes to the user's cache
// folder then, where it serves as well.
TEST_F(DatasetIndexTest, LeavesOneOfALaterVersion) {
  ClipIndexProto later;
  later.set_version(1000);
  networks::weights::Sha256 digest;
  digest.Add(later.SerializeAsString());
  const std::string content = digest.Finish() + later.SerializeAsString();
  ASSERT_THAT(WriteAtomically(index(), content), IsOk());
  MustOpen(options_);
  EXPECT_EQ(*ReadFile(index()), content);
  Exchange(3);
  EXPECT_EQ(NumFrames(*MustOpen(options_), NameOf(3)), kFrames);
}

TEST_F(DatasetIndexTest, LeavesOneThatCannotBeRead) {
  fs::remove(index());
  fs::create_symlink(index(), index());  // to itself
  MustOpen(options_);
  EXPECT_TRUE(fs::is_symlink(index()));
  Exchange(3);
  EXPECT_EQ(NumFrames(*MustOpen(options_), NameOf(3)), kFrames);
}

TEST_F(DatasetIndexTest, KeepsWhatIsWrongWithABadClip) {
  ASSERT_THAT(WriteAtomically(PathOf(3), "no picture at all"), IsOk());
  MakeOld(PathOf(3), 1000000);
  options_.max_bad_share = 0.5;
  for (int session = 0; session < 2; ++session) {
    const auto dataset = MustOpen(options_);
    ASSERT_THAT(dataset->bad_clips(), SizeIs(1));
    EXPECT_EQ(dataset->bad_clips()[0].path, PathOf(3));
    EXPECT_THAT(dataset->bad_clips()[0].reason, HasSubstr(PathOf(3)));
  }
}

TEST_F(DatasetIndexTest, NamesABadClipWhereItIsNow) {
  ASSERT_THAT(WriteAtomically(PathOf(3), "no picture at all"), IsOk());
  MakeOld(PathOf(3), 1000000);
  options_.max_bad_share = 0.5;
  MustOpen(options_);
  const std::string moved = options_.root + " moved";
  fs::remove_all(moved);
  fs::rename(options_.root, moved);
  options_.root = moved;
  const auto dataset = MustOpen(options_);
  ASSERT_THAT(dataset->bad_clips(), SizeIs(1));
  EXPECT_THAT(dataset->bad_clips()[0].reason, HasSubstr(PathOf(3)));
}

// What may have been written after it was looked at, within a tick of the
// clock, is looked at the next time.
TEST_F(DatasetIndexTest, DoesNotTrustTheTimeOfAFileJustWritten) {
  media::WriteNumberedStack(PathOf(3), kSide, kFrames / 2);
  MustOpen(options_);
  EXPECT_EQ(ReadFile(index())->find(NameOf(3)), std::string::npos);
  EXPECT_NE(ReadFile(index())->find(NameOf(4)), std::string::npos);
}

}  // namespace
}  // namespace pipelines::data
