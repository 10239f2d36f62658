// How a caller follows and ends the long work of a library.
//
// Libraries know no program: they read no signal flag, print nothing and draw
// no progress bars. So a server that embeds them can follow and cancel one job
// of many. Programs get theirs from app/program_hooks.h.
#ifndef PIPELINES_BASE_WORK_HOOKS_H_
#define PIPELINES_BASE_WORK_HOOKS_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace pipelines {

// How far a stage of the work is.
struct WorkProgress {
  absl::string_view stage;  // as "evaluate"; a new one begins a new count
  absl::string_view unit;   // what is counted, as "clips"
  int64_t done = 0;         // 0 to total
  int64_t total = 0;        // 0 where it is not known
  absl::string_view extra;  // more to show, as "loss 0.12"
};

// Each may be empty. Each is called from any thread, one call of it at a time;
// `stop` also while another call runs.
struct WorkHooks {
  // Asked between steps; true ends the work with Cancelled.
  std::function<bool()> stop;

  // After each step of a stage; with done 0 at its beginning.
  std::function<void(const WorkProgress& progress)> progress;

  // What the user should know: what the work goes on with, and what is not as
  // it should be, though the work goes on. One sentence each.
  std::function<void(const std::string& note)> note;
  std::function<void(const std::string& warning)> warn;

  bool IsStopped() const { return stop && stop(); }
  void Report(const WorkProgress& now) const {
    if (progress) progress(now);
  }
  void Note(const std::string& text) const {
    if (note) note(text);
  }
  void Warn(const std::string& warning) const {
    if (warn) warn(warning);
  }
};

// Of work that its caller has stopped. The program that did so knows why.
inline absl::Status StoppedError() { return absl::CancelledError("stopped"); }

// StoppedError if the caller wants the work to end.
inline absl::Status CheckNotStopped(const WorkHooks& hooks) {
  return hooks.IsStopped() ? StoppedError() : absl::OkStatus();
}

}  // namespace pipelines

#endif  // PIPELINES_BASE_WORK_HOOKS_H_
