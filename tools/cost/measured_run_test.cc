#include "tools/cost/measured_run.h"

#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"

namespace tools::cost {
namespace {

using ::absl::StatusCode;
using ::testing::HasSubstr;

TEST(MeasureRun, CountsTimeThatPassesApartFromTheProcessors) {
  const auto sleeps = MeasureRun({"/bin/sleep", "0.2"});
  ASSERT_THAT(sleeps, IsOk());
  EXPECT_GE(sleeps->seconds, 0.2);
  EXPECT_LT(sleeps->processor_seconds, 0.2);
  EXPECT_GT(sleeps->peak_mb, 0);
}

// 64 MB that dd holds, and the time to fill them, which is more than a tick.
TEST(MeasureRun, CountsProcessorTimeAndMemory) {
  const auto copies = MeasureRun({"/bin/dd", "if=/dev/zero", "of=/dev/null",
                                  "bs=64M", "count=8", "status=none"});
  ASSERT_THAT(copies, IsOk());
  EXPECT_GT(copies->processor_seconds, 0);
  EXPECT_GE(copies->peak_mb, 64);
  EXPECT_LT(copies->peak_mb, 128);
}

TEST(MeasureRun, SaysHowAProgramEnded) {
  EXPECT_THAT(MeasureRun({"/no/such/program"}),
              StatusIs(StatusCode::kNotFound, HasSubstr("/no/such/program")));
  EXPECT_THAT(MeasureRun({"/bin/sh", "-c", "exit 3"}),
              StatusIs(StatusCode::kFailedPrecondition,
                       HasSubstr("ended with 3: /bin/sh -c exit 3")));
  EXPECT_THAT(
      MeasureRun({"/bin/sh", "-c", "kill -9 $$"}),
      StatusIs(StatusCode::kFailedPrecondition, HasSubstr("ended with 137")));
}

TEST(MeasureRuns, KeepsTheLeast) {
  const auto both = MeasureRuns({"/bin/sleep", "0.1"}, 2);
  ASSERT_THAT(both, IsOk());
  EXPECT_GE(both->seconds, 0.1);
}

}  // namespace
}  // namespace tools::cost
