#include "tools/studio/jobs/confined_run.h"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "third_party/absl/status_matchers.h"
#include "tools/studio/jobs/jail.h"

namespace studio {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

class ConfinedRunTest : public networks::files::FolderTest {
 protected:
  // A run of a line of shell.
  static ConfinedRun Shell(const std::string& line) {
    ConfinedRun run;
    run.command = {"/bin/sh", "-c", line};
    run.max_output = 1000;
    run.timeout = absl::Minutes(1);
    return run;
  }

  static ConfinedAnswer Answer(const ConfinedRun& run) {
    const auto answer = RunConfined(run);
    EXPECT_THAT(answer, IsOk());
    return answer.value_or(ConfinedAnswer());
  }
};

TEST_F(ConfinedRunTest, GivesOutputAndExitCode) {
  const ConfinedAnswer answer = Answer(Shell("echo out; echo err >&2; exit 3"));
  EXPECT_EQ(answer.output, "out\n");
  EXPECT_EQ(answer.exit_code, 3);
  EXPECT_FALSE(answer.was_too_long);
  EXPECT_FALSE(answer.was_too_late);
}

TEST_F(ConfinedRunTest, ReadsTheDescriptorOrNothing) {
  EXPECT_EQ(Answer(Shell("cat")).output, "");
  Write("input", "some text");
  const int input = open(Path("input").c_str(), O_RDONLY | O_CLOEXEC);
  ASSERT_GE(input, 0);
  const absl::Cleanup close_input = [input] { close(input); };
  ConfinedRun run = Shell("cat");
  run.input = input;
  EXPECT_EQ(Answer(run).output, "some text");
}

TEST_F(ConfinedRunTest, KillsWhatWritesTooMuch) {
  const ConfinedAnswer most = Answer(Shell("head -c 1000 /dev/zero"));
  EXPECT_THAT(most.output, SizeIs(1000));
  EXPECT_FALSE(most.was_too_long);
  const ConfinedAnswer endless = Answer(Shell("exec cat /dev/zero"));
  EXPECT_TRUE(endless.was_too_long);
  EXPECT_EQ(endless.exit_code, 128 + SIGKILL);
}

// Whether it keeps its output open or has closed it.
TEST_F(ConfinedRunTest, KillsWhatTakesTooLong) {
  for (const char* const line : {"exec sleep 600", "exec sleep 600 >&-"}) {
    ConfinedRun run = Shell(line);
    run.timeout = absl::Milliseconds(300);
    const ConfinedAnswer answer = Answer(run);
    EXPECT_TRUE(answer.was_too_late) << line;
    EXPECT_EQ(answer.exit_code, 128 + SIGKILL) << line;
  }
}

// Whether it keeps its output open or has closed it.
TEST_F(ConfinedRunTest, KillsWhatItIsToldToKill) {
  for (const char* const line : {"exec sleep 600", "exec sleep 600 >&-"}) {
    ConfinedRun run = Shell(line);
    const absl::Time start = absl::Now();
    run.kill = [start] { return absl::Now() - start > absl::Seconds(1); };
    const ConfinedAnswer answer = Answer(run);
    EXPECT_TRUE(answer.was_killed) << line;
    EXPECT_FALSE(answer.was_too_late) << line;
    EXPECT_EQ(answer.exit_code, 128 + SIGKILL) << line;
    EXPECT_LT(absl::Now() - start, absl::Seconds(20)) << line;
  }
}

// Not what the server may know: keys and addresses in variables.
TEST_F(ConfinedRunTest, HasOnlyTheVariablesThatItNeeds) {
  ASSERT_EQ(setenv("SECRET_OF_THE_SERVER", "1", 1), 0);
  ConfinedRun run = Shell("env");
  run.max_output = 100000;
  const std::string variables = Answer(run).output;
  EXPECT_THAT(variables, HasSubstr("PATH="));
  EXPECT_THAT(variables, Not(HasSubstr("SECRET_OF_THE_SERVER")));
}

// Also those that another thread opens without closing them on exec.
TEST_F(ConfinedRunTest, HasNoDescriptorsOfTheServer) {
  const int secret = open("/dev/null", O_RDONLY);
  ASSERT_GE(secret, 3);
  const absl::Cleanup close_secret = [secret] { close(secret); };
  const ConfinedAnswer answer =
      Answer(Shell(absl::StrCat("if [ -e /proc/self/fd/", secret,
                                " ]; then echo open; else echo closed; fi")));
  EXPECT_EQ(answer.output, "closed\n");
}

TEST_F(ConfinedRunTest, KeepsItsLimits) {
  ConfinedRun run = Shell("ulimit -n; ulimit -t; ulimit -c");
  run.limits.descriptors = 17;
  run.limits.processor_seconds = 21;
  EXPECT_THAT(Answer(run).output, StartsWith("17\n21\n0\n"));
  run = Shell(absl::StrCat("echo text > ", Path("file"), " && echo written"));
  run.limits.file_size = 0;
  EXPECT_EQ(Answer(run).output, "");
}

TEST_F(ConfinedRunTest, IsInItsJail) {
  if (LandlockVersion() == 0) GTEST_SKIP() << "this kernel has no Landlock";
  FileRules rules;
  rules.reads_everything = true;
  const auto jail = FileJail::Create(rules);
  ASSERT_THAT(jail, IsOk());
  ConfinedRun run = Shell(absl::StrCat("echo text > ", Path("file")));
  EXPECT_EQ(Answer(run).exit_code, 0);
  ASSERT_EQ(unlink(Path("file").c_str()), 0);
  run.jail = &*jail;
  EXPECT_NE(Answer(run).exit_code, 0);
  EXPECT_EQ(access(Path("file").c_str(), F_OK), -1);
}

TEST_F(ConfinedRunTest, SaysThatAProgramIsNotThere) {
  ConfinedRun run = Shell("");
  run.command = {Path("none")};
  EXPECT_THAT(RunConfined(run).status(), Not(IsOk()));
}

}  // namespace
}  // namespace studio
