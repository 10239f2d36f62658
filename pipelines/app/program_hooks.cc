#include "pipelines/app/program_hooks.h"

#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "pipelines/app/exit_code.h"
#include "pipelines/app/installed_commands.h"
#include "pipelines/base/stop_signal.h"

namespace pipelines {

ProgramHooks::ProgramHooks(std::string program, bool shows_progress)
    : program_(std::move(program)), shows_progress_(shows_progress) {}

WorkHooks ProgramHooks::hooks() {
  WorkHooks hooks;
  hooks.stop = [] { return StopSignal() != 0; };
  if (shows_progress_) {
    hooks.progress = [this](const WorkProgress& now) { Show(now); };
  }
  hooks.note = [this](const std::string& note) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (bar_ != nullptr) bar_->Clear();
    PrintLine(stdout, absl::StrCat(program_, ": ", CommandsForUser(note)));
  };
  hooks.warn = [this](const std::string& warning) {
    Print(OneLine(
        absl::StrCat(program_, ": warning: ", CommandsForUser(warning))));
  };
  return hooks;
}

// One bar a stage; it ends with the stage, or where another one begins.
void ProgramHooks::Show(const WorkProgress& progress) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (bar_ == nullptr || progress.stage != stage_ || progress.done == 0) {
    bar_.reset();
    stage_ = std::string(progress.stage);
    ProgressOptions options;
    options.title = stage_;
    options.unit = std::string(progress.unit);
    options.total = progress.total;
    options.done = progress.done;
    bar_ = std::make_unique<ProgressBar>(options);
  }
  bar_->Update(progress.done, progress.extra);
  if (progress.total == 0 || progress.done < progress.total) return;
  bar_->Finish();
  bar_.reset();
}

void ProgramHooks::Print(const std::string& line) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (bar_ != nullptr) {
    bar_->Print(line);
  } else {
    std::fprintf(stderr, "%s\n", line.c_str());
  }
}

}  // namespace pipelines
