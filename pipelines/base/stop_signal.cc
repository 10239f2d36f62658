#include "pipelines/base/stop_signal.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <initializer_list>

namespace pipelines {
namespace {

volatile sig_atomic_t stop_signal = 0;

// When it came, in milliseconds of the system's running time; 0: not yet.
std::atomic<int64_t> stopped_at = 0;
static_assert(std::atomic<int64_t>::is_always_lock_free);  // for a handler

int64_t Milliseconds() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

void Handle(int signal) {
  // torchrun and others hand on a signal that the terminal or a batch system
  // has sent to all processes: it comes twice within milliseconds.
  constexpr int64_t kSameMs = 1000;
  const int64_t now = Milliseconds();
  int64_t before = 0;
  if (stopped_at.compare_exchange_strong(before, now)) {
    stop_signal = signal;
    return;
  }
  // A terminal that is closed sends its signal more than once.
  if (signal != SIGHUP && now - before >= kSameMs) _exit(128 + signal);
}

}  // namespace

void CatchStopSignals() {
  struct sigaction action = {};
  action.sa_handler = Handle;
  // Reads and writes under way go on after the handler.
  action.sa_flags = SA_RESTART;
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) {
    sigaction(signal, &action, nullptr);
  }
  struct sigaction before = {};
  sigaction(SIGHUP, nullptr, &before);
  if (before.sa_handler != SIG_IGN) sigaction(SIGHUP, &action, nullptr);
}

int StopSignal() { return stop_signal; }

}  // namespace pipelines
