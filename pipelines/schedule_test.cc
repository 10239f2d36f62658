#include "pipelines/schedule.h"

#include <set>

#include "gtest/gtest.h"

namespace pipelines {
namespace {

TEST(LearningRate, FallsToATenthAtEachMilestone) {
  TrainingConfig training;
  training.set_learning_rate(2e-4);
  training.add_milestones(70);
  training.add_milestones(90);
  EXPECT_DOUBLE_EQ(LearningRate(training, 69), 2e-4);
  EXPECT_DOUBLE_EQ(LearningRate(training, 70), 2e-5);
  EXPECT_DOUBLE_EQ(LearningRate(training, 95), 2e-6);
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

}  // namespace
}  // namespace pipelines
