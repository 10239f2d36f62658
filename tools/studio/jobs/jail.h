// What a process that reads a stranger's files can still do.
//
// Three walls, each for what the others let through: Landlock for files and the
// network, seccomp for system calls, rlimits for memory, processor time, the
// size of files and descriptors. All are for good, and for whatever the process
// starts. None needs root.
//
// Landlock's versions: 1 (Linux 5.13) files; 3 (6.2) truncation; 4 (6.7) TCP;
// 5 (6.10) devices; 6 (6.12) signals and abstract sockets. What an older kernel
// lacks, seccomp refuses as far as it can.
#ifndef TOOLS_STUDIO_JOBS_JAIL_H_
#define TOOLS_STUDIO_JOBS_JAIL_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace studio {

// Of the running kernel; 0 where it has no Landlock, or it is switched off.
int LandlockVersion();

// FailedPrecondition, saying what is missing, where this system cannot confine
// a process.
absl::Status CheckJail();

// Files that stay within reach.
struct FileRules {
  // Files, and folders with all that is below them. Each must exist.
  std::vector<std::string> readable;
  std::vector<std::string> writable;  // readable, too; names come and go
  // Reading and starting programs stay free; only writing is confined.
  bool reads_everything = false;
};

// The device files that computing takes: /dev/null, and those of NVIDIA's GPUs
// where there are any.
std::vector<std::string> DeviceFiles();

// A Landlock rule set, made in advance so that a child can enter it between
// fork() and exec(). Movable.
class FileJail {
 public:
  // The system's error for a path that cannot be opened; FailedPrecondition
  // without Landlock.
  static absl::StatusOr<FileJail> Create(const FileRules& rules);
  FileJail(FileJail&& other) noexcept;
  FileJail& operator=(FileJail&&) = delete;
  ~FileJail();

  // From now on the calling thread, and what it starts, reaches only these
  // files, and no TCP. Open descriptors stay open. 0 or the error (errno).
  // Makes system calls only: it may be called after fork().
  int Enter() const;

 private:
  explicit FileJail(int descriptor) : descriptor_(descriptor) {}

  int descriptor_;
};

// 0: no limit.
struct ProcessLimits {
  int64_t address_space = 0;    // bytes that may be mapped, of whatever kind
  int64_t writable_memory = 0;  // bytes of private memory that can be written
  int64_t processor_seconds = 0;
  int64_t file_size = -1;  // bytes; -1: no limit
  int64_t descriptors = 0;
};

// 0 or the error (errno). Also switches off core dumps. Makes system calls
// only.
int SetLimits(const ProcessLimits& limits);

enum class SystemCalls {
  // Memory, the clock, and descriptors that are open. Whoever opens a file is
  // told that it may not; whoever starts a program, a process or a thread, or
  // reaches for the network, another process or the kernel's inner parts ends
  // at once by SIGSYS.
  kOpenDescriptors,
  // All but: programs, processes (threads may be started), the network, other
  // processes, and the kernel's inner parts. They give EPERM.
  kFilesAndThreads,
};

// From now on all threads of this process are confined so.
absl::Status RestrictSystemCalls(SystemCalls allowed);

// Of a process with one thread: from now on it has its open descriptors and
// memory, and nothing else.
absl::Status ConfineToDescriptors();

// Of a worker: from now on it reaches job_folder/inputs to read and
// job_folder/output to write, and no other file, program or machine. Threads
// that run already keep what files they had, but not the rest. With a GPU it
// can still read the system's libraries, which CUDA loads when it needs them.
absl::Status ConfineToJob(const std::string& job_folder, bool has_gpu);

}  // namespace studio

#endif  // TOOLS_STUDIO_JOBS_JAIL_H_
