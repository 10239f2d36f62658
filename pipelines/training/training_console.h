// What a training says on the terminal: who it is, a progress bar, its results.
// For the program; the library prints nothing.
#ifndef PIPELINES_TRAINING_TRAINING_CONSOLE_H_
#define PIPELINES_TRAINING_TRAINING_CONSOLE_H_

#include <cstdint>
#include <cstdio>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "pipelines/app/progress.h"
#include "pipelines/base/work_hooks.h"
#include "pipelines/training/run_time.h"
#include "pipelines/training/training_observer.h"

namespace pipelines {

// An error of Train with the exit code that it has in programs.
absl::Status ExplainTrainingError(const absl::Status& status);

struct ConsoleOptions {
  // How the user names the config.
  std::string command;
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

  void Describe(const RunDescription& run) override;
  absl::Status Begin(const RunView& run) override;
  void TimeWholeStep(double seconds) override;
  absl::Status AfterStep(const RunView& run, const StepReport& report,
                         const StepTime& time) override;
  absl::Status End(const RunView& run, const StageTimer& timer) override;
  absl::Status Conclude(const RunView& run,
                        const Evaluation& evaluation) override;

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
  std::string losses_;  // of the last step, in words
};

}  // namespace pipelines

#endif  // PIPELINES_TRAINING_TRAINING_CONSOLE_H_
