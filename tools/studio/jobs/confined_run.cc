#include "tools/studio/jobs/confined_run.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "absl/cleanup/cleanup.h"
#include "absl/time/time.h"
#include "pipelines/base/deadline.h"
#include "pipelines/base/runfile.h"
#include "third_party/absl/status_macros.h"

namespace studio {
namespace {

namespace fs = std::filesystem;
using pipelines::Deadline;

constexpr char kFolder[] = "tools/studio/jobs/";

// Where a program finds its libraries and files, and its language.
constexpr const char* kKept[] = {"LD_LIBRARY_PATH", "RUNFILES_DIR", "PATH",
                                 "LANG", "LC_ALL"};

// The folder of runfiles that `program` lies in; empty if it is in none.
std::string RunfilesOf(const std::string& program) {
  const size_t end = program.rfind("/cpab_animation/" + std::string(kFolder));
  return end == std::string::npos ? "" : program.substr(0, end);
}

// How often ConfinedRun::kill is asked.
constexpr absl::Duration kTurn = absl::Seconds(1);

// Whether the child has to be killed by now; then it is noted in the answer.
bool IsOver(const ConfinedRun& run, const Deadline& end,
            ConfinedAnswer* answer) {
  answer->was_killed = run.kill && run.kill();
  answer->was_too_late = !answer->was_killed && end.HasPassed();
  return answer->was_killed || answer->was_too_late;
}

absl::Duration Turn(const Deadline& end) { return std::min(kTurn, end.Left()); }

// Reads the pipe until its end. False where the child has to be killed.
bool ReadAnswer(int pipe, const ConfinedRun& run, const Deadline& end,
                ConfinedAnswer* answer) {
  constexpr size_t kChunk = size_t{1} << 16;
  std::string chunk(kChunk, '\0');
  while (!IsOver(run, end, answer)) {
    pollfd wanted = {pipe, POLLIN, 0};
    const int64_t milliseconds = absl::ToInt64Milliseconds(Turn(end)) + 1;
    if (poll(&wanted, 1, static_cast<int>(milliseconds)) <= 0) continue;
    const ssize_t count = read(pipe, &chunk[0], chunk.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return true;
    answer->output.append(chunk, 0, static_cast<size_t>(count));
    if (answer->output.size() > run.max_output) {
      answer->was_too_long = true;
      return false;
    }
  }
  return false;
}

// Waits for its exit code. False where the child has to be killed.
bool WaitForEnd(pipelines::ChildProcess* child, const ConfinedRun& run,
                const Deadline& end, ConfinedAnswer* answer) {
  do {
    answer->exit_code = child->WaitFor(Turn(end));
    if (answer->exit_code >= 0) return true;
  } while (!IsOver(run, end, answer));
  return false;
}

}  // namespace

std::string JobProgram(const std::string& name) {
  std::error_code error;
  return fs::absolute(pipelines::RunfilePath(kFolder + name), error).string();
}

pipelines::ChildOptions ConfinedChild(const std::string& program,
                                      const ProcessLimits& limits,
                                      const FileJail* jail) {
  pipelines::ChildOptions options;
  options.only_variables = true;
  for (const char* name : kKept) {
    if (const char* value = std::getenv(name)) options.variables[name] = value;
  }
  // The files of a program that Bazel builds for another one are in the other
  // one's folder.
  if (const std::string folder = RunfilesOf(program); !folder.empty()) {
    options.variables["RUNFILES_DIR"] = folder;
  }
  options.closes_others = true;
  options.death_signal = SIGKILL;
  options.before_start = [&limits, jail] {
    if (const int error = SetLimits(limits); error != 0) return error;
    return jail == nullptr ? 0 : jail->Enter();
  };
  return options;
}

absl::StatusOr<ConfinedAnswer> RunConfined(const ConfinedRun& run) {
  const Deadline end(run.timeout);
  const int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (nothing < 0) return absl::ErrnoToStatus(errno, "/dev/null");
  const absl::Cleanup close_nothing = [nothing] { close(nothing); };
  int pipe[2];
  if (pipe2(pipe, O_CLOEXEC) != 0) {
    return absl::ErrnoToStatus(errno, "cannot make a pipe");
  }
  const absl::Cleanup close_pipe = [&pipe] { close(pipe[0]); };
  pipelines::ChildOptions options =
      ConfinedChild(run.command[0], run.limits, run.jail);
  options.only_variables = !run.keeps_variables;
  options.descriptors = {
      {0, run.input < 0 ? nothing : run.input}, {1, pipe[1]}, {2, nothing}};
  absl::StatusOr<pipelines::ChildProcess> child =
      pipelines::ChildProcess::Start(run.command, options);
  close(pipe[1]);
  RETURN_IF_ERROR(child.status());
  ConfinedAnswer answer;
  if (!ReadAnswer(pipe[0], run, end, &answer) ||
      !WaitForEnd(&*child, run, end, &answer)) {
    child->Signal(SIGKILL);
    answer.exit_code = child->Wait();
  }
  return answer;
}

}  // namespace studio
