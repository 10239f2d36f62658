#include "pipelines/base/stop_signal.h"

#include <signal.h>
#include <unistd.h>

#include <initializer_list>

namespace pipelines {
namespace {

volatile sig_atomic_t stop_signal = 0;

void Handle(int signal) {
  // A terminal that is closed sends its signal more than once.
  if (stop_signal != 0 && signal != SIGHUP) _exit(128 + signal);
  if (stop_signal == 0) stop_signal = signal;
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
