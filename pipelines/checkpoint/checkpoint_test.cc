#include "pipelines/checkpoint/checkpoint.h"

#include <torch/types.h>

#include <filesystem>

#include "gmock/gmock.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"
#include "networks/dense_motion.h"
#include "networks/files/testing_folder.h"
#include "pipelines/checkpoint/checkpoint_test_util.h"
#include "pipelines/config/resolve.h"
#include "pipelines/testing/testing_config.h"
#include "pipelines/training/initial_weights.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

namespace fs = std::filesystem;
using ::absl::StatusCode;
using ::networks::files::ReadText;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<torch::Tensor> Weights(const AnimationModel& model) {
  std::vector<torch::Tensor> copies;
  for (const torch::Tensor& p : model.parameters()) {
    copies.push_back(p.detach().clone());
  }
  return copies;
}

TEST_F(CheckpointTest, BringsBackEverythingToTheBit) {
  Training saved(1);
  Training other(2);
  ASSERT_THAT(SaveCheckpoint(path_, saved.learnt(), saved.State(3)), IsOk());
  const auto checkpoint = Checkpoint::Open(path_);
  ASSERT_THAT(checkpoint, IsOk());
  EXPECT_EQ(checkpoint->state().step(), 3);
  ASSERT_THAT(checkpoint->Restore(other.learnt()), IsOk());
  ExpectSame(saved.learnt(), other.learnt());
}

// So that it means the same to a program with other defaults.
TEST_F(CheckpointTest, StatesEveryFieldOfItsConfig) {
  Training saved(1);
  ASSERT_THAT(SaveCheckpoint(path_, saved.learnt(), saved.State(3)), IsOk());
  const auto state = ReadCheckpointState(path_);
  ASSERT_THAT(state, IsOk());
  EXPECT_EQ(state->version(), 3);
  EXPECT_TRUE(state->config().training().has_learning_rate());
  Config resolved = saved.config;
  ResolveDefaults(&resolved);
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(
      state->config(), resolved));
}

TEST_F(CheckpointTest, IsUsedWithItsAveragedWeights) {
  Training saved(1);
  ASSERT_THAT(SaveCheckpoint(path_, saved.learnt(), saved.State(3)), IsOk());
  const auto trained = LoadTrainedModel(path_, torch::kCPU);
  ASSERT_THAT(trained, IsOk());
  ASSERT_TRUE(trained->state.has_value());
  EXPECT_EQ(trained->state->step(), 3);
  const auto averages = saved.average->State();
  for (const auto& item : trained->model->named_parameters()) {
    EXPECT_TRUE(torch::equal(item.value(), averages.at(item.key())))
        << item.key();
  }
}

// As the version before checksums and averages wrote it.
TEST_F(CheckpointTest, ReadsVersion1) {
  Training saved(1);
  CheckpointState state = saved.State(3);
  state.set_version(1);
  ASSERT_THAT(networks::weights::WriteSafetensors(
                  path_, TensorsOf({saved.model.get(), &*saved.adam}),
                  {{"state", state.DebugString()}}),
              IsOk());
  Training other(2);
  const auto checkpoint = Checkpoint::Open(path_);
  ASSERT_THAT(checkpoint, IsOk());
  EXPECT_THAT(checkpoint->Restore({other.model.get(), &*other.adam}), IsOk());
  ExpectSame({saved.model.get(), &*saved.adam},
             {other.model.get(), &*other.adam});
}

TEST_F(CheckpointTest, NamesTheFirstTensorOfAnotherArchitecture) {
  Training saved(1);
  ASSERT_THAT(SaveCheckpoint(path_, saved.learnt(), saved.State(3)), IsOk());
  Training wider(2, {"model.detector.width=16"});
  const std::vector<torch::Tensor> before = Weights(*wider.model);
  EXPECT_THAT(Checkpoint::Open(path_)->Restore({wider.model.get()}),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr(path_), HasSubstr("bg_predictor"),
                             HasSubstr("[8]"), HasSubstr("[16]"))));
  EXPECT_FALSE(Checkpoint::Open(path_)->Restore(wider.learnt()).ok());
  const std::vector<torch::Tensor> after = Weights(*wider.model);
  for (size_t i = 0; i < before.size(); ++i) {
    EXPECT_TRUE(torch::equal(before[i], after[i]));
  }
}

TEST_F(CheckpointTest, RefusesAFileThatIsNone) {
  const std::string path = folder_ + "/other.safetensors";
  ASSERT_THAT(
      networks::weights::WriteSafetensors(path, {{"x", torch::zeros({2})}}),
      IsOk());
  EXPECT_THAT(Checkpoint::Open(path),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("no checkpoint of a training run")));
}

// safetensors_test flips every bit of a small file; here bits all over a real
// checkpoint, and lengths.
TEST_F(CheckpointTest, IsNotReadWhereABitIsFlippedOrTheEndIsCutOff) {
  Training saved(1);
  ASSERT_THAT(SaveCheckpoint(path_, saved.learnt(), saved.State(3)), IsOk());
  const std::string whole = ReadText(path_);
  const std::string damaged = folder_ + "/damaged.safetensors";
  constexpr size_t kPlaces = 100;
  for (size_t i = 0; i < kPlaces; ++i) {
    const size_t place = i * (whole.size() - 1) / (kPlaces - 1);
    std::string flipped = whole;
    flipped[place] = static_cast<char>(flipped[place] ^ (1 << (i % 8)));
    WriteText(damaged, flipped);
    EXPECT_FALSE(Checkpoint::Open(damaged).ok()) << "byte " << place;
    WriteText(damaged, whole.substr(0, place));
    EXPECT_FALSE(Checkpoint::Open(damaged).ok()) << place << " bytes";
  }
}

