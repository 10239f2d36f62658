#include "pipelines/checkpoint/checkpoint.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <torch/torch.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "pipelines/checkpoint/checkpoint_store.h"
#include "pipelines/config/resolve.h"
#include "pipelines/testing/scoped_environment.h"
#include "pipelines/testing/testing_child.h"
#include "pipelines/testing/testing_config.h"
#include "pipelines/training/initial_weights.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

namespace fs = std::filesystem;
using ::absl::StatusCode;
using ::networks::files::FreshTestFolder;
using ::networks::files::ReadText;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

void WriteText(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

std::vector<torch::Tensor> Weights(const AnimationModel& model) {
  std::vector<torch::Tensor> copies;
  for (const torch::Tensor& p : model.parameters()) {
    copies.push_back(p.detach().clone());
  }
  return copies;
}

// A training with something in every part of it.
struct Training {
  explicit Training(int seed, const std::vector<std::string>& overrides = {})
      : config(*TinyConfig(overrides)) {
    torch::manual_seed(seed);
    model = *AnimationModel::Create(config.model());
    adam.emplace(*model, AdamOptions());
    average.emplace(*model, 0.5);
    for (const torch::Tensor& p : model->parameters()) {
      p.mutable_grad() = torch::rand_like(p);
    }
    adam->Step(1e-2);
    average->Update(1);
  }

  Learnt learnt() { return {model.get(), &*adam, &*average}; }

  CheckpointState State(int64_t step) const {
    CheckpointState state;
    *state.mutable_config() = config;
    state.set_step(step);
    return state;
  }

  Config config;
  std::shared_ptr<AnimationModel> model;
  std::optional<Adam> adam;
  std::optional<WeightAverage> average;
};

void ExpectSame(const Learnt& a, const Learnt& b) {
  const auto tensors_a = TensorsOf(a);
  const auto tensors_b = TensorsOf(b);
  ASSERT_EQ(tensors_a.size(), tensors_b.size());
  for (const auto& [name, tensor] : tensors_a) {
    ASSERT_EQ(tensors_b.count(name), 1u) << name;
    EXPECT_TRUE(torch::equal(tensor, tensors_b.at(name))) << name;
  }
}

// Every file of a folder by its name.
std::map<std::string, std::string> ContentsOf(const std::string& folder) {
  std::map<std::string, std::string> contents;
  for (const auto& entry : fs::directory_iterator(folder)) {
    contents[entry.path().filename()] = ReadText(entry.path());
  }
  return contents;
}

class CheckpointTest : public testing::Test {
 protected:
  const ScopedCacheFolder cache_;

  void SetUp() override {
    torch::set_num_threads(1);
    folder_ = FreshTestFolder();
    fs::create_directories(folder_);
    path_ = folder_ + "/" + CheckpointName(3);
  }

  static absl::Status Accept(const CheckpointState&) {
    return absl::OkStatus();
  }

  std::string folder_;
  std::string path_;
};

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

TEST_F(CheckpointTest, StoreTakesTheOlderOneWhereTheNewestIsDamaged) {
  Training saved(1);
  const CheckpointStore store(folder_, 3);
  ASSERT_THAT(store.Save(saved.learnt(), saved.State(2)), IsOk());
  ASSERT_THAT(store.Save(saved.learnt(), saved.State(3)), IsOk());
  std::string text = ReadText(path_);
  text[text.size() / 2] ^= 1;
  WriteText(path_, text);
  Training other(2);
  const auto state = store.Restore(Accept, other.learnt());
  ASSERT_THAT(state, IsOk());
  ASSERT_TRUE(state->has_value());
  EXPECT_EQ((*state)->step(), 2);
  ExpectSame(saved.learnt(), other.learnt());
  EXPECT_TRUE(fs::exists(path_ + ".unreadable"));
  EXPECT_FALSE(fs::exists(path_));
}

// As the one above, but the reason is none that another look could not mend.
// EACCES, and ELOOP, which stops root, too.
TEST_F(CheckpointTest, StoreStopsAtOneThatCannotBeOpened) {
  Training saved(1);
  const CheckpointStore store(folder_, 3);
  ASSERT_THAT(store.Save(saved.learnt(), saved.State(2)), IsOk());
  ASSERT_THAT(store.Save(saved.learnt(), saved.State(3)), IsOk());
  chmod(path_.c_str(), 0);
  ExpectInChild([&] {
    DropCapabilities();
    const absl::Status status = store.Restore(Accept, saved.learnt()).status();
    std::fprintf(stderr, "%s\n", status.ToString().c_str());
    return absl::IsPermissionDenied(status) &&
           status.ToString().find(path_) != std::string::npos &&
           status.ToString().find("make this file readable") !=
               std::string::npos;
  });
  EXPECT_TRUE(fs::exists(path_));

  fs::remove(path_);
  fs::create_symlink(path_, path_);
  EXPECT_THAT(store.Restore(Accept, saved.learnt()).status().message(),
              AllOf(HasSubstr(path_), HasSubstr("symbolic links"),
                    HasSubstr("make this file readable")));
  EXPECT_TRUE(fs::is_symlink(path_));
}

// It has a field that this version does not know, as a later one may.
TEST_F(CheckpointTest, StoreStopsAtALaterVersionAndNamesBoth) {
  Training saved(1);
  const CheckpointStore store(folder_, 3);
  ASSERT_THAT(store.Save(saved.learnt(), saved.State(2)), IsOk());
  CheckpointState state = saved.State(3);
  state.set_version(kCheckpointVersion + 1);
  ASSERT_THAT(
      networks::weights::WriteSafetensors(
          path_, TensorsOf(saved.learnt()),
          {{"state", state.DebugString() + "a_field_of_the_future: 1\n"}},
          networks::weights::Checksum::kSha256),
      IsOk());
  const auto before = ContentsOf(folder_);
  EXPECT_THAT(
      store.Restore(Accept, saved.learnt()),
      StatusIs(StatusCode::kFailedPrecondition,
               AllOf(HasSubstr(path_),
                     HasSubstr(absl::StrCat("version ", kCheckpointVersion + 1,
                                            "; this program reads versions 1 "
                                            "to ",
                                            kCheckpointVersion)))));
  EXPECT_TRUE(ContentsOf(folder_) == before);
}

TEST_F(CheckpointTest, StoreStopsAtOneThatDoesNotFit) {
  Training saved(1);
  const CheckpointStore store(folder_, 3);
  ASSERT_THAT(store.Save(saved.learnt(), saved.State(3)), IsOk());
  const auto before = ContentsOf(folder_);
  Training wider(2, {"model.detector.width=16"});
  EXPECT_THAT(store.Restore(Accept, wider.learnt()),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr(path_)));
  EXPECT_TRUE(ContentsOf(folder_) == before);
}

