// What the program train says on the terminal: the run, a progress bar, its
// results, and how it ended. The libraries print nothing.
#ifndef PIPELINES_TRAINING_CONSOLE_H_
#define PIPELINES_TRAINING_CONSOLE_H_

#include <cstdint>
#include <cstdio>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "pipelines/app/progress.h"
#include "pipelines/base/work_hooks.h"
#include "pipelines/config/config.pb.h"
#include "pipelines/evaluation/reconstruction.h"
#include "pipelines/training/run_time.h"
#include "pipelines/training/training_observer.h"

namespace pipelines {

// The command that animates a picture of the user's with `checkpoint`, a file
// or the folder of a run, which stands for its best one.
std::string AnimateCommand(const std::string& checkpoint);

// What a user should know before they animate with a model that ended after
// `step` steps with these scores: that it has not learnt to paint yet, or that
// its frames are no nearer to the test clips than their first frames are, or
// that nothing moves in these. Empty otherwise.
std::string ResultWarning(const TrainingConfig& training, int64_t step,
                          const EvaluationResult& result);

struct ConsoleOptions {
  // How the user names the config.
  std::string config;
  // Where the run is.
  std::string run_folder;
  // The command that goes on with the run when it was stopped.
  std::string resume_command;
  // Prints where the time of a step goes when training ends.
  bool profile = false;
};

// Sentences go to standard output, the bar and warnings to standard error. One
// thread at a time.
class TrainingConsole : public TrainingObserver {
 public:
  explicit TrainingConsole(ConsoleOptions options)
      : options_(std::move(options)) {}

  // What else the training's libraries tell goes through the console, too, so
  // that lines do not run into the bar. `stop` is passed on. Not to be used
  // when the console is gone.
  WorkHooks MakeHooks(std::function<bool()> stop);

  // What Train returned with its exit code (app/exit_code.h). Of a run that was
  // stopped, with what is saved and the command that goes on with it.
  absl::Status Explain(const absl::Status& status) const;

  void Describe(const RunDescription& run) override;
  absl::Status Begin(const RunView& run) override;
  void TimeWholeStep(double seconds) override;
  absl::Status AfterStep(const RunView& run, const StepReport& report,
                         const StepTime& time) override;
  absl::Status Measure(const RunView& run, const std::string& name,
                       double value) override;
  absl::Status End(const RunView& run, const StageTimer& timer) override;
  absl::Status Conclude(const RunView& run,
                        const Evaluation& evaluation) override;
  void Stopped(const std::string& checkpoint, int64_t step) override;

 private:
  void StartBar(const RunView& run);
  void ShowTask(const WorkProgress& progress);
  void Print(std::FILE* stream, const std::string& line);

  const ConsoleOptions options_;
  std::optional<RunTime> time_;
  // Of the steps, while there are some; of a task outside of them.
  std::optional<ProgressBar> bar_;
  std::optional<ProgressBar> task_bar_;
  std::string task_;
  int64_t step_ = 0;  // the last
  int64_t steps_of_session_ = 0;
  std::string losses_;    // of the last step, in words
  std::string measured_;  // "  test/l1 0.0312", the last that was measured
  int processes_ = 1;
  std::string stopped_;  // what is saved and how to go on
};

}  // namespace pipelines

#endif  // PIPELINES_TRAINING_CONSOLE_H_
