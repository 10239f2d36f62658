#include "pipelines/training/schedule.h"

#include <set>

#include "gtest/gtest.h"

namespace pipelines {
namespace {

TEST(LearningRate, FallsToATenthAtEachMilestone) {
  TrainingConfig training;
  training.set_learning_rate(2e-4);
  training.add_milestones(70);
  training.add_milestones(90);
  EXPECT_DOUBLE_EQ(LearningRate(training, 69, 999), 2e-4);
  EXPECT_DOUBLE_EQ(LearningRate(training, 70, 999), 2e-5);
  EXPECT_DOUBLE_EQ(LearningRate(training, 95, 999), 2e-6);
}

TEST(LearningRate, RisesLinearlyOverTheWarmUp) {
  TrainingConfig training;
  training.set_learning_rate(2e-4);
  training.set_warmup_steps(4);
  EXPECT_DOUBLE_EQ(LearningRate(training, 0, 0), 0.5e-4);
  EXPECT_DOUBLE_EQ(LearningRate(training, 0, 2), 1.5e-4);
  EXPECT_DOUBLE_EQ(LearningRate(training, 0, 3), 2e-4);
  EXPECT_DOUBLE_EQ(LearningRate(training, 0, 4), 2e-4);
}

// The original's: min(epoch / inc_epoch * maxp + startp, maxp).
TEST(CandidateDropout, RisesToItsMaximumAndEnds) {
  CandidateDropoutConfig dropout;
  dropout.set_start(0.1);
  dropout.set_max(0.3);
  dropout.set_rise_epochs(10);
  dropout.set_end_epoch(35);
  EXPECT_DOUBLE_EQ(CandidateDropout(dropout, 0), 0.1);
  EXPECT_DOUBLE_EQ(CandidateDropout(dropout, 5), 0.25);
  EXPECT_DOUBLE_EQ(CandidateDropout(dropout, 34), 0.3);
  EXPECT_DOUBLE_EQ(CandidateDropout(dropout, 35), 0);
}

TEST(StepSeed, DiffersBySeedStepAndPurpose) {
  std::set<uint64_t> seeds;
  for (const uint64_t seed : {0, 1, 2}) {
    for (const int64_t step : {0, 1, 2}) {
      for (const uint64_t purpose : {0, 1, 2}) {
        seeds.insert(StepSeed(seed, step, purpose));
      }
    }
  }
  EXPECT_EQ(seeds.size(), 27u);
}

// A run that an older program began goes on with the same random networks.
TEST(StepSeed, StaysWhatItWas) {
  EXPECT_EQ(StepSeed(0, 0, 0), 0x238275bc38fcbe91u);
  EXPECT_EQ(StepSeed(7, 1000, 3), 0x5d661e3645fdc8f1u);
}

}  // namespace
}  // namespace pipelines
