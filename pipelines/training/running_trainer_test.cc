// The trainer as a program of its own: asked to stop, started twice. What it
// makes of being killed is tried in tools/reliability.
#include <algorithm>
#include <csignal>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "pipelines/app/exit_code.h"
#include "pipelines/base/child_process.h"
#include "pipelines/checkpoint/checkpoint_store.h"
#include "pipelines/testing/scoped_environment.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

namespace fs = std::filesystem;
using ::networks::files::FreshTestFolder;
using ::networks::files::ReadText;
using ::testing::AllOf;
using ::testing::HasSubstr;

std::vector<std::string> TrainCommand() {
  return {"pipelines/train", "--config",
          "pipelines/training/testdata/kill_trials.textproto", "--device=cpu",
          "--threads=1"};
}

// What is said of a process to others that want to train in its folder.
auto IsTraining(const ChildProcess& trainer) {
  return AllOf(HasSubstr(absl::StrCat("process ", trainer.id(), " on ")),
               HasSubstr("is training in this folder"));
}

// A trainer with work for hours.
class RunningTrainerTest : public testing::Test {
 protected:
  const ScopedCacheFolder cache_;

  void SetUp() override { output_ = FreshTestFolder(); }

  std::vector<std::string> Command() const {
    std::vector<std::string> command = TrainCommand();
    command.insert(command.end(), {"--output", output_, "--set",
                                   "training.num_epochs=100000"});
    return command;
  }

  ChildProcess Start() const {
    auto trainer = ChildProcess::Start(Command(), {log()});
    EXPECT_THAT(trainer.status(), IsOk());
    return *std::move(trainer);
  }

  // Until two steps are in the table, or more than the `earlier` lines there.
  void WaitForSteps(ChildProcess& trainer, int64_t earlier = 2) const {
    while (trainer.IsRunning() && Lines() <= earlier) {
      absl::SleepFor(absl::Milliseconds(20));
    }
    ASSERT_TRUE(trainer.IsRunning()) << ReadText(log());
  }

  // Expects it to save the step at which it gets `signal`, and to end. A
  // header, then a line a step.
  void ExpectSavesAt(int signal, int exit_code, ChildProcess& trainer) const {
    trainer.Signal(signal);
    EXPECT_EQ(trainer.Wait(), exit_code);
    const auto checkpoints = ListCheckpoints(output_ + "/checkpoints");
    ASSERT_FALSE(checkpoints.empty());
    EXPECT_EQ(Checkpoint::Open(checkpoints[0])->state().step(), Lines() - 1);
  }

  int64_t Lines() const {
    const std::string text = ReadText(output_ + "/losses.csv");
    return std::count(text.begin(), text.end(), '\n');
  }

  std::string log() const { return output_ + ".log"; }

  std::string output_;
};

TEST_F(RunningTrainerTest, SavesTheStepAtWhichItIsAskedToStop) {
  ChildProcess trainer = Start();
  WaitForSteps(trainer);
  ExpectSavesAt(SIGINT, 130, trainer);
  EXPECT_THAT(
      ReadText(log()),
      AllOf(
          HasSubstr(absl::StrCat(
              "train: stopped by Ctrl-C; step ", Lines() - 1, " is saved in ",
              ListCheckpoints(output_ + "/checkpoints")[0], ". To go on:\n  ")),
          HasSubstr(absl::StrCat(" --output ", output_, " --set ")),
          testing::Not(HasSubstr("error"))));
}

// A short run, which ends before its phase of motion alone does.
TEST_F(RunningTrainerTest, SaysThatNothingHasLearntToPaint) {
  std::vector<std::string> command = TrainCommand();
  command.insert(
      command.end(),
      {"--output", output_, "--set", "training.max_steps=1", "--set",
       "training.motion_steps=2", "--set", "losses.photometric=100"});
  auto trainer = ChildProcess::Start(command, {log()});
  ASSERT_THAT(trainer.status(), IsOk());
  EXPECT_EQ(trainer->Wait(), 0);
  EXPECT_THAT(ReadText(log()),
              HasSubstr("train: warning: nothing has learnt to paint yet: "
                        "after 1 of 2 steps"));
  EXPECT_THAT(ReadText(output_ + "/index.html"),
              HasSubstr("motion alone, 1 of 2 steps"));
  EXPECT_THAT(
      ReadText(output_ + "/evaluation.json"),
      AllOf(HasSubstr("\"training_steps\": 1"), HasSubstr("\"tf32\": true")));
  // And on from there, with more steps.
  command.insert(command.end(), {"--set", "training.max_steps=3"});
  const std::string second_log = output_ + "-second.log";
  auto again = ChildProcess::Start(command, {second_log});
  ASSERT_THAT(again.status(), IsOk());
  EXPECT_EQ(again->Wait(), 0);
  EXPECT_THAT(ReadText(second_log), AllOf(HasSubstr("train: going on from "),
                                          HasSubstr(", step 1, after "),
                                          testing::Not(HasSubstr("to paint"))));
}

