#include "pipelines/checkpoint/checkpoint_store.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "pipelines/base/work_hooks.h"
#include "pipelines/checkpoint/checkpoint.h"
#include "pipelines/checkpoint/checkpoint_test_util.h"
#include "pipelines/testing/testing_child.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

namespace fs = std::filesystem;
using ::absl::StatusCode;
using ::networks::files::ReadText;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;

using CheckpointStoreTest = CheckpointTest;

// Every file of a folder by its name.
std::map<std::string, std::string> ContentsOf(const std::string& folder) {
  std::map<std::string, std::string> contents;
  for (const auto& entry : fs::directory_iterator(folder)) {
    contents[entry.path().filename()] = ReadText(entry.path());
  }
  return contents;
}

// As in training.motion_steps.
TEST_F(CheckpointStoreTest, AsksForSpaceForTheMomentsOfWhatLearnsLater) {
  Training training(1);
  Adam adam(*training.model, AdamOptions());
  const Learnt learnt = {training.model.get(), &adam};
  const int64_t before = CheckpointBytes(learnt);
  for (const auto& item : training.model->named_parameters()) {
    if (item.key().rfind("inpainting_network.", 0) != 0) continue;
    item.value().mutable_grad().reset();
  }
  adam.Step(1e-2);
  // A number of steps beside the moments of each that has learnt.
  const auto num_learnt = static_cast<int64_t>(adam.State().size()) / 3;
  EXPECT_EQ(CheckpointBytes(learnt), before + 8 * num_learnt);
}

