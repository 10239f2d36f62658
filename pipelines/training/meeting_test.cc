#include "pipelines/training/meeting.h"

#include <torch/types.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "pipelines/config/config.h"
#include "pipelines/data/data_folder.h"
#include "pipelines/data/dataset.h"
#include "pipelines/parallel/process_group.h"
#include "pipelines/parallel/testing_group.h"
#include "pipelines/testing/scoped_environment.h"
#include "pipelines/testing/testing_config.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;
using Group = std::shared_ptr<parallel::ProcessGroup>;

// What each of three processes, with these configs, says of them.
std::vector<absl::Status> MeetWith(const std::vector<Config>& configs) {
  std::vector<absl::Status> statuses(3);
  parallel::RunTogether(3, [&](const Group& group) {
    statuses[group->rank()] = CheckConfigsAgree(*group, configs[group->rank()]);
  });
  return statuses;
}

// With code, whole message and payload: who has no error of its own gets the
// first one's.
TEST(Meeting, EndsForAllWhereOneRefuses) {
  absl::Status refusal = absl::NotFoundError("no\nclips");
  refusal.SetPayload("url/of", absl::Cord(std::string("a\nb\0c", 5)));
  absl::Status of_others = absl::NotFoundError("process 1: no\nclips");
  of_others.SetPayload("url/of", *refusal.GetPayload("url/of"));
  const absl::Status later = absl::InternalError("another reason");
  parallel::RunTogether(4, [&](const Group& group) {
    const int rank = group->rank();
    EXPECT_THAT(AgreeOn(group.get(), absl::OkStatus()), IsOk());
    const std::vector<absl::Status> mine = {absl::OkStatus(), refusal,
                                            absl::OkStatus(), later};
    const std::vector<absl::Status> agreed = {of_others, refusal, of_others,
                                              later};
    EXPECT_EQ(AgreeOn(group.get(), mine[rank]), agreed[rank]) << rank;
    EXPECT_THAT(AgreeOn(group.get(), absl::OkStatus()), IsOk());
  });
  EXPECT_EQ(AgreeOn(nullptr, refusal), refusal);
  EXPECT_THAT(AgreeOn(nullptr, absl::OkStatus()), IsOk());
}

TEST(Meeting, IsOfOneConfig) {
  const Config config = *TinyConfig();
  EXPECT_THAT(MeetWith({config, config, config}), Each(IsOk()));
}

TEST(Meeting, NamesTheFirstProcessOfAnotherConfigAndTheField) {
  const Config config = *TinyConfig();
  const Config other = *TinyConfig({"losses.warp=3"});
  EXPECT_THAT(MeetWith({config, config, other}),
              Each(StatusIs(StatusCode::kFailedPrecondition,
                            AllOf(HasSubstr("process 2 of 3"),
                                  HasSubstr("losses.warp")))));
  EXPECT_THAT(MeetWith({config, other, other}),
              Each(StatusIs(StatusCode::kFailedPrecondition,
                            HasSubstr("process 1 of 3"))));
}

TEST(Meeting, LeavesEachProcessItsFolderAndThreads) {
  EXPECT_THAT(
      MeetWith({*TinyConfig({"data.folder=/here"}),
                *TinyConfig({"data.folder=/there", "data.workers=3"}),
                *TinyConfig({"data.folder=/here", "data.cache_mib=1"})}),
      Each(IsOk()));
}

TEST(Meeting, IsOfTheSameClips) {
  const ScopedCacheFolder cache;
  const Config config = *TinyConfig();
  const auto folder = DataFolder(config.data());
  ASSERT_THAT(folder, IsOk());
  const auto train = OpenSplit(*folder, "train", config.data(), 0);
  const auto test = OpenSplit(*folder, "test", config.data(), 0);
  ASSERT_THAT(train, IsOk());
  ASSERT_THAT(test, IsOk());
  parallel::RunTogether(2, [&](const Group& group) {
    EXPECT_THAT(CheckClipsAgree(*group, **train, **test), IsOk());
    const bool is_first = group->rank() == 0;
    EXPECT_THAT(
        CheckClipsAgree(*group, is_first ? **train : **test, **test),
        StatusIs(StatusCode::kFailedPrecondition,
                 AllOf(HasSubstr("process 1 of 2"),
                       HasSubstr("other training clips than process 0"))));
    EXPECT_THAT(
        CheckClipsAgree(*group, **train, is_first ? **test : **train),
        StatusIs(StatusCode::kFailedPrecondition, HasSubstr("other test")));
  });
}

}  // namespace
}  // namespace pipelines
