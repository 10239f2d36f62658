#include "pipelines/base/child_process.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "pipelines/base/deadline.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

// Of a child that something else in this process has waited for.
constexpr int kUnknownExitCode = 255;

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(&text[0]);
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> Environment(const ChildOptions& options) {
  std::vector<std::string> result;
  for (char** variable = environ;
       !options.only_variables && *variable != nullptr; ++variable) {
    const std::string text = *variable;
    if (options.variables.count(text.substr(0, text.find('='))) == 0) {
      result.push_back(text);
    }
  }
  for (const auto& [name, value] : options.variables) {
    result.push_back(absl::StrCat(name, "=", value));
  }
  return result;
}

// What the child needs after fork(), where no memory can be had.
struct Execution {
  char* const* arguments;
  char* const* environment;
  // Of the child's standard input, output and error: its own, or -1.
  int descriptors[3];
  const ChildOptions* options;
  pid_t parent;
  int error_pipe;
};

// Gives the child its descriptors.
bool PlaceDescriptors(const int (&descriptors)[3]) {
  constexpr int kBeyond = 3;
  int sources[3];
  // One of them may have the number of another one's place.
  for (int i = 0; i < 3; ++i) {
    sources[i] = -1;
    if (descriptors[i] < 0) continue;
    sources[i] = fcntl(descriptors[i], F_DUPFD_CLOEXEC, kBeyond);
    if (sources[i] < 0) return false;
  }
  for (int i = 0; i < 3; ++i) {
    if (sources[i] >= 0 && dup2(sources[i], i) < 0) return false;
  }
  return true;
}

// Marks all beyond standard error to be closed when the program starts; some
// may be needed until then.
bool CloseOthers() {
  constexpr unsigned kCloseOnExec = 1U << 2;  // CLOSE_RANGE_CLOEXEC
  return syscall(SYS_close_range, 3U, ~0U, kCloseOnExec) == 0;
}

// What is to be done before the program starts: 0, or the error.
int Prepare(const Execution& execution) {
  const ChildOptions& options = *execution.options;
  if (!PlaceDescriptors(execution.descriptors)) return errno;
  if (options.closes_others && !CloseOthers()) return errno;
  return options.before_start ? options.before_start() : 0;
}

// The parent's handlers would take a signal until execve forgets them, and with
// them the signal.
void ResetStopSignals(int death_signal) {
  for (const int number : {SIGINT, SIGTERM, SIGUSR1, SIGHUP}) {
    struct sigaction action = {};
    sigaction(number, nullptr, &action);
    if (action.sa_handler != SIG_IGN) signal(number, SIG_DFL);
  }
  signal(death_signal, SIG_DFL);
}

// In the child: does not return. Only calls that are safe after fork().
[[noreturn]] void Execute(const Execution& execution) {
  setpgid(0, 0);
  ResetStopSignals(execution.options->death_signal);
  // On a terminal its group is one of the background, which may not write to
  // all terminals.
  signal(SIGTTOU, SIG_IGN);
  prctl(PR_SET_PDEATHSIG, execution.options->death_signal);
  int error = Prepare(execution);
  // The parent may have died before.
  if (error == 0 && getppid() == execution.parent) {
    execve(execution.arguments[0], execution.arguments, execution.environment);
    error = errno;
  }
  if (write(execution.error_pipe, &error, sizeof(error)) < 0) _exit(127);
  _exit(127);
}

// Whoever started this process may have had it ignore the ends of children: the
// system then forgets them, exit codes and all. Safe from several threads.
void KeepEndsOfChildren() {
  struct sigaction action = {};
  sigaction(SIGCHLD, nullptr, &action);
  if (action.sa_handler == SIG_IGN || (action.sa_flags & SA_NOCLDWAIT) != 0) {
    signal(SIGCHLD, SIG_DFL);
  }
}

// The error of execve, or 0 once it has replaced the child.
int ReadError(int error_pipe) {
  int error = 0;
  while (read(error_pipe, &error, sizeof(error)) < 0 && errno == EINTR) {
  }
  return error;
}

absl::StatusOr<pid_t> Spawn(std::vector<std::string> command,
                            const ChildOptions& options, int log) {
  std::vector<std::string> environment = Environment(options);
  const std::vector<char*> arguments = Pointers(command);
  const std::vector<char*> variables = Pointers(environment);
  int error_pipe[2];
  if (pipe2(error_pipe, O_CLOEXEC) != 0) {
    return absl::ErrnoToStatus(errno, "cannot make a pipe");
  }
  Execution execution = {arguments.data(), variables.data(), {-1, log, log},
                         &options,         getpid(),         error_pipe[1]};
  for (const auto& [number, descriptor] : options.descriptors) {
    execution.descriptors[number] = descriptor;
  }
  const pid_t child = fork();
  if (child == 0) Execute(execution);
  const int fork_error = errno;
  close(error_pipe[1]);
  const int error = child < 0 ? fork_error : ReadError(error_pipe[0]);
  close(error_pipe[0]);
  if (error == 0) return child;
  if (child > 0) waitpid(child, nullptr, 0);
  return absl::ErrnoToStatus(
      error, absl::StrCat(command[0], ": cannot start this program"));
}

