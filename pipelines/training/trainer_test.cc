// Whole runs of a tiny config: what a user gets, and what goes wrong.
#include "pipelines/training/trainer.h"

#include <sys/resource.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <future>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "networks/weights/safetensors.h"
#include "pipelines/app/exit_code.h"
#include "pipelines/checkpoint/checkpoint_store.h"
#include "pipelines/data/data_folder.h"
#include "pipelines/data/loader.h"
#include "pipelines/media/video_test_util.h"
#include "pipelines/parallel/free_port.h"
#include "pipelines/parallel/process_environment.h"
#include "pipelines/testing/scoped_clock.h"
#include "pipelines/testing/scoped_environment.h"
#include "pipelines/testing/testing_config.h"
#include "pipelines/training/run_folder.h"
#include "pipelines/training/same_config.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

namespace fs = std::filesystem;
using ::absl::StatusCode;
using ::networks::files::FreshTestFolder;
using ::networks::files::ReadText;
using ::networks::weights::SafetensorsFile;
using ::testing::_;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

constexpr int kYear = 365 * 24 * 3600;

// Every test has a run folder of its own; the puppets and two runs are made
// once.
class TrainerTest : public testing::Test {
 protected:
  const ScopedCacheFolder cache_;

  void SetUp() override {
    torch::set_num_threads(1);
    output_ = FreshTestFolder();
  }

  // A run into the test's folder, of which few frames are evaluated.
  TrainerOptions Options(const std::vector<std::string>& overrides = {}) {
    return OptionsInto(output_, overrides);
  }
  static TrainerOptions OptionsInto(const std::string& output,
                                    const std::vector<std::string>& overrides) {
    std::vector<std::string> all = {"evaluation.max_clips=1",
                                    "evaluation.frame_step=3"};
    all.insert(all.end(), overrides.begin(), overrides.end());
    TrainerOptions options;
    options.config = *TinyConfig(all);
    options.output = output;
    return options;
  }

  // The folder of a whole run, made once for all tests.
  static const std::string& WholeRun() {
    static const auto* folder = new std::string(MakeRun("whole_run", {}));
    return *folder;
  }
  // The test's folder becomes a copy of a run that was ended inside an epoch,
  // after three steps; this is made once, too.
  void CopyInterruptedRun() const {
    static const auto* folder =
        new std::string(MakeRun("interrupted_run", {"training.max_steps=3"}));
    fs::copy(*folder, output_, fs::copy_options::recursive);
  }

  // The clips of TinyConfig, in a folder of the test's own, called so.
  std::string CopyOfPuppets(const std::string& name = "clips") {
    const auto puppets = DataFolder(TinyConfig()->data());
    EXPECT_THAT(puppets, IsOk());
    const std::string clips = output_ + "_" + name;
    fs::remove_all(clips);
    fs::copy(*puppets, clips, fs::copy_options::recursive);
    return clips;
  }

  // A process with each of these options, of one machine: here a thread. Each
  // one's clock is set by so much more than that of the one before.
  static std::vector<absl::Status> TrainTogether(
      std::vector<TrainerOptions> options, int between_clocks = 0) {
    const int size = static_cast<int>(options.size());
    const int port = parallel::FreePort();
    std::vector<absl::Status> ends(size);
    std::vector<std::thread> processes;
    for (int rank = 0; rank < size; ++rank) {
      processes.emplace_back([&, rank] {
        const ScopedClock clock(rank * between_clocks);
        parallel::ProcessEnvironment& process = options[rank].process;
        process.rank = rank;
        process.size = size;
        // Where data.sharded is on, each has a machine of its own.
        const bool is_alone = options[rank].config.data().sharded();
        process.local_rank = is_alone ? 0 : rank;
        process.local_size = is_alone ? 1 : size;
        process.address = "127.0.0.1";
        process.port = port;
        ends[rank] = Train(options[rank]);
      });
    }
    for (std::thread& process : processes) process.join();
    return ends;
  }

  // What both processes end with: the second one's config is of `of_second`.
  std::vector<absl::Status> TrainBoth(
      const std::vector<std::string>& of_first,
      const std::vector<std::string>& of_second) {
    return TrainTogether({Options(of_first), Options(of_second)});
  }

  // What the process of `rank` has after so many steps; after those of the
  // interrupted run, 3.
  static std::vector<std::string> PairsAfter(int64_t steps, int rank = 0,
                                             int size = 1) {
    const Config config = *TinyConfig();
    const auto puppets = DataFolder(config.data());
    EXPECT_THAT(puppets, IsOk());
    const auto clips =
        OpenSplit(*puppets, "train", config.data(), config.training().seed());
    EXPECT_THAT(clips, IsOk());
    data::LoaderOptions options;
    options.batch_size = config.training().batch_size();
    options.start.step = steps;
    options.shard_index = rank;
    options.num_shards = size;
    const auto loader = data::Loader::Create(clips->get(), options);
    EXPECT_THAT(loader, IsOk());
    const auto batch = (*loader)->Next();
    EXPECT_THAT(batch, IsOk());
    return batch->pairs;
  }

