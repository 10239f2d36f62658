#include "tools/reliability/mutation_program.h"

#include <filesystem>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"

namespace reliability {
namespace {

using ::testing::HasSubstr;
using RunMutationProgramTest = networks::files::FolderTest;

TEST_F(RunMutationProgramTest, ReportsAllFailuresAndKeepsTheirFiles) {
  const MutationProgram program = {
      "program", "usage",
      [](const std::string&) {
        return std::vector<Seed>{{"text", "some bytes"}};
      },
      [](const Seed&, const std::string&, int64_t, const std::string&) {
        return std::string("is refused");
      }};
  std::vector<std::string> words = {"program", "--trials=3", "--first_seed=7",
                                    "--keep=" + Path("new/folder")};
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  testing::internal::CaptureStdout();
  EXPECT_EQ(RunMutationProgram(program, static_cast<int>(words.size()),
                               arguments.data()),
            1);
  const std::string said = testing::internal::GetCapturedStdout();
  for (const char* line :
       {"seed 7 (text): is refused\n", "seed 8 (text): is refused\n",
        "seed 9 (text): is refused\n", ": 3 failures"}) {
    EXPECT_THAT(said, HasSubstr(line));
  }
  for (const char* seed : {"7", "8", "9"}) {
    EXPECT_TRUE(std::filesystem::exists(Path("new/folder/") + seed)) << seed;
  }
}

}  // namespace
}  // namespace reliability