// The name by which the checksum is known is damaged.
TEST_F(CheckpointTest, SaysThatItWasCutShortWhileItWasRead) {
  Training training(1);
  ASSERT_THAT(SaveCheckpoint(path_, training.learnt(), training.State(3)),
              IsOk());
  const absl::StatusOr<Checkpoint> checkpoint = Checkpoint::Open(path_);
  ASSERT_THAT(checkpoint, IsOk());
  fs::resize_file(path_, fs::file_size(path_) / 2);
  // No DataLoss: that would have the store set it aside.
  const auto is_unavailable =
      StatusIs(StatusCode::kUnavailable, HasSubstr(path_));
  EXPECT_THAT(checkpoint->LoadInto(training.model.get()), is_unavailable);
  EXPECT_THAT(checkpoint->Restore(training.learnt()), is_unavailable);
}

TEST_F(CheckpointTest, MissesAChecksumThatIsNotFound) {
  Training saved(1);
  ASSERT_THAT(SaveCheckpoint(path_, saved.learnt(), saved.State(3)), IsOk());
  std::string text = ReadText(path_);
  text.replace(text.find("__sha256__"), 10, "__sha257__");
  WriteText(path_, text);
  EXPECT_THAT(Checkpoint::Open(path_),
              StatusIs(StatusCode::kDataLoss, HasSubstr("checksum")));
}

TEST_F(CheckpointTest, InitialWeightsAreTakenFromACheckpoint) {
  Training saved(1);
  ASSERT_THAT(SaveCheckpoint(path_, saved.learnt(), saved.State(3)), IsOk());
  Training other(2, {"model.inpainting.block_expansion=16"});
  const auto report = LoadInitialWeights(path_, other.model.get());
  ASSERT_THAT(report, IsOk());
  EXPECT_TRUE(report->missing.empty());
  EXPECT_TRUE(report->unexpected.empty());
  ASSERT_FALSE(report->mismatched.empty());
  EXPECT_THAT(report->mismatched[0].key, HasSubstr("inpainting_network"));
  const auto averages = saved.average->State();
  const std::string name = "kp_detector.fg_encoder.conv1.weight";
  EXPECT_TRUE(
      torch::equal(other.model->named_parameters()[name], averages.at(name)));
  EXPECT_THAT(ReportText(path_, *report),
              AllOf(HasSubstr(path_), HasSubstr("  " + name),
                    HasSubstr("the model's is")));
}

TEST_F(CheckpointTest, InitialWeightsMayHaveTheOriginalsNames) {
  Training saved(1);
  networks::weights::TensorMap tensors =
      networks::weights::StateDict(*saved.model);
  tensors["optimizer.state.0.exp_avg"] = torch::ones({3});
  tensors["something.else"] = torch::ones({3});
  ASSERT_THAT(networks::weights::WriteSafetensors(path_, tensors), IsOk());
  Training other(2);
  const auto report = LoadInitialWeights(path_, other.model.get());
  ASSERT_THAT(report, IsOk());
  EXPECT_THAT(report->unexpected, ElementsAre("something.else"));
  EXPECT_TRUE(report->missing.empty());
}

// Training would begin at random. Counts of batches fit a model of any width.
TEST_F(CheckpointTest, InitialWeightsOfOtherModelsAreRefused) {
  Training other(2);
  const auto refuses = [&](const networks::weights::TensorMap& tensors,
                           const std::string& name) {
    ASSERT_THAT(networks::weights::WriteSafetensors(path_, tensors), IsOk());
    EXPECT_THAT(LoadInitialWeights(path_, other.model.get()),
                StatusIs(StatusCode::kInvalidArgument,
                         AllOf(HasSubstr(path_), HasSubstr(name))));
  };
  refuses({{"layer1.0.conv1.weight", torch::ones({3})}},
          "1 unexpected: layer1.0.conv1.weight");
  networks::weights::TensorMap wider =
      networks::weights::StateDict(*other.model);
  for (auto& [name, tensor] : wider) {
    if (tensor.dim() > 0) tensor = torch::ones({7, 7, 7});
  }
  refuses(wider, "is [7, 7, 7] Float, the model's is [");
}

TEST_F(CheckpointTest, DamagedInitialWeightsAreRefused) {
  Training saved(1);
  ASSERT_THAT(SaveCheckpoint(path_, saved.learnt(), saved.State(3)), IsOk());
  std::string text = ReadText(path_);
  text[text.size() / 2] ^= 4;
  WriteText(path_, text);
  EXPECT_THAT(LoadInitialWeights(path_, saved.model.get()),
              StatusIs(StatusCode::kDataLoss, HasSubstr(path_)));
}

TEST(AnimationModel, FreezesPartsByName) {
  auto model = *AnimationModel::Create(TinyConfig()->model());
  ASSERT_THAT(model->Freeze({"kp_detector", "inpainting_network.first"}),
              IsOk());
  model->train();
  for (const auto& item : model->named_parameters()) {
    const bool frozen = item.key().rfind("kp_detector.", 0) == 0 ||
                        item.key().rfind("inpainting_network.first.", 0) == 0;
    EXPECT_EQ(item.value().requires_grad(), !frozen) << item.key();
  }
  EXPECT_FALSE(model->parts().detector.is_training());
  EXPECT_TRUE(model->parts().dense_motion->is_training());
}

TEST(AnimationModel, NamesAFrozenPartThatIsNotThere) {
  auto model = *AnimationModel::Create(TinyConfig()->model());
  EXPECT_THAT(model->Freeze({"kp_detec"}),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("kp_detec"), HasSubstr("kp_detector"))));
}

}  // namespace
}  // namespace pipelines