  std::string NewestCheckpoint() const { return NewestIn(output_); }
  static std::string NewestIn(const std::string& run) {
    const auto checkpoints = ListCheckpoints(run + "/checkpoints");
    return checkpoints.empty() ? "" : checkpoints[0];
  }

  std::string output_;

 private:
  static std::string MakeRun(const std::string& name,
                             const std::vector<std::string>& overrides) {
    const std::string output = testing::TempDir() + "/" + name;
    fs::remove_all(output);
    EXPECT_THAT(Train(OptionsInto(output, overrides)), IsOk());
    return output;
  }
};

// The contents of a run folder by path, without the lock.
std::map<std::string, std::string> FilesOf(const std::string& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file() || entry.path().filename() == "lock") continue;
    files[entry.path()] = ReadText(entry.path());
  }
  return files;
}

// All tensors of two checkpoints, to the bit.
void ExpectSameTensors(const std::string& a, const std::string& b) {
  const auto file_a = SafetensorsFile::Open(a);
  const auto file_b = SafetensorsFile::Open(b);
  ASSERT_THAT(file_a, IsOk());
  ASSERT_THAT(file_b, IsOk());
  ASSERT_EQ(file_a->names(), file_b->names());
  for (const std::string& name : file_a->names()) {
    EXPECT_TRUE(torch::equal(*file_a->tensor(name), *file_b->tensor(name)))
        << name;
  }
}

// Each wait keeps a GPU idle until the next stage hands it work.
TEST(StageSynchronization, WaitsOnlyForTheGpuOfARunThatIsProfiled) {
  const torch::Device gpu("cuda:0");
  EXPECT_NE(StageSynchronization(gpu, /*profile=*/true), nullptr);
  EXPECT_EQ(StageSynchronization(gpu, /*profile=*/false), nullptr);
  EXPECT_EQ(StageSynchronization(torch::kCPU, /*profile=*/true), nullptr);
}

TEST_F(TrainerTest, LeavesACompleteRunFolder) {
  const std::string& run = WholeRun();
  for (const char* name :
       {"config.textproto", "losses.csv", "timing.csv",
        "checkpoints/best.safetensors", "pictures/epoch-00001.png",
        "evaluation.json", "evaluation.txt", "evaluation/worst-00.png",
        "evaluation/sheet.png", "animation.mp4", "index.html"}) {
    EXPECT_TRUE(fs::exists(run + "/" + name)) << name;
  }
  const CheckpointState state = *ReadCheckpointState(NewestIn(run));
  // 4 clips, 2 repeats, batches of 2, 2 epochs.
  EXPECT_EQ(state.step(), 8);
  EXPECT_TRUE(state.finished());
  // One file with two names.
  EXPECT_EQ(state.best_step(), 8);
  EXPECT_TRUE(
      fs::equivalent(NewestIn(run), run + "/checkpoints/best.safetensors"));
}

// How often the test clips are looked at.
struct LookObserver : TrainingObserver {
  absl::Status Measure(const RunView&, const std::string& name,
                       double) override {
    looks += name == "test/l1";
    return absl::OkStatus();
  }
  int looks = 0;
};

// A longer run compares with what the look at its former end found, and the
// same run need not look again.
TEST_F(TrainerTest, SavesWhatTheLookAtItsEndFound) {
  TrainerOptions options = Options({"training.max_steps=3"});
  LookObserver observer;
  options.observers = {&observer};
  ASSERT_THAT(Train(options), IsOk());
  EXPECT_EQ(observer.looks, 1);
  const CheckpointState state = *ReadCheckpointState(NewestCheckpoint());
  EXPECT_EQ(state.looked_at_step(), 3);
  EXPECT_EQ(state.best_step(), 3);
  ASSERT_THAT(Train(options), IsOk());
  EXPECT_EQ(observer.looks, 1);
}

// Interrupted inside an epoch, with dropout, flips and background on, and gone
// on with: the same weights, optimizer state and logged losses to the bit.
TEST_F(TrainerTest, ResumesBitForBit) {
  CopyInterruptedRun();
  ASSERT_EQ(ReadCheckpointState(NewestCheckpoint())->step(), 3);
  ASSERT_THAT(Train(Options()), IsOk());
  ExpectSameTensors(NewestIn(WholeRun()), NewestCheckpoint());
  const std::string losses = ReadText(WholeRun() + "/losses.csv");
  EXPECT_FALSE(losses.empty());  // as a file that is missing reads
  EXPECT_EQ(losses, ReadText(output_ + "/losses.csv"));
}

