#include "pipelines/app/program.h"

#include <cstdio>
#include <exception>
#include <string>

#include "pipelines/app/exit_code.h"

namespace pipelines {

int RunProgram(const Program& program, int argc, char** argv,
               const std::function<absl::Status(const CommandLine&)>& body) {
  const absl::StatusOr<CommandLine> line = ParseCommandLine(argc, argv);
  if (!line.ok()) return Exit(program.name, UsageError(line.status()));
  if (line->help) {
    std::printf("%s\n", HelpText(program.usage, program.source).c_str());
    return 0;
  }
  try {
    return Exit(program.name, body(*line));
  } catch (const std::exception& error) {
    const std::string what = error.what();
    // LibTorch adds a stack trace from the second line on.
    return Exit(program.name,
                absl::InternalError(what.substr(0, what.find('\n'))));
  }
}

}  // namespace pipelines
