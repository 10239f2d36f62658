// Processes are threads here; parallel_training_test has whole ones.
#include "pipelines/training/data_shards.h"

#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "opencv2/core.hpp"
#include "pipelines/media/image_io.h"
#include "pipelines/parallel/testing_group.h"
#include "pipelines/testing/scoped_environment.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using ::absl::StatusCode;
using ::testing::_;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;

// Process 5 of 8, the second of four on its machine.
parallel::ProcessEnvironment Process5() {
  parallel::ProcessEnvironment process;
  process.rank = 5;
  process.size = 8;
  process.local_rank = 1;
  process.local_size = 4;
  return process;
}

Config WithShards(bool sharded) {
  Config config;
  config.mutable_data()->set_sharded(sharded);
  config.mutable_training()->set_seed(7);
  return config;
}

TEST(ShardPlaceOf, IsTheRunOrTheMachine) {
  const auto whole = ShardPlaceOf(WithShards(false), Process5());
  ASSERT_THAT(whole, IsOk());
  EXPECT_EQ(whole->first_rank, 0);
  EXPECT_EQ(whole->index, 5);
  EXPECT_EQ(whole->count, 8);
  const auto machine = ShardPlaceOf(WithShards(true), Process5());
  ASSERT_THAT(machine, IsOk());
  EXPECT_EQ(machine->first_rank, 4);
  EXPECT_EQ(machine->index, 1);
  EXPECT_EQ(machine->count, 4);
}

TEST(ShardPlaceOf, NamesTheVariableThatDoesNotSay) {
  parallel::ProcessEnvironment process = Process5();
  process.local_size = 1;  // as where it is unset
  EXPECT_THAT(ShardPlaceOf(WithShards(true), process),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("LOCAL_RANK is 1"),
                             HasSubstr("LOCAL_WORLD_SIZE"))));
  EXPECT_THAT(ShardPlaceOf(WithShards(false), process), IsOk());
}

TEST(DataSeed, IsTheRunsForTheFirstShardAndItsOwnForEachOther) {
  const Config config = WithShards(true);
  EXPECT_EQ(DataSeed(config, {0, 0, 4}), 7u);
  std::set<uint64_t> seeds;
  for (int first_rank = 0; first_rank < 64; first_rank += 4) {
    const uint64_t seed = DataSeed(config, {first_rank, 0, 4});
    EXPECT_EQ(seed, DataSeed(config, {first_rank, 3, 4}));
    seeds.insert(seed);
  }
  EXPECT_EQ(seeds.size(), 16u);
}

// Processes with clips of their own.
class ShardsTest : public networks::files::FolderTest {
 protected:
  const ScopedCacheFolder cache_;

  // The clips `names`, each a folder of `image` twice.
  std::unique_ptr<data::Dataset> Clips(
      const std::string& folder, const std::vector<std::string>& names,
      const cv::Mat& image = cv::Mat::zeros(8, 8, CV_8UC3)) {
    data::DatasetOptions options;
    options.root = Path(folder);
    for (const std::string& name : names) {
      const std::string clip = absl::StrCat(options.root, "/train/", name);
      std::filesystem::create_directories(clip);
      for (const char* frame : {"/0.png", "/1.png"}) {
        EXPECT_THAT(media::WriteImage(clip + frame, image), IsOk());
      }
    }
    auto dataset = data::Dataset::Open(options);
    EXPECT_THAT(dataset, IsOk());
    return dataset.ok() ? *std::move(dataset) : nullptr;
  }
};

// What CheckShards returns in each process: of first_ranks[i] on clips[i].
std::vector<absl::Status> CheckTogether(
    const std::vector<int>& first_ranks,
    const std::vector<const data::Dataset*>& clips) {
  std::vector<absl::Status> results(first_ranks.size());
  parallel::RunTogether(
      static_cast<int>(first_ranks.size()), [&](const auto& group) {
        const int rank = group->rank();
        ShardPlace place;
        place.first_rank = first_ranks[rank];
        results[rank] = CheckShards(*group, place, *clips[rank]);
      });
  return results;
}

