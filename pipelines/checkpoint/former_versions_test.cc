// Stored checkpoints of versions 1 and 2 mean what they meant to the programs
// that wrote them.
#include "pipelines/checkpoint/former_versions.h"

#include <string>

#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"
#include "pipelines/checkpoint/checkpoint.h"
#include "pipelines/config/resolve.h"
#include "pipelines/pretrained/pretrained.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

constexpr char kVersion1[] =
    "pipelines/checkpoint/testdata/version1.safetensors";
constexpr char kVersion2[] =
    "pipelines/checkpoint/testdata/version2.safetensors";

constexpr char kVersion2Puppets[] =
    "pipelines/checkpoint/testdata/version2_puppets.safetensors";

CheckpointState Read(const std::string& path) {
  const auto state = ReadCheckpointState(path);
  EXPECT_THAT(state, IsOk());
  return state.ok() ? *state : CheckpointState();
}

// Today's defaults are a length of 1 for local transforms and a gradient of 3.
TEST(FormerVersions, Version1HasThePriorOfItsTime) {
  const CheckpointState state = Read(kVersion1);
  EXPECT_EQ(state.version(), 1);
  EXPECT_EQ(state.step(), 240);
  const ModelConfig& model = state.config().model();
  for (const MotionConfig& motion : {model.local(), model.global()}) {
    EXPECT_EQ(motion.cpab().prior_length(), 0.3);
    EXPECT_EQ(motion.cpab().prior_gradient(), 0.3);
    EXPECT_EQ(motion.cpab().tension(), 8);
    EXPECT_EQ(motion.cpab().keypoint_noise(), 2e-4);
  }
  EXPECT_EQ(model.local().cpab().cells_x(), 4);
  EXPECT_EQ(model.global().cpab().cells_x(), 6);
  EXPECT_EQ(model.gradient(), ModelConfig::IMPLICIT);  // then in local_cpab
}

TEST(FormerVersions, Version2HasItsMotionModel) {
  const CheckpointState state = Read(kVersion2);
  EXPECT_EQ(state.version(), 2);
  const ModelConfig& model = state.config().model();
  for (const MotionConfig& motion : {model.local(), model.global()}) {
    EXPECT_EQ(motion.thin_plate().bending_ridge(), 0.02);
    EXPECT_EQ(motion.thin_plate().affine_ridge(), 1e-4);
  }
  EXPECT_FALSE(model.has_motion());
  EXPECT_FALSE(model.has_local_cpab());
}

// What was shipped once.
TEST(FormerVersions, Version2HasItsFit) {
  const CheckpointState state = Read(kVersion2Puppets);
  EXPECT_EQ(state.version(), 2);
  const ModelConfig& model = state.config().model();
  EXPECT_EQ(model.local().cpab().prior_length(), 1);
  EXPECT_EQ(model.global().cpab().prior_length(), 0.3);
  EXPECT_EQ(model.local().cpab().prior_gradient(), 3);
  EXPECT_EQ(model.local().cpab().tension(), 8);
  EXPECT_EQ(model.global().cpab().cells_y(), 6);
  EXPECT_TRUE(model.dense_motion().blend_at_full_size());
}

// Once upgraded, no later change of a default can change what they mean.
TEST(FormerVersions, NothingIsLeftToDefaults) {
  for (const std::string& path :
       {std::string(kVersion1), std::string(kVersion2),
        std::string(kVersion2Puppets), PretrainedCheckpoint()}) {
    const Config config = Read(path).config();
    Config resolved = config;
    ResolveDefaults(&resolved);
    EXPECT_TRUE(
        google::protobuf::util::MessageDifferencer::Equals(config, resolved))
        << path
        << " does not say each field; tools:slim_checkpoint writes it again";
  }
}

TEST(UpgradeConfig, LeavesWhatIsSet) {
  Config config;
  config.mutable_model()->mutable_local_cpab()->set_prior_length(2);
  UpgradeConfig(&config);
  EXPECT_EQ(config.model().local().cpab().prior_length(), 2);
  EXPECT_EQ(config.model().local().cpab().prior_gradient(), 0.3);
  EXPECT_EQ(config.model().global().cpab().cells_x(), 4);
}

}  // namespace
}  // namespace pipelines
