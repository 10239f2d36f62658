// Other programs, run and waited for.
#ifndef PIPELINES_BASE_CHILD_PROCESS_H_
#define PIPELINES_BASE_CHILD_PROCESS_H_

#include <sys/types.h>

#include <csignal>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace pipelines {

struct ChildOptions {
  // Where its standard output and error are added; empty: this process's own.
  std::string log;
  // Variables of the environment, besides those of this process or instead of
  // them.
  std::map<std::string, std::string> variables = {};
  // `variables` are all that it has.
  bool only_variables = false;

  // Standard input, output and error (0 to 2) of the child: descriptors of this
  // process, which stay open here. Those not named are this process's own, or
  // the log.
  std::map<int, int> descriptors = {};
  // Closes everything beyond these three, also what was not opened to be closed
  // when a program starts.
  bool closes_others = false;

  // What it gets if the thread that started it ends.
  int death_signal = SIGTERM;

  // Called in the child before the program starts, after fork() in a process
  // that may have many threads: it makes system calls and nothing else. Gives 0
  // or the error (errno), with which Start fails.
  std::function<int()> before_start = {};
};

// What a program has used, with those that it started and waited for.
struct ChildUsage {
  double processor_seconds = 0;  // of all threads
  // Resident set of the largest process, in 2^20 bytes. The system counts from
  // fork() on: at least that of this process when it started the program.
  double peak_mb = 0;
};

// A program that runs. It is in a process group of its own, so that Ctrl-C on a
// terminal reaches it through this process alone, and gets a signal if the
// thread that started it ends. From the first one on, this process no longer
// ignores SIGCHLD, if whoever started it had it do so.
class ChildProcess {
 public:
  // Starts `command` (path and arguments) in this process's folder. The
  // system's error if it cannot be started or the log cannot be opened.
  static absl::StatusOr<ChildProcess> Start(
      const std::vector<std::string>& command,
      const ChildOptions& options = {});

  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&&) = delete;
  // Kills it if it runs.
  ~ChildProcess();

  pid_t id() const { return id_; }
  void Signal(int signal) const;
  bool IsRunning();

  // Waits for the end: the exit code, or 128 + the signal that ended it; 255 if
  // something else in this process has taken it.
  // WaitFor() gives up after `timeout` and returns -1.
  int Wait();
  int WaitFor(absl::Duration timeout);

  // After its end.
  const ChildUsage& usage() const { return usage_; }

 private:
  explicit ChildProcess(pid_t id) : id_(id) {}

  pid_t id_;
  bool ended_ = false;
  int exit_code_ = 0;
  ChildUsage usage_;
};

// Runs `command` to its end and returns its exit code, as Wait(). `stop`, which
// may be empty, is asked now and then; when it says so, the program gets
// SIGTERM, once, and is waited for. Ctrl-Z stops it with this process, one call
// at a time. The errors of Start.
absl::StatusOr<int> RunChild(const std::vector<std::string>& command,
                             const std::function<bool()>& stop = {});

// The path of the program `name` beside the one that is running.
std::string SiblingProgram(const std::string& name);

}  // namespace pipelines

#endif  // PIPELINES_BASE_CHILD_PROCESS_H_
