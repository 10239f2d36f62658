// What needs no other process; parallel_training_test has several.
#include "pipelines/training/data_shards.h"

#include <set>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using ::absl::StatusCode;
using ::testing::AllOf;
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

}  // namespace
}  // namespace pipelines
