#include "pipelines/training/run_time.h"

#include <cmath>

#include "gtest/gtest.h"

namespace pipelines {
namespace {

// Durations of these tests are sums of a few terms of order 1: a thousand
// roundings of double.
constexpr double kExact = 1e-12;

class RunTimeTest : public testing::Test {
 protected:
  RunTime Make(int64_t expected_steps, int64_t step = 0,
               double trained_seconds = 0) {
    return RunTime(training_, expected_steps, step, trained_seconds,
                   [this] { return now_; });
  }

  void Step(RunTime& time, double seconds) {
    now_ += seconds;
    time.AddStep(seconds);
  }

  TrainingConfig training_;
  double now_ = 1000;
};

TEST_F(RunTimeTest, KnowsNothingBeforeTheFirstStep) {
  const RunTime time = Make(10);
  EXPECT_TRUE(std::isnan(time.SecondsLeft()));
  EXPECT_TRUE(std::isnan(time.Share()));
}

TEST_F(RunTimeTest, TakesEqualStepsForEqual) {
  RunTime time = Make(10);
  for (int i = 0; i < 4; ++i) Step(time, 0.5);
  EXPECT_NEAR(time.SecondsLeft(), 3, 10 * kExact);
  EXPECT_NEAR(time.Share(), 0.4, kExact);
}

// 20 cheap steps of 1 s come before 10 of 5 s: 70 s. The trial is believed
// until the first whole step.
TEST_F(RunTimeTest, KnowsThatMotionStepsAreCheap) {
  training_.set_motion_steps(20);
  RunTime time = Make(30);
  Step(time, 1);
  EXPECT_TRUE(std::isnan(time.SecondsLeft()));
  time.TryWholeStep(7);
  EXPECT_NEAR(time.SecondsLeft(), 19 + 70, 100 * kExact);
  for (int i = 1; i < 20; ++i) Step(time, 1);
  Step(time, 5);
  EXPECT_NEAR(time.SecondsLeft(), 45, 100 * kExact);
  EXPECT_NEAR(time.Share(), 25.0 / 70, kExact);
}

// The first step pays for what is set up once.
TEST_F(RunTimeTest, DoesNotTakeTheFirstStepForTheOthers) {
  RunTime time = Make(10);
  Step(time, 30);
  Step(time, 1);
  EXPECT_NEAR(time.SecondsLeft(), 8, 100 * kExact);
  Step(time, 1.5);
  EXPECT_NEAR(time.SecondsLeft(), 7 * 1.25, 100 * kExact);
}

// Trials of a whole step, and a look at the last session's end.
TEST_F(RunTimeTest, DoesNotCountWhatComesBeforeTheFirstStep) {
  RunTime time = Make(10);
  now_ += 100;
  Step(time, 1);
  EXPECT_NEAR(time.SecondsLeft(), 9, 100 * kExact);
}

// 0.5 s of saving and evaluating to each step of 1 s.
TEST_F(RunTimeTest, CountsWhatHappensBetweenSteps) {
  RunTime time = Make(10);
  for (int i = 0; i < 4; ++i) {
    Step(time, 1);
    now_ += 0.5;
  }
  EXPECT_NEAR(time.SecondsLeft(), 9, 10 * kExact);
}

TEST_F(RunTimeTest, EndsWithTheBudgetOrTheSteps) {
  training_.set_max_minutes(1);
  RunTime time = Make(1000000);
  for (int i = 0; i < 6; ++i) Step(time, 2);
  EXPECT_NEAR(time.SecondsLeft(), 48, 100 * kExact);
  EXPECT_NEAR(time.Share(), 0.2, kExact);
  RunTime short_run = Make(10);
  for (int i = 0; i < 6; ++i) Step(short_run, 2);
  EXPECT_NEAR(short_run.SecondsLeft(), 8, 100 * kExact);
}

// Of the second session, with a machine that is twice as fast by now.
TEST_F(RunTimeTest, GoesOnFromAnEarlierSession) {
  RunTime time = Make(10, /*step=*/6, /*trained_seconds=*/12);
  Step(time, 1);
  EXPECT_NEAR(time.SecondsLeft(), 3, 10 * kExact);
  EXPECT_NEAR(time.Share(), 13.0 / 16, kExact);
}

}  // namespace
}  // namespace pipelines
