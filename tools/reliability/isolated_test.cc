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
using ::testing::MatchesRegex;

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

// The trial behind it has a process of its own, and is not blamed.
TEST(RunIsolated, FindsTheTrialThatTakesTooMuchMemory) {
  constexpr size_t kMuch = size_t{300} << 20;
  IsolatedOptions options;
  options.count = 4;
  options.most_bytes = int64_t{200} << 20;
  const IsolatedReport report =
      RunIsolated(options, [](int64_t trial) -> std::string {
        return std::string(trial == 1 ? kMuch : 1, 'x').back() == 'x' ? ""
                                                                      : "?";
      });
  EXPECT_THAT(report.failures,
              ElementsAre(FieldsAre(1, MatchesRegex("takes 3[0-9][0-9] MB"))));
}

}  // namespace
}  // namespace reliability