// While it is there, Ctrl-Z sets a flag.
class PauseSignal {
 public:
  PauseSignal() {
    is_asked_ = 0;
    sigaction(SIGTSTP, nullptr, &before_);
    Install();
  }
  ~PauseSignal() {
    sigaction(SIGTSTP, &before_, nullptr);
    if (is_asked_ != 0) raise(SIGTSTP);
  }

  // Stops `child` and this process until this process is continued.
  void StopIfAsked(const ChildProcess& child) {
    if (is_asked_ == 0) return;
    is_asked_ = 0;
    child.Signal(SIGSTOP);
    // Not SIGSTOP, after which nobody may be there to continue it.
    sigaction(SIGTSTP, &before_, nullptr);
    raise(SIGTSTP);
    Install();
    child.Signal(SIGCONT);
  }

 private:
  void Install() {
    if (before_.sa_handler == SIG_IGN) return;
    struct sigaction action = {};
    action.sa_handler = [](int) { is_asked_ = 1; };
    action.sa_flags = SA_RESTART;
    sigaction(SIGTSTP, &action, nullptr);
  }

  static volatile sig_atomic_t is_asked_;
  struct sigaction before_ = {};
};

volatile sig_atomic_t PauseSignal::is_asked_ = 0;

double SecondsOf(const timeval& time) {
  return static_cast<double>(time.tv_sec) +
         1e-6 * static_cast<double>(time.tv_usec);
}

}  // namespace

absl::StatusOr<ChildProcess> ChildProcess::Start(
    const std::vector<std::string>& command, const ChildOptions& options) {
  KeepEndsOfChildren();
  int log = -1;
  if (!options.log.empty()) {
    log = open(options.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
               0666);
    if (log < 0) {
      return absl::ErrnoToStatus(
          errno, absl::StrCat(options.log, ": cannot open this file"));
    }
  }
  const absl::StatusOr<pid_t> id = Spawn(command, options, log);
  if (log >= 0) close(log);
  RETURN_IF_ERROR(id.status());
  return ChildProcess(*id);
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : id_(other.id_),
      ended_(std::exchange(other.ended_, true)),
      exit_code_(other.exit_code_),
      usage_(other.usage_) {}

ChildProcess::~ChildProcess() {
  if (ended_) return;
  Signal(SIGKILL);
  Wait();
}

void ChildProcess::Signal(int signal) const {
  if (!ended_) kill(id_, signal);
}

bool ChildProcess::IsRunning() {
  if (ended_) return false;
  int status = 0;
  rusage usage = {};
  const pid_t ended = wait4(id_, &status, WNOHANG, &usage);
  if (ended == 0 || (ended < 0 && errno == EINTR)) return true;
  ended_ = true;
  if (ended < 0) {
    exit_code_ = kUnknownExitCode;
    return false;
  }
  usage_ = {SecondsOf(usage.ru_utime) + SecondsOf(usage.ru_stime),
            static_cast<double>(usage.ru_maxrss) / 1024};  // of KiB
  exit_code_ =
      WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return false;
}

int ChildProcess::Wait() { return WaitFor(absl::InfiniteDuration()); }

int ChildProcess::WaitFor(absl::Duration timeout) {
  const Deadline end(timeout);
  while (IsRunning()) {
    if (end.HasPassed()) return -1;
    absl::SleepFor(absl::Milliseconds(5));
  }
  return exit_code_;
}

absl::StatusOr<int> RunChild(const std::vector<std::string>& command,
                             const std::function<bool()>& stop) {
  ASSIGN_OR_RETURN(ChildProcess child, ChildProcess::Start(command));
  PauseSignal pause;
  bool is_told = false;
  while (child.IsRunning()) {
    pause.StopIfAsked(child);
    if (!is_told && stop && stop()) {
      child.Signal(SIGTERM);
      is_told = true;
    }
    absl::SleepFor(absl::Milliseconds(50));
  }
  return child.Wait();
}

std::string SiblingProgram(const std::string& name) {
  std::error_code error;
  const std::filesystem::path self =
      std::filesystem::read_symlink("/proc/self/exe", error);
  return self.parent_path() / name;
}

}  // namespace pipelines
