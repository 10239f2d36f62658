// Running a program from a test that prepares what it needs: a server, weights.
// Tests that need no preparation are shell scripts; see
// pipelines/app/program_testing.sh.
#ifndef PIPELINES_TESTING_TESTING_PROGRAM_H_
#define PIPELINES_TESTING_TESTING_PROGRAM_H_

#include <sys/wait.h>

#include <cstdio>
#include <string>
#include <vector>

namespace pipelines {

struct ProgramResult {
  int exit_code = -1;  // -1: it did not start, or a signal ended it
  std::string output;  // standard output and error
};

// Runs `command` (path and arguments) to its end.
inline ProgramResult RunProgramForTest(
    const std::vector<std::string>& command) {
  std::string line;
  for (const std::string& word : command) {
    line += '\'';
    for (const char c : word) {
      if (c == '\'') {
        line += R"('\'')";
      } else {
        line += c;
      }
    }
    line += "' ";
  }
  ProgramResult result;
  std::FILE* pipe = popen((line + "2>&1").c_str(), "r");
  if (pipe == nullptr) return result;
  char buffer[4096];
  while (const size_t count = std::fread(buffer, 1, sizeof(buffer), pipe)) {
    result.output.append(buffer, count);
  }
  const int status = pclose(pipe);
  if (WIFEXITED(status)) result.exit_code = WEXITSTATUS(status);
  return result;
}

}  // namespace pipelines

#endif  // PIPELINES_TESTING_TESTING_PROGRAM_H_
