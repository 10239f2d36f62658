// What `train --avd` leaves: the checkpoint as it was, and the network.
#include "pipelines/avd/train_avd.h"

#include <torch/types.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/avd.h"
#include "networks/files/file_lock.h"
#include "networks/files/testing_folder.h"
#include "networks/weights/safetensors.h"
#include "pipelines/base/work_hooks.h"
#include "pipelines/checkpoint/checkpoint.h"
#include "pipelines/media/video_test_util.h"
#include "pipelines/testing/scoped_environment.h"
#include "pipelines/testing/testing_config.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using ::networks::files::ReadText;

class TrainAvdTest : public testing::Test {
 protected:
  const ScopedCacheFolder cache_;

  void SetUp() override {
    path_ = testing::TempDir() + "/step-000000001.safetensors";
    const Config config = *TinyConfig();
    const auto model = *AnimationModel::Create(config.model());
    CheckpointState state;
    *state.mutable_config() = config;
    Adam adam(*model, {});
    ASSERT_THAT(SaveCheckpoint(path_, {model.get(), &adam, nullptr}, state),
                IsOk());
  }

  networks::weights::SafetensorsFile Open() const {
    return *networks::weights::SafetensorsFile::Open(path_);
  }

  std::string path_;
};

TEST_F(TrainAvdTest, AddsTheNetworkAndLeavesTheRest) {
  EXPECT_FALSE(LoadTrainedModel(path_, torch::kCPU)->avd);
  // Copies: the file that the tensors are mapped from is replaced.
  networks::weights::TensorMap before = *Open().tensors();
  for (auto& [name, tensor] : before) tensor = tensor.clone();
  TrainAvdOptions options;
  options.checkpoint = path_;
  options.adjust = [](Config* config) {
    config->mutable_avd()->set_steps(2);
    config->mutable_avd()->set_batch_size(4);
    config->mutable_avd()->set_pose_bottleneck(7);
    return absl::OkStatus();
  };
  // Again in place of the first.
  for (int i = 0; i < 2; ++i) ASSERT_THAT(TrainAvd(options), IsOk());

  const auto trained = LoadTrainedModel(path_, torch::kCPU);
  ASSERT_THAT(trained, IsOk());
  ASSERT_TRUE(trained->avd);
  networks::AvdNetwork avd = trained->avd;
  EXPECT_FALSE(avd->is_training());
  const torch::Tensor keypoints = torch::rand({3, 10, 2});
  EXPECT_EQ(avd(keypoints, keypoints).sizes(), keypoints.sizes());
  EXPECT_EQ(avd->named_parameters()["pose_encoder.9.weight"].size(0), 7);
  const auto file = Open();
  for (const auto& [name, tensor] : before) {
    EXPECT_TRUE(torch::equal(*file.tensor(name), tensor)) << name;
  }
}

TEST_F(TrainAvdTest, ReturnsTheErrorOfWhoAdjustsTheConfig) {
  TrainAvdOptions options;
  options.checkpoint = path_;
  options.adjust = [](Config*) {
    return absl::InvalidArgumentError("avd.random_scale is 1");
  };
  EXPECT_THAT(TrainAvd(options),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       testing::HasSubstr("avd.random_scale is 1")));
}

