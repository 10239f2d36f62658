#include "pipelines/app/exit_code.h"

#include <csignal>

#include "gtest/gtest.h"

namespace pipelines {
namespace {

TEST(ExitCode, SaysWhetherTryingAgainHelps) {
  EXPECT_EQ(ExitCode(absl::OkStatus()), 0);
  EXPECT_EQ(ExitCode(absl::DataLossError("broken")), 1);
  EXPECT_EQ(ExitCode(UsageError(absl::NotFoundError("no config"))), 2);
  EXPECT_EQ(ExitCode(DivergedError("nan")), 3);
  EXPECT_EQ(ExitCode(absl::ResourceExhaustedError("disk full")), 129);
  EXPECT_EQ(ExitCode(StoppedBySignal(SIGINT)), 130);
  EXPECT_EQ(ExitCode(StoppedBySignal(SIGHUP)), 129);
  EXPECT_EQ(ExitCode(StoppedBySignal(SIGUSR1)), 138);
  EXPECT_EQ(ExitCode(StoppedBySignal(SIGTERM)), 143);
}

TEST(ExitCode, OfAValueThatTheCommandLineDecides) {
  EXPECT_EQ(*UsageError(absl::StatusOr<int>(7)), 7);
  const absl::StatusOr<int> missing = absl::NotFoundError("no config");
  EXPECT_EQ(ExitCode(UsageError(missing).status()), 2);
}

TEST(CanTryAgain, IsNotSoOfAProgramThatCrashedOrWasKilled) {
  for (const int code : {129, 130, 138, 143}) EXPECT_TRUE(CanTryAgain(code));
  for (const int code : {0, 1, 2, 3, 127}) EXPECT_FALSE(CanTryAgain(code));
  for (const int signal : {SIGABRT, SIGFPE, SIGKILL, SIGSEGV}) {
    EXPECT_FALSE(CanTryAgain(128 + signal)) << signal;
  }
}

TEST(Exit, PrintsOneLineWithNothingThatATerminalObeys) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(
      Exit("tested", absl::DataLossError("a\x1b[2Jb\rc\nd \xc3\xa9\xc2\x9bK")),
      1);
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "tested: error: a [2Jb c d \xc3\xa9  K\n");
}

TEST(PrintLines, LeavesOutWhatATerminalObeysInEachLine) {
  testing::internal::CaptureStdout();
  PrintLines(stdout, "a\x1b[2Jb\n\nc\rd\n");
  PrintLines(stdout, "e");
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "a [2Jb\n\nc d\ne\n");
}

TEST(ExitCode, OfASignalHasItsName) {
  EXPECT_EQ(StoppedBySignal(SIGINT).message(), "stopped by Ctrl-C");
  EXPECT_EQ(StoppedBySignal(SIGUSR1, "saved").message(),
            "stopped by SIGUSR1; saved");
  EXPECT_EQ(StoppedBySignal(SIGHUP).message(),
            "stopped by SIGHUP, as where a terminal is closed");
}

}  // namespace
}  // namespace pipelines
