#include "tools/reliability/isolated.h"

#include <unistd.h>

#include <csignal>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace reliability {
namespace {

using ::testing::ElementsAre;
using ::testing::FieldsAre;
using ::testing::IsEmpty;

TEST(RunIsolated, FindsNothingWhereAllIsWell) {
  IsolatedOptions options;
  options.count = 50;
  const IsolatedReport report =
      RunIsolated(options, [](int64_t) { return std::string(); });
  EXPECT_THAT(report.failures, IsEmpty());
  EXPECT_GT(report.peak_bytes, 0);
}

TEST(RunIsolated, GoesOnBehindWhatCrashesHangsOrFails) {
  IsolatedOptions options;
  options.first = 10;
  options.count = 10;
  options.seconds_each = 0.3;
  const IsolatedReport report =
      RunIsolated(options, [](int64_t trial) -> std::string {
        if (trial == 11) raise(SIGKILL);
        if (trial == 13) {
          while (true) pause();
        }
        if (trial == 15) _Exit(3);
        return trial == 19 ? "wrong" : "";
      });
  EXPECT_THAT(
      report.failures,
      ElementsAre(FieldsAre(11, "signal 9"), FieldsAre(13, "hangs"),
                  FieldsAre(15, "exit code 3"), FieldsAre(19, "wrong")));
}

}  // namespace
}  // namespace reliability
