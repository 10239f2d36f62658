#include "tools/studio/jobs/worker_run.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <optional>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "networks/files/system_error.h"
#include "pipelines/base/child_process.h"
#include "pipelines/base/deadline.h"
#include "third_party/absl/status_macros.h"
#include "tools/studio/jobs/confined_run.h"
#include "tools/studio/jobs/jail.h"

namespace studio {
namespace {

constexpr int kPollMilliseconds = 50;
constexpr int64_t kDescriptors = 256;
constexpr char kSharedMemory[] = "/dev/shm";

// A worker that runs, and the other end of its pipe.
class Worker {
 public:
  Worker(const WorkerRun& run, pipelines::ChildProcess child, int pipe)
      : run_(run), child_(std::move(child)), pipe_(pipe) {}
  ~Worker() { close(pipe_); }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  absl::StatusOr<WorkerEvent> Follow();

 private:
  // Whether there may be more to read.
  bool ReadSome();
  absl::Status HandleEvents();
  void TellToEnd();
  absl::Status WhyEnded(int exit_code) const;

  const WorkerRun& run_;
  pipelines::ChildProcess child_;
  const int pipe_;
  EventReader reader_;
  std::optional<WorkerEvent> last_;          // done or error
  std::optional<pipelines::Deadline> told_;  // to end until then
  bool killed_ = false;
};

bool Worker::ReadSome() {
  pollfd wanted = {pipe_, POLLIN, 0};
  if (poll(&wanted, 1, kPollMilliseconds) <= 0) return true;
  std::string chunk(size_t{1} << 16, '\0');
  const ssize_t count = read(pipe_, &chunk[0], chunk.size());
  if (count < 0) return errno == EINTR;
  reader_.Add({chunk.data(), static_cast<size_t>(count)});
  return count > 0;
}

absl::Status Worker::HandleEvents() {
  for (;;) {
    ASSIGN_OR_RETURN(std::optional<WorkerEvent> event, reader_.Next());
    if (!event) return absl::OkStatus();
    if (event->kind == WorkerEvent::Kind::kDone ||
        event->kind == WorkerEvent::Kind::kError) {
      last_ = *std::move(event);
    } else {
      run_.event(*event);
    }
  }
}

void Worker::TellToEnd() {
  if (!told_ && run_.stop()) {
    child_.Signal(SIGTERM);
    told_.emplace(run_.grace);
  }
  const bool is_late = told_ && told_->HasPassed();
  if (!killed_ && (is_late || run_.kill())) {
    child_.Signal(SIGKILL);
    killed_ = true;
  }
}

absl::Status Worker::WhyEnded(int exit_code) const {
  if (last_ && last_->kind == WorkerEvent::Kind::kError) return last_->error;
  if (exit_code == 128 + SIGKILL) {
    return absl::ResourceExhaustedError(
        "the system ended the worker, as it does where memory is short; use a "
        "smaller size, or end other programs");
  }
  return absl::InternalError(
      absl::StrCat("the worker ended before it was done (exit code ", exit_code,
                   "); its last words are in worker.log of the job's folder"));
}

absl::StatusOr<WorkerEvent> Worker::Follow() {
  absl::Status status;
  while (status.ok() && ReadSome()) {
    status = HandleEvents();
    TellToEnd();
  }
  if (!status.ok()) child_.Signal(SIGKILL);
  // Who has closed the pipe has nothing left to do.
  int exit_code = child_.WaitFor(run_.grace);
  if (exit_code < 0) {
    child_.Signal(SIGKILL);
    exit_code = child_.Wait();
  }
  if (!status.ok()) return absl::InternalError(std::string(status.message()));
  if (exit_code == 0 && last_ && last_->kind == WorkerEvent::Kind::kDone) {
    return *std::move(last_);
  }
  if (told_ || killed_) return absl::CancelledError("the job was cancelled");
  return WhyEnded(exit_code);
}

}  // namespace

absl::StatusOr<WorkerEvent> RunWorker(const WorkerRun& run) {
  FileRules rules;
  rules.reads_everything = true;
  rules.writable = DeviceFiles();
  rules.writable.push_back(run.job_folder + "/output");
  // OpenMP registers itself there when it is loaded, and ends the program where
  // it cannot. The worker takes that back, and this right from itself.
  if (access(kSharedMemory, W_OK) == 0) rules.writable.push_back(kSharedMemory);
  ASSIGN_OR_RETURN(const FileJail jail, FileJail::Create(rules));
  ProcessLimits limits;
  limits.writable_memory = run.memory;
  limits.file_size = run.file_size;
  limits.descriptors = kDescriptors;
  const std::string log_path = run.job_folder + "/worker.log";
  const int log = open(
      log_path.c_str(),
      O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (log < 0) {
    return networks::files::SystemError(errno, log_path, "create this file");
  }
  const absl::Cleanup close_log = [log] { close(log); };
  const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  const absl::Cleanup close_nothing = [nothing] { close(nothing); };
  int pipe[2];
  if (nothing < 0 || pipe2(pipe, O_CLOEXEC) != 0) {
    return absl::ErrnoToStatus(errno, "cannot make a pipe");
  }
  pipelines::ChildOptions options = ConfinedChild(run.program, limits, &jail);
  // What chooses devices and threads.
  options.only_variables = false;
  options.descriptors = {{0, nothing}, {1, pipe[1]}, {2, log}};
  std::vector<std::string> command = {run.program, "--job=" + run.job_folder};
  command.insert(command.end(), run.flags.begin(), run.flags.end());
  absl::StatusOr<pipelines::ChildProcess> child =
      pipelines::ChildProcess::Start(command, options);
  close(pipe[1]);
  if (!child.ok()) {
    close(pipe[0]);
    return absl::InternalError(std::string(child.status().message()));
  }
  return Worker(run, *std::move(child), pipe[0]).Follow();
}

}  // namespace studio