TEST_F(CheckpointStoreTest, TakesTheOlderOneWhereTheNewestIsDamaged) {
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
TEST_F(CheckpointStoreTest, StopsAtOneThatCannotBeOpened) {
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
TEST_F(CheckpointStoreTest, StopsAtALaterVersionAndNamesBoth) {
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

TEST_F(CheckpointStoreTest, StopsAtOneThatDoesNotFit) {
  Training saved(1);
  const CheckpointStore store(folder_, 3);
  ASSERT_THAT(store.Save(saved.learnt(), saved.State(3)), IsOk());
  const auto before = ContentsOf(folder_);
  Training wider(2, {"model.detector.width=16"});
  EXPECT_THAT(store.Restore(Accept, wider.learnt()),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr(path_)));
  EXPECT_TRUE(ContentsOf(folder_) == before);
}

TEST_F(CheckpointStoreTest, StopsWhereNoneIsReadable) {
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

TEST_F(CheckpointStoreTest, StopsWhereOnlyTheBestIsLeft) {
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

TEST_F(CheckpointStoreTest, StopsWhereItsFolderCannotBeListed) {
  Training saved(1);
  const std::string file = folder_ + "/file";
  WriteText(file, "no folder");
  EXPECT_THAT(CheckpointStore(file, 3)
                  .Restore(Accept, saved.learnt())
                  .status()
                  .message(),
              AllOf(HasSubstr(file), HasSubstr("cannot list this folder")));
}

TEST_F(CheckpointStoreTest, LeavesNoLinkBesideABestOneThatStays) {
  Training saved(1);
  const CheckpointStore store(folder_, 3);
  ASSERT_THAT(store.Save(saved.learnt(), saved.State(3)), IsOk());
  ASSERT_THAT(store.MarkBest(3), IsOk());
  ASSERT_THAT(store.MarkBest(3), IsOk());
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 2);
}

TEST_F(CheckpointStoreTest, KeepsTheNewestAndTheBest) {
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

// As a file manager names a copy, and a user one to keep.
TEST_F(CheckpointStoreTest, LeavesCopiesUnderOtherNamesToTheUser) {
  Training saved(1);
  const CheckpointStore store(folder_, 1);
  ASSERT_THAT(store.Save(saved.learnt(), saved.State(1)), IsOk());
  const std::string first = folder_ + "/" + CheckpointName(1);
  const std::vector<std::string> copies = {
      folder_ + "/step-000000001 (copy).safetensors",
      folder_ + "/step-1.safetensors", folder_ + "/step-good.safetensors"};
  for (const std::string& copy : copies) fs::copy(first, copy);
  ASSERT_THAT(store.Save(saved.learnt(), saved.State(3)), IsOk());
  ASSERT_THAT(store.Save(saved.learnt(), saved.State(4)), IsOk());
  EXPECT_THAT(ListCheckpoints(folder_),
              ElementsAre(folder_ + "/" + CheckpointName(4)));
  const auto state = store.Restore(Accept, saved.learnt());
  ASSERT_THAT(state, IsOk());
  ASSERT_TRUE(state->has_value());
  EXPECT_EQ((*state)->step(), 4);
  for (const std::string& copy : copies) EXPECT_TRUE(fs::exists(copy)) << copy;
  // Which is no new run, either.
  fs::remove(folder_ + "/" + CheckpointName(4));
  EXPECT_THAT(store.Restore(Accept, saved.learnt()),
              StatusIs(StatusCode::kFailedPrecondition,
                       HasSubstr("but no step-<number>.safetensors")));
}

// Nine digits are the fewest of a name, not the most.
TEST_F(CheckpointStoreTest, OrdersByTheNumberOfSteps) {
  // Of which the last is no checkpoint's.
  for (const int64_t step :
       {int64_t{10'000'000'000}, int64_t{999'999'999}, int64_t{-1}}) {
    WriteText(folder_ + "/" + CheckpointName(step), "a checkpoint");
  }
  EXPECT_THAT(ListCheckpoints(folder_),
              ElementsAre(folder_ + "/step-10000000000.safetensors",
                          folder_ + "/step-999999999.safetensors"));
}

// Saves over what is there while each of `obstructions` holds, and expects an
// error that names the file and what was there to be whole.
void ExpectOldOneStaysWhole(
    const std::string& folder, const std::string& path,
    const std::vector<std::function<void()>>& obstructions) {
  Training first(1);
  ASSERT_THAT(SaveCheckpoint(path, first.learnt(), first.State(3)), IsOk());
  const std::string before = ReadText(path);
  EXPECT_THAT(Checkpoint::Open(path), IsOk());
  Training second(2);
  for (const std::function<void()>& obstruct : obstructions) {
    ExpectInChild([&] {
      obstruct();
      const absl::Status status =
          SaveCheckpoint(path, second.learnt(), second.State(3));
      std::fprintf(stderr, "%s\n", status.ToString().c_str());
      return !status.ok() && status.ToString().find(path) != std::string::npos;
    });
    EXPECT_TRUE(ReadText(path) == before);
    // Nothing half-written stays, either.
    EXPECT_EQ(std::distance(fs::directory_iterator(folder), {}), 1);
  }
}

// A limit on the size of files fails a write in the middle, as a full disk
// does; at several places in the file.
TEST_F(CheckpointStoreTest, ADiskThatFillsUpLeavesTheOldOneWhole) {
  std::vector<std::function<void()>> obstructions;
  for (const rlim_t limit : {0, 1000, 100000, 1000000}) {
    obstructions.push_back([limit] {
      signal(SIGXFSZ, SIG_IGN);
      const rlimit sizes = {limit, limit};
      setrlimit(RLIMIT_FSIZE, &sizes);
    });
  }
  ExpectOldOneStaysWhole(folder_, path_, obstructions);
}

TEST_F(CheckpointStoreTest, SaysBeforeTheFirstStepThatTheDiskHasNoSpace) {
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

// Before the optimizer's first step as after it, but for the counts of steps.
TEST_F(CheckpointStoreTest, AsksForNoSpaceForTheMomentsOfFrozenParts) {
  Training training(1);
  ASSERT_THAT(training.model->Freeze({"inpainting_network"}), IsOk());
  Adam adam(*training.model, AdamOptions());
  const Learnt learnt = {training.model.get(), &adam};
  const int64_t before = CheckpointBytes(learnt);
  adam.Step(1e-2);
  const auto trained = static_cast<int64_t>(adam.State().size()) / 3;
  EXPECT_EQ(CheckpointBytes(learnt), before + 8 * trained);
}

TEST_F(CheckpointStoreTest, AReadOnlyFolderLeavesTheOldOneWhole) {
  ExpectOldOneStaysWhole(folder_, path_, {[this] {
                           chmod(folder_.c_str(), 0555);
                           DropCapabilities();
                         }});
  chmod(folder_.c_str(), 0755);
}

// As SaveAvd of avd/train_avd.h does.
void AddAvdNetwork(const std::string& path, int64_t size = 2) {
  const auto file = *networks::weights::SafetensorsFile::Open(path);
  networks::weights::TensorMap tensors = *file.tensors();
  tensors["avd_network.weight"] = torch::ones({size});
  ASSERT_THAT(
      networks::weights::WriteSafetensors(path, tensors, file.metadata(),
                                          networks::weights::Checksum::kSha256),
      IsOk());
}

TEST_F(CheckpointStoreTest, KeepsTheAvdNetworkOfAModelThatIsSavedAgain) {
  Training saved(1);
  const CheckpointStore store(folder_, 3);
  ASSERT_THAT(store.Save(saved.learnt(), saved.State(3)), IsOk());
  ASSERT_THAT(store.MarkBest(3), IsOk());
  AddAvdNetwork(store.best());
  EXPECT_FALSE(HasAvdNetwork(path_));
  ASSERT_THAT(store.Save(saved.learnt(), saved.State(3)), IsOk());
  EXPECT_TRUE(HasAvdNetwork(path_));
  EXPECT_THAT(Checkpoint::Open(path_), IsOk());
  // The file's own, without a best.
  fs::remove(store.best());
  ASSERT_THAT(store.Save(saved.learnt(), saved.State(3)), IsOk());
  EXPECT_TRUE(HasAvdNetwork(path_));
  // It is not that of another model.
  Training other(2);
  ASSERT_THAT(store.Save(other.learnt(), other.State(3)), IsOk());
  EXPECT_FALSE(HasAvdNetwork(path_));
}

// Whatever the files' times.
TEST_F(CheckpointStoreTest, LeavesEachFileItsOwnAvdNetwork) {
  Training saved(1);
  const CheckpointStore store(folder_, 3);
  ASSERT_THAT(store.Save(saved.learnt(), saved.State(3)), IsOk());
  ASSERT_THAT(store.MarkBest(3), IsOk());
  AddAvdNetwork(store.best(), 2);
  AddAvdNetwork(path_, 5);
  const auto size_in = [](const std::string& path) {
    const auto file = *networks::weights::SafetensorsFile::Open(path);
    return file.tensor("avd_network.weight")->numel();
  };
  for (const std::string& earlier : {store.best(), path_}) {
    fs::last_write_time(
        earlier, fs::file_time_type::clock::now() - std::chrono::hours(1));
    ASSERT_THAT(store.Save(saved.learnt(), saved.State(3)), IsOk());
    EXPECT_EQ(size_in(path_), 5);
    EXPECT_EQ(size_in(store.best()), 2);
  }
}

TEST_F(CheckpointStoreTest, SaysThatTheAvdNetworkOfTheFormerBestIsGone) {
  Training saved(1), better(2);
  const CheckpointStore store(folder_, 3);
  std::vector<std::string> warnings;
  WorkHooks hooks;
  hooks.warn = [&](const std::string& text) { warnings.push_back(text); };
  ASSERT_THAT(store.Save(saved.learnt(), saved.State(2)), IsOk());
  ASSERT_THAT(store.MarkBest(2, hooks), IsOk());
  AddAvdNetwork(store.best());
  ASSERT_THAT(store.Save(better.learnt(), better.State(3)), IsOk());
  ASSERT_THAT(store.MarkBest(3, hooks), IsOk());
  EXPECT_THAT(warnings, ElementsAre(AllOf(HasSubstr("best.safetensors"),
                                          HasSubstr("AVD network is gone"),
                                          EndsWith("--avd " + store.best()))));
}

}  // namespace
}  // namespace pipelines