// The order in which threads take work is never the same.
TEST_F(TrainerTest, TrainsAlikeEachTimeOnTwoComputeThreads) {
  torch::set_num_threads(2);
  std::vector<std::string> runs;
  for (const char* name : {"_0", "_1", "_2"}) {
    runs.push_back(output_ + name);
    fs::remove_all(runs.back());
    ASSERT_THAT(Train(OptionsInto(runs.back(), {"training.max_steps=3"})),
                IsOk());
    ExpectSameTensors(NewestIn(runs[0]), NewestIn(runs.back()));
    const std::string losses = ReadText(runs.back() + "/losses.csv");
    EXPECT_FALSE(losses.empty());  // as a file that is missing reads
    EXPECT_EQ(ReadText(runs[0] + "/losses.csv"), losses);
  }
  torch::set_num_threads(1);
}

// All files of a run but the checkpoint of its last step are gone, then hold
// something else.
TEST_F(TrainerTest, GoesOnByTheCheckpointOfTheLastStepAlone) {
  for (const bool is_garbled : {false, true}) {
    fs::remove_all(output_);
    CopyInterruptedRun();
    const std::string checkpoint = NewestCheckpoint();
    int damaged = 0;
    for (const auto& [path, content] : FilesOf(output_)) {
      if (path == checkpoint) continue;
      ++damaged;
      fs::remove(path);
      if (is_garbled) std::ofstream(path) << "something else\n";
    }
    EXPECT_GT(damaged, 5);
    ASSERT_THAT(Train(Options()), IsOk());
    ExpectSameTensors(NewestIn(WholeRun()), NewestCheckpoint());
    EXPECT_TRUE(fs::exists(output_ + "/index.html"));
  }
}

// Two sessions, one a year before the files that it finds, one a year after.
TEST_F(TrainerTest, ResumesBitForBitWhereTheClockIsSetToAnotherYear) {
  CopyInterruptedRun();
  // absl::Now counts on for a moment before it reads a clock anew.
  const auto clock_now = std::chrono::system_clock::now;
  const auto now = clock_now(), before = now - std::chrono::hours(1),
             after = now + std::chrono::hours(1);
  {
    const ScopedClock clock(-kYear);
    ASSERT_LT(clock_now(), before);
    ASSERT_THAT(Train(Options({"training.max_steps=5"})), IsOk());
  }
  {
    const ScopedClock clock(kYear);
    ASSERT_GT(clock_now(), after);
    ASSERT_THAT(Train(Options()), IsOk());
  }
  ExpectSameTensors(NewestIn(WholeRun()), NewestCheckpoint());
  const std::string losses = ReadText(WholeRun() + "/losses.csv");
  EXPECT_FALSE(losses.empty());  // as a file that is missing reads
  EXPECT_EQ(losses, ReadText(output_ + "/losses.csv"));
}

TEST_F(TrainerTest, ProcessesWhoseClocksDifferByAYearTrainAsOthersDo) {
  const std::string other = output_ + "_other";
  fs::remove_all(other);
  std::vector<std::string> losses;
  for (const std::string& folder : {other, output_}) {
    const TrainerOptions options =
        OptionsInto(folder, {"training.num_epochs=1"});
    ASSERT_THAT(TrainTogether({options, options}, folder == other ? 0 : kYear),
                Each(IsOk()));
    EXPECT_TRUE(ReadCheckpointState(NewestIn(folder))->finished());
    losses.push_back(ReadText(folder + "/losses.csv"));
  }
  EXPECT_FALSE(losses[0].empty());
  EXPECT_EQ(losses[0], losses[1]);
}

// What may change after a run's end is in its checkpoint, by which a study
// knows that it is finished.
TEST_F(TrainerTest, SavesAFinishedRunThatIsEvaluatedByAnotherConfig) {
  ASSERT_THAT(Train(Options({"evaluation.frame_step=1"})), IsOk());
  const std::string before = NewestCheckpoint();
  const TrainerOptions changed = Options({"evaluation.frame_step=2"});
  ASSERT_THAT(Train(changed), IsOk());
  EXPECT_EQ(NewestCheckpoint(), before);
  const CheckpointState state = *ReadCheckpointState(before);
  EXPECT_TRUE(state.finished());
  EXPECT_EQ(state.config().evaluation().frame_step(), 2);
}

// Its checkpoints lack the fields that came since: their defaults mean what it
// did.
TEST_F(TrainerTest, GoesOnWithARunFromBeforeLearningRatesOfModules) {
  CopyInterruptedRun();
  for (const std::string& path : ListCheckpoints(output_ + "/checkpoints")) {
    CheckpointState state = *ReadCheckpointState(path);
    Config* config = state.mutable_config();
    ASSERT_TRUE(config->training().has_learning_rate_scales());
    ASSERT_TRUE(config->losses().structure().has_max_shift());
    config->mutable_training()->clear_learning_rate_scales();
    config->mutable_losses()->mutable_structure()->clear_max_shift();
    const auto file = SafetensorsFile::Open(path);
    ASSERT_THAT(file, IsOk());
    ASSERT_THAT(networks::weights::WriteSafetensors(
                    path, *file->tensors(), {{"state", state.DebugString()}},
                    networks::weights::Checksum::kSha256),
                IsOk());
  }
  ASSERT_THAT(Train(Options()), IsOk());
  ExpectSameTensors(NewestIn(WholeRun()), NewestCheckpoint());
  const std::string losses = ReadText(WholeRun() + "/losses.csv");
  EXPECT_FALSE(losses.empty());  // as a file that is missing reads
  EXPECT_EQ(losses, ReadText(output_ + "/losses.csv"));
}

