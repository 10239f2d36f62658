// Another program, run to be watched and killed. For tests and tools.
#ifndef PIPELINES_TRAINING_CHILD_PROCESS_H_
#define PIPELINES_TRAINING_CHILD_PROCESS_H_

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace pipelines {

class ChildProcess {
 public:
  // Starts `command` with the variables of this process and `variables`; what
  // it prints goes to the file `log`. The errors of posix_spawn.
  static absl::StatusOr<ChildProcess> Start(
      const std::vector<std::string>& command, const std::string& log,
      const std::map<std::string, std::string>& variables = {});

  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&&) = delete;
  // Kills it if it runs.
  ~ChildProcess();

  pid_t id() const { return id_; }
  void Signal(int signal) const;
  bool IsRunning();

  // Waits for the end: the exit code, or 128 + the signal that ended it.
  // WaitFor() gives up after `timeout` and returns -1.
  int Wait();
  int WaitFor(absl::Duration timeout);

 private:
  explicit ChildProcess(pid_t id) : id_(id) {}

  pid_t id_;
  bool ended_ = false;
  int exit_code_ = 0;
};

}  // namespace pipelines

#endif  // PIPELINES_TRAINING_CHILD_PROCESS_H_
