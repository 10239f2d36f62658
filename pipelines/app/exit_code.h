// The exit codes of all binaries: below 128 where trying the same again cannot
// help, above 128 where it can (CanTryAgain).
//
//     0  done
//     1  an input is bad: a file, an image, a video, a checkpoint
//     2  usage: a flag or the config
//     3  training diverged: a loss is not finite
//   129  the system is in the way: disk full, not enough memory, folder locked
//        or read-only; or the terminal was closed (SIGHUP): as after Ctrl-C
//   130  stopped by Ctrl-C: the work is saved, run again to continue
//   138  stopped by SIGUSR1: likewise
//   143  stopped by SIGTERM: likewise
#ifndef PIPELINES_APP_EXIT_CODE_H_
#define PIPELINES_APP_EXIT_CODE_H_

#include <cstdio>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace pipelines {

inline constexpr int kExitUsage = 2;

// Exit codes as listed above, of main() for `status`.
int ExitCode(const absl::Status& status);

// Whether the code of a program that ended is one of those above with which
// trying again can help. A program that crashed or was killed has none of them
// (128 + the signal, see base/child_process.h), and would end so again.
bool CanTryAgain(int exit_code);

// `message` on one line, without what a terminal obeys, in UTF-8, too: names in
// files of others may hold anything.
std::string OneLine(absl::string_view message);

// Prints OneLine(`line`) and the end of the line.
void PrintLine(std::FILE* stream, absl::string_view line);

// Prints each line of `text`, as of a table, by PrintLine.
void PrintLines(std::FILE* stream, absl::string_view text);

// Prints "<program>: error: <message>", on one line, to stderr unless `status`
// is OK; "<program>: <message>" of work that was stopped (Cancelled), which is
// no error. Returns ExitCode(status).
int Exit(const char* program, const absl::Status& status);

// Status of a run that a signal stopped after saving its work. `more`, if any,
// tells the user what is saved and how to go on.
absl::Status StoppedBySignal(int signal, const std::string& more = "");

// Status of a training whose loss is not finite.
absl::Status DivergedError(const std::string& message);

// Status of a mistake on the command line or in the config.
absl::Status UsageError(const absl::Status& status);

// Likewise, of a value that the command line or the config decides.
template <typename T>
absl::StatusOr<T> UsageError(absl::StatusOr<T> value) {
  if (!value.ok()) return UsageError(value.status());
  return value;
}

}  // namespace pipelines

#endif  // PIPELINES_APP_EXIT_CODE_H_
