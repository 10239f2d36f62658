// The signals that ask a program to stop, as a flag that long work looks at
// between its steps: SIGINT (Ctrl-C), SIGTERM, SIGUSR1, by which batch systems
// announce the end of a job's time, and SIGHUP, where its terminal is closed.
#ifndef PIPELINES_BASE_STOP_SIGNAL_H_
#define PIPELINES_BASE_STOP_SIGNAL_H_

namespace pipelines {

// From now on these signals only set a flag; one that comes a second or more
// after the first ends the process at once, unless it is SIGHUP. Those that
// come sooner are the same, handed on by several. A SIGHUP that the parent has
// ignored, as nohup does, stays ignored.
void CatchStopSignals();

// The signal that asked to stop, or 0.
int StopSignal();

}  // namespace pipelines

#endif  // PIPELINES_BASE_STOP_SIGNAL_H_
