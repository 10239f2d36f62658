#include "pipelines/base/stop_signal.h"

#include <csignal>
#include <cstdlib>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pipelines {
namespace {

TEST(StopSignal, SetsAFlagAndASecondOneEndsTheProcess) {
  EXPECT_EXIT(
      {
        CatchStopSignals();
        raise(SIGTERM);
        if (StopSignal() == SIGTERM) raise(SIGINT);
        std::exit(0);
      },
      testing::ExitedWithCode(130), "");
}

}  // namespace
}  // namespace pipelines