TEST_F(ShardsTest, CheckShardsWantsTheSameClipsInAShardAndOthersInAnother) {
  const auto a = Clips("a", {"ann", "bob"});
  const auto copy = Clips("copy", {"ann", "bob"});
  const auto b = Clips("b", {"cid", "dan"});
  EXPECT_THAT(CheckTogether({0, 0, 2}, {a.get(), copy.get(), b.get()}),
              Each(IsOk()));
  // As a run without shards, of one machine.
  EXPECT_THAT(CheckTogether({0, 0}, {a.get(), copy.get()}), Each(IsOk()));
  EXPECT_THAT(
      CheckTogether({0, 0, 2}, {a.get(), b.get(), b.get()}),
      Each(StatusIs(StatusCode::kFailedPrecondition,
                    HasSubstr("process 1 of 3 has other training clips than "
                              "process 0 of the same machine"))));
  EXPECT_THAT(
      CheckTogether({0, 1, 2}, {a.get(), b.get(), copy.get()}),
      Each(StatusIs(StatusCode::kFailedPrecondition,
                    HasSubstr("process 2 of 3 has the same training clips as "
                              "process 0 of another machine"))));
}

// As where each machine's script numbers its clips from 0 on.
TEST_F(ShardsTest, CheckShardsTellsFoldersOfFramesApartByTheirBytes) {
  cv::Mat noise(8, 8, CV_8UC3);
  cv::randu(noise, 0, 256);
  const auto a = Clips("a", {"0", "1"});
  const auto b = Clips("b", {"0", "1"}, noise);
  EXPECT_THAT(CheckTogether({0, 1}, {a.get(), b.get()}), Each(IsOk()));
  EXPECT_THAT(CheckTogether({0, 0}, {a.get(), b.get()}),
              Each(StatusIs(StatusCode::kFailedPrecondition, _)));
}

// What EndEpochsTogether returns in each process, and the limits that it sets.
struct EpochEnds {
  std::vector<absl::Status> results;
  std::vector<int64_t> limits;
};

EpochEnds EndTogether(const std::vector<const data::Dataset*>& clips,
                      int batch_size) {
  EpochEnds ends;
  ends.results.resize(clips.size());
  ends.limits.resize(clips.size());
  parallel::RunTogether(static_cast<int>(clips.size()), [&](const auto& group) {
    data::LoaderOptions options;
    options.batch_size = batch_size;
    const int rank = group->rank();
    ends.results[rank] = EndEpochsTogether(*group, *clips[rank], &options);
    ends.limits[rank] = options.max_steps_per_epoch;
  });
  return ends;
}

TEST_F(ShardsTest, EndEpochsTogetherTakesTheBatchesOfTheSmallestShard) {
  const auto five = Clips("five", {"a", "b", "c", "d", "e"});
  const auto two = Clips("two", {"f", "g"});
  const auto three = Clips("three", {"h", "i", "j"});
  EpochEnds ends = EndTogether({five.get(), two.get(), three.get()}, 1);
  EXPECT_THAT(ends.results, Each(IsOk()));
  EXPECT_THAT(ends.limits, Each(2));
  ends = EndTogether({five.get(), two.get(), three.get()}, 2);
  EXPECT_THAT(ends.results, Each(IsOk()));
  EXPECT_THAT(ends.limits, Each(1));
  ends = EndTogether({five.get(), two.get(), three.get()}, 3);
  EXPECT_THAT(ends.results,
              Each(StatusIs(StatusCode::kInvalidArgument,
                            HasSubstr("process 1 of 3 has clips that do not "
                                      "fill one training step"))));
  EXPECT_THAT(ends.limits, Each(0));
}

}  // namespace
}  // namespace pipelines
