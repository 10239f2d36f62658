// Errors and death in the system calls by which this process changes files, at
// an exact call or byte. A program that links this library has its own open,
// pwrite, fsync, rename ... in front of the C library's.
//
// For one thread: calls of others are counted, too.
#ifndef TOOLS_RELIABILITY_FAULT_INJECTION_H_
#define TOOLS_RELIABILITY_FAULT_INJECTION_H_

#include <cstdint>
#include <string>
#include <vector>

namespace reliability {

struct Fault {
  // Before this call, counted from 0; -1: never.
  int64_t at_call = -1;

  // In the write that would reach this many bytes in all: it writes what comes
  // before. -1: never.
  int64_t at_byte = -1;

  // What happens there: SIGKILL, or the error (a value of errno). An error by
  // bytes stays: later writes fail, too, as on a full disk.
  bool kill = false;
  int error = 0;
};

// One call that changes a file.
struct Call {
  std::string name;   // "pwrite"
  int64_t bytes = 0;  // of a write
};

// Begins to count, and injects `fault`.
void StartFaults(const Fault& fault);

// Ends that. The calls since the start, in their order.
std::vector<Call> StopFaults();

}  // namespace reliability

#endif  // TOOLS_RELIABILITY_FAULT_INJECTION_H_
