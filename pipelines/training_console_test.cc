// What the program train says of how a run ended.
#include "pipelines/training_console.h"

#include <cerrno>
#include <csignal>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "pipelines/app/exit_code.h"
#include "pipelines/config/config.pb.h"
#include "pipelines/evaluation/reconstruction.h"
#include "pipelines/testing/testing_config.h"
#include "pipelines/training/same_config.h"

namespace pipelines {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TrainingConsole Console(const std::string& run_folder = "runs/demo") {
  ConsoleOptions options;
  options.config = "demo";
  options.run_folder = run_folder;
  options.resume_command = "train --config demo";
  return TrainingConsole(options);
}

TEST(TrainingConsole, GivesErrorsTheirExitCodes) {
  const TrainingConsole console = Console();
  CheckpointState state;
  *state.mutable_config() = *TinyConfig();
  const absl::Status mismatch =
      CheckSameConfig("run", state, *TinyConfig({"losses.warp=3"}), 1);
  EXPECT_EQ(ExitCode(console.Explain(mismatch)), kExitUsage);
  EXPECT_EQ(ExitCode(console.Explain(absl::OutOfRangeError("NaN"))), 3);
  EXPECT_EQ(ExitCode(console.Explain(absl::DataLossError("broken"))), 1);
  EXPECT_EQ(ExitCode(console.Explain(absl::UnavailableError("locked"))), 129);
  EXPECT_EQ(ExitCode(console.Explain(absl::OkStatus())), 0);
}

TEST(TrainingConsole, SaysWhatToDoAboutARunOfAnotherConfig) {
  CheckpointState state;
  *state.mutable_config() = *TinyConfig();
  const absl::Status mismatch =
      CheckSameConfig("runs/demo", state, *TinyConfig({"losses.warp=3"}), 1);
  EXPECT_EQ(Console().Explain(mismatch).message(),
            absl::StrCat(mismatch.message(),
                         "; name another --output. To train on with other "
                         "settings, begin there with these weights: --set "
                         "training.initial_weights=runs/demo"));
  EXPECT_THAT(Console("my runs/demo").Explain(mismatch).message(),
              HasSubstr("--set 'training.initial_weights=my runs/demo'"));
}

// The signal may have come to another process of the run.
TEST(TrainingConsole, SaysWhatIsSavedAndHowToGoOn) {
  TrainingConsole console = Console();
  const absl::Status cancelled = absl::CancelledError("stopped");
  EXPECT_EQ(ExitCode(console.Explain(cancelled)), 128 + SIGTERM);
  console.Stopped("runs/demo/checkpoints/step-19.safetensors", 19);
  EXPECT_EQ(console.Explain(cancelled).message(),
            "stopped by SIGTERM; step 19 is saved in "
            "runs/demo/checkpoints/step-19.safetensors. To go on:\n"
            "  train --config demo");
  console.Stopped("", 0);
  EXPECT_EQ(console.Explain(cancelled).message(),
            "stopped by SIGTERM; no step is taken yet. To go on:\n"
            "  train --config demo");
}

TEST(TrainingConsole, WarnsOfAModelThatIsOfNoUse) {
  TrainingConfig training;
  training.set_motion_steps(5);
  EvaluationResult result;
  result.first_frame.l1 = 0.02;
  result.model.l1 = 0.03;
  EXPECT_THAT(ResultWarning(training, 5, result),
              AllOf(HasSubstr("nothing has learnt to paint"),
                    HasSubstr("with a larger training.num_epochs")));
  EXPECT_THAT(ResultWarning(training, 6, result),
              HasSubstr("no better than their first frame, unmoved: L1 0.0300 "
                        "and 0.0200"));
  result.model.l1 = 0.01;
  EXPECT_EQ(ResultWarning(training, 6, result), "");
  // As of clips of one frame.
  result.first_frame.l1 = 0;
  EXPECT_THAT(ResultWarning(training, 6, result),
              HasSubstr("nothing moves in the test frames"));
}

TEST(TrainingConsole, NamesTheInstalledCommandThatAnimates) {
  char* const name =
      std::exchange(program_invocation_name, const_cast<char*>("cpab-train"));
  EXPECT_THAT(AnimateCommand("/runs/demo"),
              HasSubstr("cpab-animate --checkpoint /runs/demo --source "));
  program_invocation_name = name;
}

TEST(TrainingConsole, NamesInstalledCommandsInWarnings) {
  char* const name =
      std::exchange(program_invocation_name, const_cast<char*>("cpab-train"));
  TrainingConsole console = Console();
  testing::internal::CaptureStderr();
  console.MakeHooks({}).Warn("use tools/bazelw run //pipelines:train -- --avd");
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "train: warning: use cpab-train --avd\n");
  program_invocation_name = name;
}

TEST(TrainingConsole, PrintsNotesWithNothingThatATerminalObeys) {
  TrainingConsole console = Console();
  testing::internal::CaptureStdout();
  console.MakeHooks({}).Note("the clips are now in a\x1b[2J\nb");
  EXPECT_EQ(testing::internal::GetCapturedStdout(),
            "train: the clips are now in a [2J b\n");
}

TEST(TrainingConsole, NamesTheCommandThatAnimates) {
  EXPECT_THAT(AnimateCommand("/runs/demo"),
              HasSubstr("animate -- --checkpoint /runs/demo --source "));
  EXPECT_THAT(AnimateCommand("/my runs/demo"),
              HasSubstr(" --checkpoint '/my runs/demo' --source "));
}

}  // namespace
}  // namespace pipelines
