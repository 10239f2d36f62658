#include "tools/reliability/isolated.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <new>

namespace reliability {
namespace {

constexpr int kSaidWhy = 77;  // exit code of a child whose trial failed

// Of parent and child.
struct Shared {
  std::atomic<int64_t> next{0};      // the trial that runs
  std::atomic<int64_t> began_ms{0};  // when it began
  std::atomic<int64_t> slowest_ms{0};
  char why[1024] = {};
};

int64_t NowMs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1000000;
}

int64_t PeakBytes(const rusage& usage) {
  return int64_t{usage.ru_maxrss} * 1024;
}

std::string TooMuchMemory(int64_t most_bytes) {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  if (most_bytes == 0 || PeakBytes(usage) <= most_bytes) return "";
  return "takes " + std::to_string(PeakBytes(usage) >> 20) + " MB";
}

[[noreturn]] void RunChild(Shared* shared, int64_t end, int64_t most_bytes,
                           const std::function<std::string(int64_t)>& trial) {
  while (shared->next < end) {
    shared->began_ms = NowMs();
    std::string why = trial(shared->next);
    if (why.empty()) why = TooMuchMemory(most_bytes);
    shared->slowest_ms =
        std::max<int64_t>(shared->slowest_ms, NowMs() - shared->began_ms);
    if (!why.empty()) {
      std::snprintf(shared->why, sizeof(shared->why), "%s", why.c_str());
      _exit(kSaidWhy);
    }
    ++shared->next;
  }
  _exit(0);
}

// Waits until the child ends, or kills it where its trial hangs; its status.
int Watch(pid_t child, Shared* shared, const IsolatedOptions& options,
          bool* hangs, rusage* usage) {
  const auto limit_ms = static_cast<int64_t>(options.seconds_each * 1000);
  *hangs = false;
  for (int64_t turn = 0;; ++turn) {
    int status = 0;
    if (wait4(child, &status, WNOHANG, usage) == child) return status;
    if (NowMs() - shared->began_ms > limit_ms && !*hangs) {
      *hangs = true;
      kill(child, SIGKILL);
    }
    constexpr int kTurnsASecond = 100;
    if (turn % kTurnsASecond == 0 && options.progress) {
      options.progress(shared->next - options.first);
    }
    usleep(1000000 / kTurnsASecond);
  }
}

std::string Why(int status, bool hangs, const Shared& shared) {
  if (hangs) return "hangs";
  if (WIFEXITED(status) && WEXITSTATUS(status) == kSaidWhy) return shared.why;
  if (WIFSIGNALED(status)) {
    return "signal " + std::to_string(WTERMSIG(status));
  }
  return "exit code " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

IsolatedReport RunIsolated(const IsolatedOptions& options,
                           const std::function<std::string(int64_t)>& trial) {
  void* memory = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) std::abort();
  auto* shared = new (memory) Shared;
  shared->next = options.first;
  const int64_t end = options.first + options.count;
  IsolatedReport report;
  while (shared->next < end) {
    shared->began_ms = NowMs();
    const pid_t child = fork();
    if (child == 0) RunChild(shared, end, options.most_bytes, trial);
    if (child < 0) std::abort();
    bool hangs = false;
    rusage usage = {};
    const int status = Watch(child, shared, options, &hangs, &usage);
    report.peak_bytes = std::max(report.peak_bytes, PeakBytes(usage));
    if (shared->next >= end) break;
    report.failures.push_back({shared->next, Why(status, hangs, *shared)});
    ++shared->next;
  }
  report.slowest_seconds = static_cast<double>(shared->slowest_ms) / 1000;
  munmap(memory, sizeof(Shared));
  return report;
}

}  // namespace reliability
