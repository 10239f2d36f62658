// Ctrl-C and SIGTERM as a flag that long work looks at between its steps.
#ifndef PIPELINES_BASE_STOP_SIGNAL_H_
#define PIPELINES_BASE_STOP_SIGNAL_H_

namespace pipelines {

// From now on SIGINT and SIGTERM only set a flag; a second one ends the process
// at once.
void CatchStopSignals();

// The signal that asked to stop, or 0.
int StopSignal();

}  // namespace pipelines

#endif  // PIPELINES_BASE_STOP_SIGNAL_H_