TEST_F(TrainerTest, SeedDecidesTheRun) {
  ASSERT_THAT(Train(Options({"training.max_steps=1"})), IsOk());
  const std::string first = ReadText(output_ + "/losses.csv");
  EXPECT_THAT(ReadText(WholeRun() + "/losses.csv"), StartsWith(first));
  fs::remove_all(output_);
  ASSERT_THAT(Train(Options({"training.max_steps=1", "training.seed=9"})),
              IsOk());
  EXPECT_NE(first, ReadText(output_ + "/losses.csv"));
}

TEST_F(TrainerTest, RefusesAFolderOfAnotherConfig) {
  CopyInterruptedRun();
  const absl::Status status = Train(Options({"losses.warp=3"}));
  EXPECT_THAT(status, StatusIs(StatusCode::kFailedPrecondition,
                               HasSubstr("losses.warp")));
  EXPECT_TRUE(IsConfigMismatch(status));
}

TEST_F(TrainerTest, SetsAnUnreadableCheckpointAsideAndTakesTheOlderOne) {
  const std::string often = "training.checkpoint_steps=1";
  ASSERT_THAT(Train(Options({often, "training.max_steps=2"})), IsOk());
  const std::string newest = NewestCheckpoint();
  fs::resize_file(newest, fs::file_size(newest) / 2);
  TrainerOptions options = Options({often, "training.max_steps=3"});
  std::vector<std::string> notes;
  options.hooks.note = [&](const std::string& note) { notes.push_back(note); };
  ASSERT_THAT(Train(options), IsOk());
  EXPECT_TRUE(fs::exists(newest + ".unreadable"));
  EXPECT_THAT(notes, Contains(HasSubstr("step-000000001.safetensors")));
  EXPECT_EQ(ReadCheckpointState(NewestCheckpoint())->step(), 3);
}

// It does not begin again from nothing, cut losses.csv and replace the best
// checkpoint.
TEST_F(TrainerTest, LeavesARunOfALaterVersionAsItIs) {
  CopyInterruptedRun();
  for (const std::string& path : ListCheckpoints(output_ + "/checkpoints")) {
    const auto file = SafetensorsFile::Open(path);
    ASSERT_THAT(file, IsOk());
    CheckpointState state = *ReadCheckpointState(path);
    state.set_version(kCheckpointVersion + 1);
    ASSERT_THAT(networks::weights::WriteSafetensors(
                    path, *file->tensors(), {{"state", state.DebugString()}},
                    networks::weights::Checksum::kSha256),
                IsOk());
  }
  const auto before = FilesOf(output_);
  EXPECT_THAT(
      Train(Options()),
      StatusIs(StatusCode::kFailedPrecondition,
               HasSubstr(absl::StrCat("version ", kCheckpointVersion + 1))));
  EXPECT_TRUE(FilesOf(output_) == before);
}

TEST_F(TrainerTest, StopsWhereALossIsNotFinite) {
  CopyInterruptedRun();
  const std::string path = NewestCheckpoint();
  auto model = *AnimationModel::Create(TinyConfig()->model());
  Adam adam(*model, {});
  const Learnt learnt = {model.get(), &adam};
  const auto checkpoint = Checkpoint::Open(path);
  ASSERT_THAT(checkpoint, IsOk());
  ASSERT_THAT(checkpoint->Restore(learnt), IsOk());
  {
    const torch::NoGradGuard no_grad;
    model->named_parameters()["inpainting_network.final.weight"].fill_(
        std::nan(""));
  }
  ASSERT_THAT(SaveCheckpoint(path, learnt, checkpoint->state()), IsOk());
  const std::vector<std::string> pairs = PairsAfter(3);
  ASSERT_EQ(pairs.size(), 2u);
  EXPECT_THAT(
      Train(Options()),
      StatusIs(StatusCode::kOutOfRange,
               AllOf(HasSubstr("step 4"), HasSubstr("loss term 'perceptual'"),
                     HasSubstr("the weights inpainting_network.final.weight "
                               "are not finite"),
                     HasSubstr(absl::StrCat("; pairs of the step: ", pairs[0],
                                            ", ", pairs[1], "; ")),
                     HasSubstr("last good checkpoint: " + path))));
}

constexpr char kBroken[] = "inpainting_network.final.weight";

