#include "pipelines/training/same_config.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "pipelines/testing/testing_config.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

Config ConfigWith(const std::vector<std::string>& overrides) {
  const auto config = TinyConfig(overrides);
  EXPECT_THAT(config, IsOk());
  return *config;
}

// A checkpoint of a run with one process.
CheckpointState Left(const std::vector<std::string>& overrides = {}) {
  CheckpointState state;
  *state.mutable_config() = ConfigWith(overrides);
  state.set_samples_per_step(SamplesPerStep(state.config(), 1));
  return state;
}

absl::Status Check(const CheckpointState& state,
                   const std::vector<std::string>& overrides,
                   int processes = 1) {
  return CheckSameConfig("runs/a", state, ConfigWith(overrides), processes);
}

TEST(SamplesPerStep, AreOfAllBatchesAndProcesses) {
  EXPECT_EQ(
      SamplesPerStep(
          ConfigWith({"training.batch_size=3", "training.accumulation=4"}), 5),
      60);
  EXPECT_EQ(SamplesPerStep(Left({"training.batch_size=3"})), 3);
  // Version 1 does not say.
  CheckpointState old = Left({"training.batch_size=7"});
  old.clear_samples_per_step();
  EXPECT_EQ(SamplesPerStep(old), 7);
}

TEST(CheckSameConfig, LetsChangeWhatMakesNoDifferenceToTheResult) {
  EXPECT_THAT(Check(Left(), {}), IsOk());
  for (const char* change :
       {"training.num_epochs=9", "training.max_steps=5",
        "training.max_minutes=1.5", "training.keep_checkpoints=7",
        "training.checkpoint_steps=3", "training.picture_epochs=4",
        "training.peer_timeout_seconds=77", "training.recompute=true",
        "data.workers=3", "data.cache_mib=5", "data.max_bad_share=0.7",
        "losses.semantic.cache_gib=1", "evaluation.frame_step=3",
        "avd.steps=12"}) {
    EXPECT_THAT(Check(Left(), {change}), IsOk()) << change;
  }
}

// Whether they are the same clips, Session::CompareClips sees.
TEST(CheckSameConfig, LetsTheClipsMove) {
  EXPECT_THAT(Check(Left({"data.folder=clips"}), {"data.folder=/disk/clips"}),
              IsOk());
  EXPECT_THAT(
      Check(Left(), {"data.folder=/disk/clips"}),
      StatusIs(StatusCode::kFailedPrecondition,
               AllOf(HasSubstr("data.puppets"), HasSubstr("/disk/clips"))));
  EXPECT_THAT(
      Check(Left({"data.folder=/disk/clips"}), {}),
      StatusIs(StatusCode::kFailedPrecondition, HasSubstr("/disk/clips")));
}

// By a former version, which took it for one as large as max_size.
TEST(CheckSameConfig, LetsARunGoOnThatHadAnInputSizeWithoutEffect) {
  CheckpointState left = Left();
  left.mutable_config()->mutable_losses()->mutable_structure()->set_input_size(
      512);
  EXPECT_THAT(Check(left, {"losses.structure.input_size=480"}), IsOk());
  EXPECT_THAT(Check(left, {"losses.structure.input_size=464"}),
              StatusIs(StatusCode::kFailedPrecondition,
                       HasSubstr("losses.structure.input_size")));
  left.mutable_config()->mutable_data()->set_width(96);
  EXPECT_THAT(Check(left, {"data.width=96", "losses.structure.input_size=480"}),
              StatusIs(StatusCode::kFailedPrecondition,
                       HasSubstr("losses.structure.input_size")));
}

TEST(CheckSameConfig, NamesWhatMakesAnotherRunOfIt) {
  struct {
    const char* change;
    const char* field;
  } const kCases[] = {{"training.seed=12345", "training.seed"},
                      {"training.learning_rate=0.5", "training.learning_rate"},
                      {"losses.warp=3", "losses.warp"},
                      {"model.num_transforms=3", "model.num_transforms"},
                      {"data.repeats=9", "data.repeats"}};
  for (const auto& [change, field] : kCases) {
    const absl::Status status = Check(Left(), {change});
    EXPECT_THAT(status, StatusIs(StatusCode::kFailedPrecondition,
                                 AllOf(HasSubstr("runs/a holds a run"),
                                       HasSubstr(field), Not(HasSubstr("--")))))
        << change;
    EXPECT_TRUE(IsConfigMismatch(status)) << change;
  }
}

// A step sees the same pairs, however they are dealt out.
TEST(CheckSameConfig, LetsTheSamePairsBeDealtOutInAnotherWay) {
  const CheckpointState left =
      Left({"training.batch_size=4", "training.accumulation=3"});
  EXPECT_THAT(
      Check(left, {"training.batch_size=12", "training.accumulation=1"}),
      IsOk());
  EXPECT_THAT(
      Check(left, {"training.batch_size=2", "training.accumulation=1"}, 6),
      IsOk());
  // More processes with the same config see more; that is theirs to decide.
  EXPECT_THAT(
      Check(left, {"training.batch_size=4", "training.accumulation=3"}, 2),
      IsOk());
  EXPECT_THAT(Check(left, {"training.batch_size=5", "training.accumulation=3"}),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("12 -> 15")));
}

TEST(IsConfigMismatch, IsNoOtherError) {
  EXPECT_FALSE(IsConfigMismatch(absl::OkStatus()));
  EXPECT_FALSE(IsConfigMismatch(absl::FailedPreconditionError("another")));
}

}  // namespace
}  // namespace pipelines
