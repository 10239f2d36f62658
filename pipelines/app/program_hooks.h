// The hooks that a program gives to libraries (base/work_hooks.h): its stop
// signals, progress bars and warnings on standard error, notes on standard
// output.
#ifndef PIPELINES_APP_PROGRAM_HOOKS_H_
#define PIPELINES_APP_PROGRAM_HOOKS_H_

#include <memory>
#include <mutex>
#include <string>

#include "pipelines/app/progress.h"
#include "pipelines/base/work_hooks.h"

namespace pipelines {

// Lives longer than its hooks.
class ProgramHooks {
 public:
  // Notes begin with "<program>: ", warnings with "<program>: warning: ".
  // Without `shows_progress` there are no bars.
  explicit ProgramHooks(std::string program, bool shows_progress = true);

  ProgramHooks(const ProgramHooks&) = delete;
  ProgramHooks& operator=(const ProgramHooks&) = delete;

  WorkHooks hooks();

 private:
  void Show(const WorkProgress& progress);
  void Print(const std::string& line);

  const std::string program_;
  const bool shows_progress_;
  std::mutex mutex_;
  std::string stage_;  // of the bar
  std::unique_ptr<ProgressBar> bar_;
};

}  // namespace pipelines

#endif  // PIPELINES_APP_PROGRAM_HOOKS_H_