// Makes the gradient of one parameter no number, as a division by 0 does.
struct GradientBreaker : TrainingObserver {
  absl::Status Begin(const RunView& run) override {
    run.learner.model().named_parameters()[kBroken].register_hook(
        [](const torch::Tensor& gradient) { return gradient / 0; });
    return absl::OkStatus();
  }
};

TEST_F(TrainerTest, NamesThePairsOfAGradientThatIsNotFinite) {
  CopyInterruptedRun();
  const std::string path = NewestCheckpoint();
  const std::string before = ReadText(path);
  TrainerOptions options = Options();
  GradientBreaker breaker;
  options.observers = {&breaker};
  EXPECT_THAT(
      Train(options),
      StatusIs(
          StatusCode::kOutOfRange,
          AllOf(HasSubstr(absl::StrCat("step 4: the gradient of ", kBroken,
                                       " is not finite")),
                HasSubstr(absl::StrCat(
                    "; pairs of the step: ", absl::StrJoin(PairsAfter(3), ", "),
                    "; last good checkpoint: ", path)))));
  EXPECT_EQ(NewestCheckpoint(), path);
  EXPECT_TRUE(ReadText(path) == before);
}

// In one process; the sum of the gradients reaches both, and each names its own
// pairs, for either may hold what is wrong.
TEST_F(TrainerTest, EachProcessNamesItsPairsOfAGradientThatIsNotFinite) {
  TrainerOptions first = Options();
  const TrainerOptions second = first;
  GradientBreaker breaker;
  first.observers = {&breaker};
  const std::vector<absl::Status> ends = TrainTogether({first, second});
  ASSERT_NE(PairsAfter(0, 0, 2), PairsAfter(0, 1, 2));
  for (int rank = 0; rank < 2; ++rank) {
    EXPECT_THAT(
        ends[rank],
        StatusIs(StatusCode::kOutOfRange,
                 AllOf(HasSubstr(absl::StrCat("step 1: the gradient of ",
                                              kBroken, " is not finite")),
                       HasSubstr(absl::StrCat(
                           "; pairs of the step in process ", rank, ": ",
                           absl::StrJoin(PairsAfter(0, rank, 2), ", "))))));
  }
  EXPECT_EQ(NewestCheckpoint(), "");
}

// The cache's folder is one in which no file can be made.
TEST_F(TrainerTest, SaysOnceThatEmbeddingsCannotBeKept) {
  const std::string cache = output_ + "_cache";
  fs::remove_all(cache);
  fs::create_directories(cache + "/cpab_animation");
  fs::create_directory_symlink("/proc/self/net",
                               cache + "/cpab_animation/sam_embeddings");
  const ScopedCacheFolder here(cache);
  TrainerOptions options =
      Options({"training.max_steps=3", "losses.semantic.weight=1",
               "losses.semantic.model=tiny", "losses.semantic.untrained=true",
               "losses.semantic.cache_gib=1"});
  std::vector<std::string> warnings;
  options.hooks.warn = [&](const std::string& sentence) {
    warnings.push_back(sentence);
  };
  ASSERT_THAT(Train(options), IsOk());
  EXPECT_THAT(
      warnings,
      ElementsAre(HasSubstr("embeddings of frames are no longer kept")));
}

// Where it stops and what it is told.
struct StopObserver : TrainingObserver {
  void Stopped(const std::string& newest, int64_t last) override {
    checkpoint = newest;
    step = last;
  }
  std::string checkpoint;
  int64_t step = -1;
};

TEST_F(TrainerTest, SavesWhenAskedToStop) {
  TrainerOptions options = Options();
  StopObserver observer;
  options.observers = {&observer};
  options.hooks.stop = [] { return true; };
  EXPECT_THAT(Train(options), StatusIs(StatusCode::kCancelled, _));
  EXPECT_EQ(ReadCheckpointState(NewestCheckpoint())->step(), 0);
  EXPECT_EQ(observer.checkpoint, NewestCheckpoint());
  EXPECT_EQ(observer.step, 0);
  EXPECT_THAT(Train(Options({"training.max_steps=1"})), IsOk());
}

// All steps are taken; what is left are the test clips and the animation.
TEST_F(TrainerTest, StopsInTheAnimationAtItsEnd) {
  TrainerOptions options = Options({"training.max_steps=1"});
  bool animates = false;
  options.hooks.progress = [&](const WorkProgress& now) {
    animates = now.stage == "animate";
  };
  options.hooks.stop = [&] { return animates; };
  StopObserver observer;
  options.observers = {&observer};
  EXPECT_THAT(Train(options), StatusIs(StatusCode::kCancelled, _));
  EXPECT_EQ(observer.checkpoint, NewestCheckpoint());
  EXPECT_EQ(observer.step, 1);
  EXPECT_TRUE(animates);
  EXPECT_FALSE(fs::exists(output_ + "/animation.mp4"));
  EXPECT_THAT(Train(Options({"training.max_steps=1"})), IsOk());
  EXPECT_TRUE(fs::exists(output_ + "/animation.mp4"));
}