// Which would take the GPU of its number all the same, or wait for the others.
TEST_F(RunningTrainerTest, RefusesOneGpuForSeveralProcesses) {
  std::vector<std::string> command = Command();
  command.push_back("--device=cuda:7");
  for (const char* rank : {"2", "7"}) {
    auto trainer = ChildProcess::Start(command, {log(),
                                                 {{"WORLD_SIZE", "8"},
                                                  {"RANK", rank},
                                                  {"LOCAL_RANK", rank},
                                                  {"LOCAL_WORLD_SIZE", "8"},
                                                  {"MASTER_ADDR", "127.0.0.1"},
                                                  {"MASTER_PORT", "1"}}});
    ASSERT_THAT(trainer.status(), IsOk());
    EXPECT_EQ(trainer->Wait(), kExitUsage);
    EXPECT_THAT(ReadText(log()),
                HasSubstr("--device is cuda:7, and of several"));
  }
}

// As where a launcher hands on a signal that the whole group has got.
TEST_F(RunningTrainerTest, SavesWhereASignalComesTwice) {
  ChildProcess trainer = Start();
  WaitForSteps(trainer);
  // Both wait for it to run again, so that they come at once.
  trainer.Signal(SIGSTOP);
  trainer.Signal(SIGTERM);
  trainer.Signal(SIGINT);
  trainer.Signal(SIGCONT);
  const int exit_code = trainer.Wait();
  EXPECT_TRUE(exit_code == 143 || exit_code == 130) << exit_code;
  EXPECT_THAT(ReadText(log()), HasSubstr("is saved in"));
}

// The first takes its lock again when it saves.
TEST_F(RunningTrainerTest, KeepsOthersOutAndLeavesNoStaleLock) {
  ChildProcess first = Start();
  WaitForSteps(first);
  const std::string second_log = output_ + "-second.log";
  const auto expect_another_refused = [&] {
    fs::remove(second_log);
    auto second = ChildProcess::Start(Command(), {second_log});
    ASSERT_THAT(second.status(), IsOk());
    EXPECT_EQ(second->Wait(), 129);
    EXPECT_THAT(ReadText(second_log), IsTraining(first));
  };
  expect_another_refused();
  ASSERT_TRUE(fs::remove(output_ + "/lock"));
  while (first.IsRunning() && !fs::exists(output_ + "/lock")) {
    absl::SleepFor(absl::Milliseconds(20));
  }
  expect_another_refused();
  EXPECT_TRUE(first.IsRunning());
  first.Signal(SIGKILL);
  first.Wait();
  const int64_t lines = Lines();
  ChildProcess third = Start();
  WaitForSteps(third, lines);
  ExpectSavesAt(SIGHUP, 129, third);
}

// It must not save beside another that has come in meanwhile. That one saves
// before its job's time ends.
TEST_F(RunningTrainerTest, EndsWhereAnotherHasTakenItsLock) {
  ChildProcess first = Start();
  WaitForSteps(first);
  first.Signal(SIGSTOP);
  ASSERT_TRUE(fs::remove(output_ + "/lock"));
  const std::string second_log = output_ + "-second.log";
  auto second = ChildProcess::Start(Command(), {second_log});
  ASSERT_THAT(second.status(), IsOk());
  while (second->IsRunning() && !fs::exists(output_ + "/lock")) {
    absl::SleepFor(absl::Milliseconds(20));
  }
  absl::SleepFor(absl::Milliseconds(200));  // until it has said who it is
  first.Signal(SIGCONT);
  EXPECT_EQ(first.WaitFor(absl::Seconds(60)), 129);
  EXPECT_THAT(ReadText(log()),
              AllOf(HasSubstr("the lock of this run was deleted"),
                    IsTraining(*second)));
  WaitForSteps(*second, Lines());
  ExpectSavesAt(SIGUSR1, 138, *second);
}

}  // namespace
}  // namespace pipelines
