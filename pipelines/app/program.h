// The frame of every main().
#ifndef PIPELINES_APP_PROGRAM_H_
#define PIPELINES_APP_PROGRAM_H_

#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "pipelines/app/command_line.h"

namespace pipelines {

struct Program {
  const char* name;    // begins every message
  const char* usage;   // what --help says before the flags
  const char* source;  // __FILE__ of main(), where the flags are defined
  std::vector<FlagGroup> groups = {};  // how --help orders them
  // What to do where memory does not suffice, as the end of a sentence, if it
  // is more than giving lower values to the program's flags.
  const char* when_out_of_memory = nullptr;
};

// Sets the flags, answers --help, or else does `body`; prints an error and
// returns main()'s exit code (exit_code.h). What a library throws is an error
// like others (base/exception_status.h). Cancelled is StoppedBySignal after a
// stop signal (base/stop_signal.h). Where there is not enough memory, no code
// for the GPU, or where published weights are missing, the message says what to
// do. It is an error, too, if not all of standard output could be written.
int RunProgram(const Program& program, int argc, char** argv,
               const std::function<absl::Status(const CommandLine&)>& body);

}  // namespace pipelines

#endif  // PIPELINES_APP_PROGRAM_H_
