#include "pipelines/base/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "pipelines/base/stop_signal.h"

namespace pipelines {
namespace {

// In the child: does not return. Only calls that are safe after fork().
[[noreturn]] void Execute(char* const* arguments, pid_t parent,
                          int error_pipe) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  // The parent may have died before.
  if (getppid() == parent) execv(arguments[0], arguments);
  const int error = errno;
  if (write(error_pipe, &error, sizeof(error)) < 0) _exit(127);
  _exit(127);
}

// The error of execv, or 0 once it has replaced the child.
int ReadError(int error_pipe) {
  int error = 0;
  while (read(error_pipe, &error, sizeof(error)) < 0 && errno == EINTR) {
  }
  return error;
}

int WaitAndHandOnSignals(pid_t child) {
  constexpr int kPollMicroseconds = 50'000;
  bool told = false;
  int status = 0;
  while (waitpid(child, &status, WNOHANG) == 0) {
    if (StopSignal() != 0 && !told) {
      kill(child, StopSignal());
      told = true;
    }
    usleep(kPollMicroseconds);
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

absl::StatusOr<int> RunChild(const std::vector<std::string>& command) {
  std::vector<char*> arguments;
  for (const std::string& argument : command) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  int error_pipe[2];
  if (pipe2(error_pipe, O_CLOEXEC) != 0) {
    return absl::ErrnoToStatus(errno, "cannot make a pipe");
  }
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child == 0) Execute(arguments.data(), parent, error_pipe[1]);
  const int fork_error = errno;
  close(error_pipe[1]);
  const int error = child < 0 ? fork_error : ReadError(error_pipe[0]);
  close(error_pipe[0]);
  if (error != 0) {
    if (child > 0) waitpid(child, nullptr, 0);
    return absl::ErrnoToStatus(
        error, absl::StrCat(command[0], ": cannot start this program"));
  }
  return WaitAndHandOnSignals(child);
}

std::string SiblingProgram(const std::string& name) {
  std::error_code error;
  const std::filesystem::path self =
      std::filesystem::read_symlink("/proc/self/exe", error);
  return self.parent_path() / name;
}

}  // namespace pipelines