TEST_F(CheckpointTest, StoreStopsWhereNoneIsReadable) {
  Training saved(1);
  const CheckpointStore store(folder_, 3);
  for (const int step : {2, 3}) {
    ASSERT_THAT(store.Save(saved.learnt(), saved.State(step)), IsOk());
    const std::string path = folder_ + "/" + CheckpointName(step);
    fs::resize_file(path, fs::file_size(path) / step);
  }
  const auto before = ContentsOf(folder_);
  EXPECT_THAT(store.Restore(Accept, saved.learnt()),
              StatusIs(StatusCode::kDataLoss,
                       AllOf(HasSubstr(folder_), HasSubstr("none of 2"),
                             HasSubstr("to begin anew"))));
  EXPECT_TRUE(ContentsOf(folder_) == before);
}

TEST_F(CheckpointTest, StoreStopsWhereOnlyTheBestIsLeft) {
  Training saved(1);
  const CheckpointStore store(folder_, 3);
  const auto nothing = store.Restore(Accept, saved.learnt());
  ASSERT_THAT(nothing.status(), IsOk());
  EXPECT_FALSE(nothing->has_value());
  ASSERT_THAT(store.Save(saved.learnt(), saved.State(3)), IsOk());
  ASSERT_THAT(store.MarkBest(3), IsOk());
  fs::remove(path_);
  EXPECT_THAT(store.Restore(Accept, saved.learnt()),
              StatusIs(StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("best.safetensors"),
                             HasSubstr("to begin anew"))));
}

TEST_F(CheckpointTest, StoreStopsWhereItsFolderCannotBeListed) {
  Training saved(1);
  const std::string file = folder_ + "/file";
  WriteText(file, "no folder");
  EXPECT_THAT(CheckpointStore(file, 3)
                  .Restore(Accept, saved.learnt())
                  .status()
                  .message(),
              AllOf(HasSubstr(file), HasSubstr("cannot list this folder")));
}

TEST_F(CheckpointTest, StoreLeavesNoLinkBesideABestOneThatStays) {
  Training saved(1);
  const CheckpointStore store(folder_, 3);
  ASSERT_THAT(store.Save(saved.learnt(), saved.State(3)), IsOk());
  ASSERT_THAT(store.MarkBest(3), IsOk());
  ASSERT_THAT(store.MarkBest(3), IsOk());
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 2);
}

TEST_F(CheckpointTest, StoreKeepsTheNewestAndTheBest) {
  Training saved(1);
  const CheckpointStore store(folder_, 2);
  for (const int step : {9, 10, 200, 1000}) {
    ASSERT_THAT(store.Save(saved.learnt(), saved.State(step)), IsOk());
    if (step == 9) {
      ASSERT_THAT(store.MarkBest(9), IsOk());
    }
  }
  EXPECT_THAT(ListCheckpoints(folder_),
              ElementsAre(folder_ + "/" + CheckpointName(1000),
                          folder_ + "/" + CheckpointName(200)));
  EXPECT_EQ(Checkpoint::Open(store.best())->state().step(), 9);
}