// The second process waits while the first looks.
TEST_F(TrainerTest, AllProcessesStopWhereOneIsStoppedAsItLooks) {
  std::atomic<bool> looks = false;
  const TrainerOptions second =
      Options({"training.best_checkpoint.max_clips=1", "training.num_epochs=9",
               "data.repeats=1"});
  TrainerOptions first = second;
  first.hooks.stop = [&] { return looks.load(); };
  first.hooks.progress = [&](const WorkProgress& now) {
    looks = now.stage == "evaluate";
  };
  EXPECT_THAT(TrainTogether({first, second}),
              Each(StatusIs(StatusCode::kCancelled, _)));
  EXPECT_TRUE(looks);
}

// The save fails by a lock that another has taken: the other process can only
// know of it if it waits for the outcome.
TEST_F(TrainerTest, AllProcessesHearHowTheSaveOfAStopEnds) {
  TrainerOptions first = Options({"training.num_epochs=100000",
                                  "training.checkpoint_epochs=100000",
                                  "training.checkpoint_steps=0"});
  TrainerOptions second = first;
  std::optional<RunFolder> other;
  second.hooks.stop = [&] {
    if (other || !fs::exists(output_ + "/losses.csv")) return other.has_value();
    EXPECT_TRUE(fs::remove(output_ + "/lock"));
    auto taken = RunFolder::Open(output_);
    EXPECT_THAT(taken, IsOk());
    other = *std::move(taken);
    return true;
  };
  for (const absl::Status& end : TrainTogether({first, second})) {
    EXPECT_THAT(end, StatusIs(StatusCode::kUnavailable,
                              AllOf(HasSubstr("the lock of this run was "
                                              "deleted"),
                                    Not(HasSubstr("lost contact")))));
    EXPECT_EQ(ExitCode(end), 129);
  }
}

TEST_F(TrainerTest, ProcessesRefuseToTrainOnTwoDataSets) {
  const std::string a = CopyOfPuppets("a"), b = CopyOfPuppets("b");
  fs::rename(b + "/train/00000.png", b + "/train/00077.png");
  EXPECT_THAT(
      TrainBoth({"data.folder=" + a}, {"data.folder=" + b}),
      Each(StatusIs(StatusCode::kFailedPrecondition,
                    HasSubstr("process 1 of 2 has other training clips than "
                              "process 0"))));
  EXPECT_EQ(NewestCheckpoint(), "");
}

// Three clips on one machine and one on another, which has no test clips. A
// step takes two samples of each, so an epoch of two visits has three steps on
// the first and one on the second.
TEST_F(TrainerTest, MachinesTrainOnClipsOfTheirOwn) {
  const std::string a = CopyOfPuppets("a"), b = CopyOfPuppets("b");
  for (int i = 0; i < 4; ++i) {
    fs::remove(absl::StrCat(i < 3 ? b : a, "/train/0000", i, ".png"));
  }
  fs::remove_all(b + "/test");
  const auto with = [](const std::string& clips, const std::string& more) {
    return std::vector<std::string>{"data.folder=" + clips, "data.sharded=true",
                                    more};
  };
  const std::string epochs = "training.num_epochs=2";
  EXPECT_THAT(
      TrainBoth(with(a, epochs), with(a, epochs)),
      Each(StatusIs(StatusCode::kFailedPrecondition,
                    HasSubstr("process 1 of 2 has the same training clips as "
                              "process 0"))));
  const std::string batch = "training.batch_size=4";
  for (const absl::Status& end : TrainBoth(with(a, batch), with(b, batch))) {
    EXPECT_THAT(end.message(),
                HasSubstr("process 1 of 2 has clips that do not fill one "
                          "training step"));
    EXPECT_EQ(ExitCode(end), kExitUsage);
  }
  EXPECT_EQ(NewestCheckpoint(), "");
  EXPECT_THAT(TrainBoth(with(a, epochs), with(b, epochs)), Each(IsOk()));
  EXPECT_EQ(ReadCheckpointState(NewestCheckpoint())->step(), 2);
}

// Only rank 0 looks into the run folder and needs what evaluates at the end.
// The other processes refuse for its reason.
TEST_F(TrainerTest, AllProcessesRefuseWhereOneDoes) {
  CopyInterruptedRun();
  const std::string warp = "losses.warp=3";
  std::vector<absl::Status> ends = TrainBoth({warp}, {warp});
  EXPECT_TRUE(IsConfigMismatch(ends[0]));
  EXPECT_TRUE(IsConfigMismatch(ends[1]));
  EXPECT_THAT(ends[1].message(),
              AllOf(StartsWith("process 0: "),
                    HasSubstr("holds a run of another config"),
                    Not(HasSubstr("lost contact"))));
  const std::string lpips = "evaluation.lpips=network: ALEX";
  ends = TrainBoth({lpips}, {lpips});
  EXPECT_EQ(ExitCode(ends[0]), 1);
  EXPECT_EQ(ExitCode(ends[1]), 1);
  EXPECT_THAT(ends[1].message(), AllOf(StartsWith("process 0: "),
                                       HasSubstr("alexnet-owt-7be5be79.pth"),
                                       Not(HasSubstr("lost contact"))));
}

