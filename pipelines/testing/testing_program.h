// Running a program from a test that prepares what it needs: a server, weights.
// Tests that need no preparation are shell scripts; see
// pipelines/app/program_testing.sh.
#ifndef PIPELINES_TESTING_TESTING_PROGRAM_H_
#define PIPELINES_TESTING_TESTING_PROGRAM_H_

#include <cstdio>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "pipelines/base/child_process.h"

namespace pipelines {

struct ProgramResult {
  int exit_code = -1;  // as ChildProcess::Wait; -1: it did not start
  std::string output;  // standard output and error
};

// Runs `command` (path and arguments) to its end.
inline ProgramResult RunProgramForTest(
    const std::vector<std::string>& command) {
  const std::string log = testing::TempDir() + "/program_output";
  std::remove(log.c_str());
  ProgramResult result;
  auto child = ChildProcess::Start(command, {log});
  EXPECT_TRUE(child.ok()) << child.status();
  if (child.ok()) result.exit_code = child->Wait();
  result.output = networks::files::ReadText(log);
  return result;
}

}  // namespace pipelines

#endif  // PIPELINES_TESTING_TESTING_PROGRAM_H_