// Saves over what is there while `obstruct` holds, and expects an error that
// names the file and what was there to be whole.
void ExpectOldOneStaysWhole(const std::string& folder, const std::string& path,
                            const std::function<void()>& obstruct) {
  Training first(1);
  ASSERT_THAT(SaveCheckpoint(path, first.learnt(), first.State(3)), IsOk());
  const std::string before = ReadText(path);
  Training second(2);
  ExpectInChild([&] {
    obstruct();
    const absl::Status status =
        SaveCheckpoint(path, second.learnt(), second.State(3));
    std::fprintf(stderr, "%s\n", status.ToString().c_str());
    return !status.ok() && status.ToString().find(path) != std::string::npos;
  });
  EXPECT_EQ(ReadText(path), before);
  EXPECT_THAT(Checkpoint::Open(path), IsOk());
  // Nothing half-written stays, either.
  EXPECT_EQ(std::distance(fs::directory_iterator(folder), {}), 1);
}

// A limit on the size of files fails a write in the middle, as a full disk
// does; at several places in the file.
TEST_F(CheckpointTest, ADiskThatFillsUpLeavesTheOldOneWhole) {
  for (const rlim_t limit : {0, 1000, 100000, 1000000}) {
    ExpectOldOneStaysWhole(folder_, path_, [limit] {
      signal(SIGXFSZ, SIG_IGN);
      const rlimit sizes = {limit, limit};
      setrlimit(RLIMIT_FSIZE, &sizes);
    });
  }
}

TEST_F(CheckpointTest, SaysBeforeTheFirstStepThatTheDiskHasNoSpace) {
  Training training(1);
  const int64_t bytes = CheckpointBytes(training.learnt());
  ASSERT_THAT(SaveCheckpoint(path_, training.learnt(), training.State(3)),
              IsOk());
  EXPECT_LT(bytes, static_cast<int64_t>(fs::file_size(path_)));
  Adam unused(*training.model, AdamOptions());
  EXPECT_EQ(
      CheckpointBytes({training.model.get(), &unused, &*training.average}),
      bytes - 8 * static_cast<int64_t>(training.model->parameters().size()));
  EXPECT_THAT(CheckpointStore(folder_, 2).CheckSpace(training.learnt()),
              IsOk());
  // A file system without any space.
  EXPECT_THAT(CheckpointStore("/proc", 2).CheckSpace(training.learnt()),
              StatusIs(StatusCode::kResourceExhausted,
                       AllOf(HasSubstr("/proc: a checkpoint needs " +
                                       std::to_string(bytes) + " bytes"),
                             HasSubstr("0 are free"))));
}

TEST_F(CheckpointTest, AReadOnlyFolderLeavesTheOldOneWhole) {
  ExpectOldOneStaysWhole(folder_, path_, [this] {
    chmod(folder_.c_str(), 0555);
    DropCapabilities();
  });
  chmod(folder_.c_str(), 0755);
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

TEST_F(CheckpointTest, DamagedInitialWeightsAreRefused) {
  Training saved(1);
  ASSERT_THAT(SaveCheckpoint(path_, saved.learnt(), saved.State(3)), IsOk());
  std::string text = ReadText(path_);
  text[text.size() / 2] ^= 4;
  WriteText(path_, text);
  EXPECT_THAT(LoadInitialWeights(path_, saved.model.get()),
              StatusIs(StatusCode::kDataLoss, HasSubstr(path_)));
}

TEST(WeightAverage, FollowsTheWeightsByItsFormula) {
  torch::nn::Linear layer(2, 1);
  const torch::NoGradGuard no_grad;
  layer->weight.fill_(1);
  WeightAverage average(*layer, 0.5);
  layer->weight.fill_(3);
  average.Update(1);  // d = 1 / 10
  EXPECT_NEAR(average.State()["weight"][0][0].item<double>(), 2.8, 1e-6);
  average.Update(1000);  // d = 0.5
  EXPECT_NEAR(average.State()["weight"][0][0].item<double>(), 2.9, 1e-6);
}

TEST(WeightAverage, ScopeLendsTheAverageAndGivesTheWeightsBack) {
  torch::manual_seed(1);
  torch::nn::Linear layer(3, 2);
  WeightAverage average(*layer, 0.9);
  {
    const torch::NoGradGuard no_grad;
    layer->weight.add_(0.1);
  }
  const torch::Tensor own = layer->weight.detach().clone();
  {
    const WeightAverage::Scope scope(&average);
    EXPECT_TRUE(torch::equal(layer->weight, average.State()["weight"]));
  }
  EXPECT_TRUE(torch::equal(layer->weight, own));
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