// Damage that shows only when the clip is read.
TEST_F(TrainAvdTest, GoesOnWithoutAClipThatIsDamagedInside) {
  const std::string clips = networks::files::FreshTestFolder();
  std::filesystem::create_directories(clips + "/train");
  for (const char* name : {"a", "b", "broken"}) {
    media::WriteNumberedVideo(absl::StrCat(clips, "/train/", name, ".mp4"),
                              cv::Size(32, 32), 60);
  }
  media::DamageInside(clips + "/train/broken.mp4");
  TrainAvdOptions options;
  options.checkpoint = path_;
  std::vector<std::string> warnings;
  options.hooks.warn = [&](const std::string& sentence) {
    warnings.push_back(sentence);
  };
  double max_bad_share = 0.5;
  options.adjust = [&](Config* config) {
    config->mutable_data()->set_folder(clips);
    config->mutable_data()->set_max_bad_share(max_bad_share);
    config->mutable_avd()->set_steps(1);
    config->mutable_avd()->set_batch_size(2);
    return absl::OkStatus();
  };
  ASSERT_THAT(TrainAvd(options), IsOk());
  EXPECT_THAT(warnings, testing::ElementsAre(
                            testing::AllOf(testing::StartsWith("left out "),
                                           testing::HasSubstr("broken.mp4"))));
  max_bad_share = 0.3;
  EXPECT_THAT(TrainAvd(options),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       testing::HasSubstr("data.max_bad_share")));
}

TEST_F(TrainAvdTest, StopsWhenAskedToAndLeavesTheCheckpoint) {
  const std::string before = ReadText(path_);
  TrainAvdOptions options;
  options.checkpoint = path_;
  options.hooks.stop = [] { return true; };
  EXPECT_THAT(TrainAvd(options),
              StatusIs(absl::StatusCode::kCancelled, testing::_));
  EXPECT_TRUE(ReadText(path_) == before);
}

// As a run that goes on does with its best checkpoint.
TEST_F(TrainAvdTest, GivesNoOtherModelTheNetwork) {
  const std::string other = testing::TempDir() + "/other.safetensors";
  TrainAvdOptions options;
  options.checkpoint = path_;
  options.adjust = [](Config* config) {
    config->mutable_avd()->set_steps(2);
    config->mutable_avd()->set_batch_size(4);
    return absl::OkStatus();
  };
  options.hooks.progress = [&](const WorkProgress& progress) {
    if (progress.stage != "avd") return;
    std::ofstream(other) << "another model";
    std::filesystem::rename(other, path_);
  };
  EXPECT_THAT(TrainAvd(options),
              StatusIs(absl::StatusCode::kAborted,
                       testing::HasSubstr("use a copy of it")));
  EXPECT_EQ(ReadText(path_), "another model");
}

TEST_F(TrainAvdTest, WaitsForNoRunThatTrainsInTheFolder) {
  const std::string run = testing::TempDir() + "/run";
  std::filesystem::create_directories(run + "/checkpoints");
  TrainAvdOptions options;
  options.checkpoint = run + "/checkpoints/best.safetensors";
  std::filesystem::copy_file(path_, options.checkpoint);
  options.hooks.stop = [] { return true; };
  auto lock = networks::files::FileLock::Take(run + "/lock");
  ASSERT_THAT(lock, IsOk());
  EXPECT_THAT(TrainAvd(options),
              StatusIs(absl::StatusCode::kUnavailable,
                       testing::HasSubstr("training in its run's folder")));
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(run + "/checkpoints");
  TrainAvdOptions inside = options;
  inside.checkpoint = "best.safetensors";
  EXPECT_THAT(TrainAvd(inside),
              StatusIs(absl::StatusCode::kUnavailable, testing::_));
  std::filesystem::current_path(before);
  lock = absl::CancelledError();
  EXPECT_THAT(TrainAvd(options),
              StatusIs(absl::StatusCode::kCancelled, testing::_));
}

// Whoever writes a file anew gives it a checksum that matches.
TEST_F(TrainAvdTest, DoesNotHideDamage) {
  std::string text = ReadText(path_);
  text[text.size() / 2] ^= 1;
  std::ofstream(path_, std::ios::binary) << text;
  const networks::AvdNetwork avd(networks::AvdOptions{});
  EXPECT_THAT(SaveAvd(Open(), *avd),
              StatusIs(absl::StatusCode::kDataLoss, testing::_));
  EXPECT_TRUE(ReadText(path_) == text);
}

}  // namespace
}  // namespace pipelines