// Else the look at the end must be shorter than training.peer_timeout_seconds.
TEST_F(TrainerTest, OtherProcessesDoNotWaitForTheLookAtTheEnd) {
  TrainerOptions first = Options({"training.max_steps=1"});
  first.process.size = first.process.local_size = 2;
  first.process.address = "127.0.0.1";
  first.process.port = parallel::FreePort();
  TrainerOptions second = first;
  second.process.rank = second.process.local_rank = 1;
  std::future<absl::Status> end_of_second =
      std::async(std::launch::async, [&second] { return Train(second); });
  first.hooks.progress = [&end_of_second](const WorkProgress& now) {
    if (now.stage == "evaluate") end_of_second.wait();
  };
  EXPECT_THAT(Train(first), IsOk());
  EXPECT_THAT(end_of_second.get(), IsOk());
  EXPECT_TRUE(fs::exists(output_ + "/evaluation.json"));
}

// The config names parts; what is in them, only the model knows.
TEST_F(TrainerTest, RefusesAModelOfWhichAllPartsAreFrozen) {
  TrainerOptions options = Options();
  for (const char* part : {"kp_detector", "bg_predictor",
                           "dense_motion_network", "inpainting_network"}) {
    options.config.mutable_training()->add_frozen(part);
  }
  const absl::Status status = Train(options);
  EXPECT_THAT(status,
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("training.frozen freezes every part")));
  EXPECT_EQ(ExitCode(status), kExitUsage);
}

TEST_F(TrainerTest, RefusesBatchesLargerThanAnEpoch) {
  const absl::Status status = Train(Options({"training.batch_size=4000"}));
  EXPECT_THAT(status, StatusIs(StatusCode::kInvalidArgument,
                               HasSubstr("a step takes 4000")));
  EXPECT_EQ(ExitCode(status), kExitUsage);
}

// While motion alone is taught, the inpainting network has no share in it.
TEST_F(TrainerTest, RefusesStepsInWhichOnlyFrozenPartsHaveAShare) {
  const absl::Status status =
      Train(Options({R"(training.frozen=["kp_detector", "bg_predictor",
                         "dense_motion_network"])",
                     "training.motion_steps=2", "losses.photometric=100"}));
  EXPECT_THAT(status, StatusIs(StatusCode::kInvalidArgument,
                               AllOf(HasSubstr("step 1"),
                                     HasSubstr("training.motion_steps"))));
  EXPECT_EQ(ExitCode(status), kExitUsage);
}

// Damage that is seen when the clip is read.
TEST_F(TrainerTest, NamesOnceAClipThatIsDamagedInside) {
  const std::string clips = CopyOfPuppets();
  const std::string bad = clips + "/train/broken.mp4";
  media::WriteNumberedVideo(bad, cv::Size(32, 32), 60);
  media::DamageInside(bad);
  TrainerOptions options = Options(
      {"data.max_bad_share=0.3", "data.repeats=3", "training.num_epochs=1"});
  options.config.mutable_data()->set_folder(clips);
  std::vector<std::string> warnings;
  options.hooks.warn = [&](const std::string& sentence) {
    warnings.push_back(sentence);
  };
  ASSERT_THAT(Train(options), IsOk());
  EXPECT_THAT(warnings, ElementsAre(AllOf(HasSubstr("left out"),
                                          HasSubstr("broken.mp4"))));
}

TEST_F(TrainerTest, AnimatesTheBeginningOfALongTestClip) {
  const std::string clips = CopyOfPuppets();
  media::WriteNumberedFolder(clips + "/test/last", cv::Size(32, 32), 300);
  TrainerOptions options =
      Options({"training.max_steps=1", "data.folder=" + clips});
  std::atomic<int64_t> frames = 0;
  options.hooks.progress = [&](const WorkProgress& now) {
    if (now.stage == "animate") frames = now.total;
  };
  options.hooks.stop = [&] { return frames > 0; };
  EXPECT_THAT(Train(options), StatusIs(StatusCode::kCancelled, _));
  EXPECT_EQ(frames, 250);
}

