#include "pipelines/base/stop_signal.h"

#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "gtest/gtest.h"

namespace pipelines {
namespace {

class StopSignalTest : public testing::TestWithParam<int> {};

TEST_P(StopSignalTest, SetsAFlagAndOneASecondLaterEndsTheProcess) {
  EXPECT_EXIT(
      {
        CatchStopSignals();
        raise(GetParam());
        usleep(1'000'000);
        if (StopSignal() == GetParam()) raise(SIGINT);
        std::exit(0);
      },
      testing::ExitedWithCode(130), "");
}

INSTANTIATE_TEST_SUITE_P(All, StopSignalTest,
                         testing::Values(SIGINT, SIGTERM, SIGUSR1, SIGHUP));

// As under torchrun, which hands on the Ctrl-C that its processes get, too.
TEST(StopSignal, IsOneWhereItComesTwice) {
  EXPECT_EXIT(
      {
        CatchStopSignals();
        raise(SIGINT);
        raise(SIGINT);
        raise(SIGTERM);
        std::exit(StopSignal() == SIGINT ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

// The shell and the system both tell a process of a terminal that is gone.
TEST(StopSignal, IsOneHowOftenATerminalIsClosed) {
  EXPECT_EXIT(
      {
        CatchStopSignals();
        raise(SIGHUP);
        raise(SIGHUP);
        std::exit(StopSignal() == SIGHUP ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

TEST(StopSignal, LeavesASignalIgnoredThatNohupIgnores) {
  EXPECT_EXIT(
      {
        std::signal(SIGHUP, SIG_IGN);
        CatchStopSignals();
        raise(SIGHUP);
        std::exit(StopSignal());
      },
      testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace pipelines
