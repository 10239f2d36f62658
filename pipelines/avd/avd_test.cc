// The AVD network learns to tell shape from pose.
#include "networks/avd.h"

#include <ATen/CPUGeneratorImpl.h>
#include <torch/torch.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "networks/weights/safetensors.h"
#include "pipelines/avd/avd_training.h"
#include "pipelines/avd/keypoint_bank.h"
#include "pipelines/avd/train_avd.h"
#include "pipelines/checkpoint/checkpoint.h"
#include "pipelines/testing/scoped_environment.h"
#include "pipelines/testing/testing_config.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using ::networks::files::ReadText;

torch::Generator Generator(uint64_t seed) {
  return at::make_generator<at::CPUGeneratorImpl>(seed);
}

// Figures of their own width and height, that swing: [F, 10, 2] each.
std::vector<torch::Tensor> Figures(int count, int frames) {
  torch::manual_seed(5);
  const torch::Tensor rest = torch::rand({1, 10, 2}) - 0.5;
  const torch::Tensor swing = torch::rand({1, 10, 2}) - 0.5;
  std::vector<torch::Tensor> clips;
  for (int i = 0; i < count; ++i) {
    const torch::Tensor size = 0.7 + 0.6 * torch::rand({1, 1, 2});
    const torch::Tensor phase =
        torch::linspace(0, 6, frames).view({frames, 1, 1});
    clips.push_back((rest + 0.4 * torch::sin(phase) * swing) * size);
  }
  return clips;
}

AvdConfig SmallConfig() {
  AvdConfig config;
  config.set_steps(150);
  config.set_batch_size(64);
  return config;
}

networks::AvdNetwork SmallNetwork() {
  torch::manual_seed(1);
  networks::AvdOptions options;
  options.num_transforms = 2;
  options.identity_bottleneck = 16;
  options.pose_bottleneck = 16;
  return networks::AvdNetwork(options);
}

TEST(KeypointBank, DrawsBothFramesFromOneClip) {
  // Every keypoint of clip c has the value c.
  const KeypointBank bank({torch::zeros({3, 2, 2}), torch::ones({1, 2, 2}),
                           2 * torch::ones({7, 2, 2})});
  EXPECT_EQ(bank.num_clips(), 3);
  const KeypointPair pair = bank.Draw(3000, Generator(1));
  EXPECT_TRUE(torch::equal(pair.source, pair.driving));
  for (const double clip : {0, 1, 2}) {
    // A third of them, whatever a clip's length; 5 deviations of a binomial.
    const double drawn =
        (pair.source.select(1, 0).select(1, 0) == clip).sum().item<double>();
    EXPECT_NEAR(drawn, 1000, 130) << clip;
  }
}

TEST(KeypointBank, DrawsEveryFrame) {
  const torch::Tensor clip =
      torch::arange(4.0).view({4, 1, 1}).expand({4, 1, 2});
  const KeypointPair pair = KeypointBank({clip}).Draw(200, Generator(2));
  for (const torch::Tensor& drawn : {pair.source, pair.driving}) {
    EXPECT_EQ(std::get<0>(torch::_unique2(drawn)).size(0), 4);
  }
  EXPECT_FALSE(torch::equal(pair.source, pair.driving));
}

TEST(Stretch, MultipliesEachAxisOfEachSetByOneFactor) {
  const torch::Tensor keypoints = torch::rand({500, 6, 2}) + 0.1;
  const torch::Tensor factor =
      Stretch(keypoints, 0.25, Generator(3)) / keypoints;
  // One factor for all keypoints of a set, up to rounding.
  EXPECT_LT((factor - factor.slice(1, 0, 1)).abs().max().item<float>(), 1e-5);
  EXPECT_GE(factor.min().item<float>(), 0.75 - 1e-5);
  EXPECT_LE(factor.max().item<float>(), 1.25 + 1e-5);
  EXPECT_NEAR(factor.std().item<float>(), 0.25 / std::sqrt(3), 0.02);
}

TEST(FitAvd, UndoesTheStretchByKnowingTheFigure) {
  const KeypointBank bank(Figures(20, 30));
  networks::AvdNetwork avd = SmallNetwork();
  double last = 0;
  ASSERT_THAT(FitAvd(bank, SmallConfig(), 7, avd,
                     [&](int64_t, double loss) { last = loss; }),
              IsOk());
  const KeypointPair pair = bank.Draw(256, Generator(99));
  const torch::Tensor stretched = Stretch(pair.driving, 0.25, Generator(98));
  const torch::NoGradGuard no_grad;
  const double untouched =
      (stretched - pair.driving).abs().mean().item<double>();
  const double restored =
      (avd(pair.source, stretched) - pair.driving).abs().mean().item<double>();
  // Without knowing the figure, no better than half could be undone.
  EXPECT_LT(restored, 0.5 * untouched);
  EXPECT_FALSE(avd->is_training());
}

TEST(FitAvd, DependsOnTheSeedOnly) {
  const KeypointBank bank(Figures(4, 10));
  AvdConfig config = SmallConfig();
  config.set_steps(3);
  const auto train = [&](uint64_t seed) {
    networks::AvdNetwork avd = SmallNetwork();
    EXPECT_THAT(FitAvd(bank, config, seed, avd), IsOk());
    return torch::cat({avd->parameters()[0].flatten(),
                       avd->parameters().back().flatten()})
        .detach();
  };
  EXPECT_TRUE(torch::equal(train(1), train(1)));
  EXPECT_FALSE(torch::equal(train(1), train(2)));
}

// What `train --avd` leaves: the checkpoint as it was, and the network.
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

TEST_F(TrainAvdTest, StopsWhenAskedToAndLeavesTheCheckpoint) {
  const std::string before = ReadText(path_);
  TrainAvdOptions options;
  options.checkpoint = path_;
  options.hooks.stop = [] { return true; };
  EXPECT_THAT(TrainAvd(options),
              StatusIs(absl::StatusCode::kCancelled, testing::_));
  EXPECT_TRUE(ReadText(path_) == before);
}

// Whoever writes a file anew gives it a checksum that matches.
TEST_F(TrainAvdTest, DoesNotHideDamage) {
  std::string text = ReadText(path_);
  text[text.size() / 2] ^= 1;
  std::ofstream(path_, std::ios::binary) << text;
  const networks::AvdNetwork avd(networks::AvdOptions{});
  EXPECT_THAT(SaveAvd(path_, *avd),
              StatusIs(absl::StatusCode::kDataLoss, testing::_));
  EXPECT_TRUE(ReadText(path_) == text);
}

}  // namespace
}  // namespace pipelines