// Of two sizes, of which scores are taken. It is added to a run that has an
// animation of its first step.
TEST_F(TrainerTest, EndsWithoutAnAnimationWhereTheTestClipCannotDriveOne) {
  const std::string clips = CopyOfPuppets();
  const std::string animation = output_ + "/animation.mp4";
  ASSERT_THAT(Train(Options({"training.max_steps=1", "data.folder=" + clips})),
              IsOk());
  EXPECT_TRUE(fs::exists(animation));
  const std::string last = clips + "/test/last";
  media::WriteNumberedFolder(last, cv::Size(48, 32), 4);
  media::WriteNumberedFolder(last, cv::Size(32, 32), 3);  // over three of them
  TrainerOptions options =
      Options({"training.max_steps=2", "data.folder=" + clips});
  std::vector<std::string> warnings;
  options.hooks.warn = [&](const std::string& sentence) {
    warnings.push_back(sentence);
  };
  ASSERT_THAT(Train(options), IsOk());
  EXPECT_THAT(warnings,
              ElementsAre(HasSubstr("the test clips have changed"),
                          AllOf(HasSubstr(animation), HasSubstr("one size"))));
  EXPECT_FALSE(fs::exists(animation));
  EXPECT_TRUE(fs::exists(output_ + "/evaluation.json"));
}

// A clip of which the time is another, then one more clip. Each run ends before
// its first step.
TEST_F(TrainerTest, WarnsOfDataThatChangedWhenItGoesOn) {
  const std::string clips = CopyOfPuppets();
  const auto train = [&] {
    TrainerOptions options = Options({"data.folder=" + clips});
    std::vector<std::string> warnings;
    options.hooks.warn = [&](const std::string& sentence) {
      warnings.push_back(sentence);
    };
    options.hooks.stop = [] { return true; };
    EXPECT_THAT(Train(options), StatusIs(StatusCode::kCancelled, _));
    return warnings;
  };
  EXPECT_THAT(train(), IsEmpty());
  EXPECT_THAT(train(), IsEmpty());
  const std::string clip = clips + "/train/00000.png";
  fs::last_write_time(clip,
                      fs::last_write_time(clip) + std::chrono::seconds(10));
  EXPECT_THAT(train(),
              ElementsAre(HasSubstr("the training clips have changed")));
  EXPECT_THAT(train(), IsEmpty());
  fs::copy(clips + "/test/00000.png", clips + "/test/00077.png");
  EXPECT_THAT(train(), ElementsAre(HasSubstr("the test clips have changed")));
}

// After each step a file's time is another.
struct TouchObserver : TrainingObserver {
  explicit TouchObserver(std::string path) : path(std::move(path)) {}
  absl::Status AfterStep(const RunView&, const StepReport&,
                         const StepTime&) override {
    fs::last_write_time(path,
                        fs::last_write_time(path) + std::chrono::seconds(10));
    return absl::OkStatus();
  }
  const std::string path;
};

TEST_F(TrainerTest, WarnsOfDataThatChangedWhileItTrained) {
  const std::string clips = CopyOfPuppets();
  TouchObserver observer(clips + "/train/00000.png");
  TrainerOptions options =
      Options({"training.max_steps=1", "data.folder=" + clips});
  options.observers = {&observer};
  std::vector<std::string> warnings;
  options.hooks.warn = [&](const std::string& sentence) {
    warnings.push_back(sentence);
  };
  ASSERT_THAT(Train(options), IsOk());
  EXPECT_THAT(warnings,
              ElementsAre(HasSubstr("1 training clip changed while the run "
                                    "went on, as " +
                                    observer.path)));
}

TEST_F(TrainerTest, RefusesAFolderInWhichAnotherTrains) {
  const auto folder = RunFolder::Open(output_);
  ASSERT_THAT(folder, IsOk());
  EXPECT_THAT(Train(Options()),
              StatusIs(StatusCode::kUnavailable,
                       HasSubstr(absl::StrCat("process ", getpid()))));
}

TEST_F(TrainerTest, NamesAnOutputThatCannotBeWritten) {
  TrainerOptions options = Options();
  options.output = "/proc/no_such_folder/run";
  EXPECT_THAT(Train(options).message(), HasSubstr("/proc/no_such_folder/run"));
}

// Which only the evaluation at the end uses.
TEST_F(TrainerTest, MissesWeightsOfLpipsBeforeTheFirstStep) {
  const ScopedCacheFolder empty(output_ + "_cache");
  TrainerOptions options = Options();
  options.config.mutable_evaluation()->mutable_lpips();
  EXPECT_THAT(Train(options), StatusIs(StatusCode::kNotFound,
                                       HasSubstr("alexnet-owt-7be5be79.pth")));
  EXPECT_FALSE(fs::exists(output_ + "/losses.csv"));
}

TEST_F(TrainerTest, NamesAMissingDataFolder) {
  TrainerOptions options = Options();
  options.config.mutable_data()->clear_puppets();
  options.config.mutable_data()->set_folder("/no/such/clips");
  EXPECT_THAT(Train(options),
              StatusIs(StatusCode::kNotFound, HasSubstr("/no/such/clips")));
}

}  // namespace
}  // namespace pipelines
