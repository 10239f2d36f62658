#include "tools/studio/jobs/job_progress.h"

#include <cstdint>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace studio {
namespace {

WorkerEvent Stage(const std::string& stage) {
  WorkerEvent event;
  event.kind = WorkerEvent::Kind::kStage;
  event.stage = stage;
  return event;
}

WorkerEvent Progress(int64_t done, std::optional<int64_t> total) {
  WorkerEvent event;
  event.kind = WorkerEvent::Kind::kProgress;
  event.done = done;
  event.total = total;
  return event;
}

absl::Duration At(int seconds) { return absl::Seconds(seconds); }

TEST(ProgressMeterTest, CountsFramesSinceTheStageBegan) {
  ProgressMeter meter;
  meter.Take(Stage("loading"), At(0));
  meter.Take(Stage("animating"), At(100));
  meter.Take(Progress(0, 40), At(100));
  EXPECT_EQ(meter.progress().per_second, 0);
  EXPECT_FALSE(meter.progress().seconds_left.has_value());
  meter.Take(Progress(10, 40), At(105));
  EXPECT_EQ(meter.progress().stage, "animating");
  EXPECT_EQ(meter.progress().done, 10);
  EXPECT_EQ(meter.progress().total, 40);
  EXPECT_EQ(meter.progress().per_second, 2);
  EXPECT_EQ(meter.progress().seconds_left, 15);
}

TEST(ProgressMeterTest, TheEndOfTheFileBelongsToTheStageBefore) {
  ProgressMeter meter;
  meter.Take(Stage("animating"), At(0));
  meter.Take(Stage("encoding"), At(10));
  meter.Take(Progress(40, 40), At(20));
  EXPECT_EQ(meter.progress().stage, "encoding");
  EXPECT_EQ(meter.progress().per_second, 2);
  EXPECT_EQ(meter.progress().seconds_left, 0);
}

TEST(ProgressMeterTest, KnowsNoTimeLeftWithoutATotal) {
  ProgressMeter meter;
  meter.Take(Stage("detecting"), At(0));
  meter.Take(Progress(6, std::nullopt), At(3));
  EXPECT_EQ(meter.progress().per_second, 2);
  EXPECT_FALSE(meter.progress().total.has_value());
  EXPECT_FALSE(meter.progress().seconds_left.has_value());
}

// A damaged count of frames in the file's header is too low.
TEST(ProgressMeterTest, MoreFramesThanTheTotalLeaveNoTime) {
  ProgressMeter meter;
  meter.Take(Stage("animating"), At(0));
  meter.Take(Progress(50, 40), At(10));
  EXPECT_EQ(meter.progress().seconds_left, 0);
}

TEST(ProgressMeterTest, LeavesOtherEvents) {
  ProgressMeter meter;
  meter.Take(Stage("animating"), At(0));
  meter.Take(Progress(2, 40), At(1));
  WorkerEvent frame;
  frame.kind = WorkerEvent::Kind::kFrame;
  frame.done = 30;
  meter.Take(frame, At(9));
  EXPECT_EQ(meter.progress().done, 2);
}

}  // namespace
}  // namespace studio
