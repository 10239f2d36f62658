#include "pipelines/app/program.h"

#include <cstdio>
#include <exception>

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
    return Exit(program.name, absl::InternalError(error.what()));
  }
}

}  // namespace pipelines
