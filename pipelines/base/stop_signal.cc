#include "pipelines/base/stop_signal.h"

#include <signal.h>
#include <unistd.h>

namespace pipelines {
namespace {

volatile sig_atomic_t stop_signal = 0;

void Handle(int signal) {
  if (stop_signal != 0) _exit(128 + signal);
  stop_signal = signal;
}

}  // namespace

void CatchStopSignals() {
  struct sigaction action = {};
  action.sa_handler = Handle;
  // Reads and writes under way go on after the handler.
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

int StopSignal() { return stop_signal; }

}  // namespace pipelines
