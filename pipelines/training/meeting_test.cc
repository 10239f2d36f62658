#include "pipelines/training/meeting.h"

#include <torch/torch.h>

#include <memory>
#include <string>
#include <vector>

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
