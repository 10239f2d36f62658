#include "pipelines/checkpoint/learning_phase.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "pipelines/checkpoint/checkpoint.pb.h"
#include "pipelines/config/config.pb.h"

namespace pipelines {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(LearningPhase, IsMotionAloneUntilAWholeStepIsTaken) {
  TrainingConfig training;
  training.set_motion_steps(800);
  for (const int64_t step : {0, 53, 800}) {
    EXPECT_TRUE(IsUnpainted(training, step)) << step;
  }
  EXPECT_FALSE(IsUnpainted(training, 801));
  EXPECT_EQ(PhaseText(training, 53), "motion alone, 53 of 800 steps");
  EXPECT_EQ(PhaseText(training, 801), "");
  EXPECT_THAT(UnpaintedWarning(training, 53),
              AllOf(HasSubstr("after 53 of 800 steps"),
                    HasSubstr("training.motion_steps")));
  EXPECT_EQ(UnpaintedWarning(training, 801), "");
}

TEST(LearningPhase, TakesInitialWeightsForOnesThatPaint) {
  TrainingConfig training;
  training.set_motion_steps(800);
  training.set_initial_weights("tps-vox");
  EXPECT_FALSE(IsUnpainted(training, 53));
  EXPECT_EQ(UnpaintedWarning(training, 53), "");
  EXPECT_EQ(PhaseText(training, 53), "motion alone, 53 of 800 steps");
}

TEST(LearningPhase, TakesNoInitialWeightsThatHadNotLearntIt) {
  CheckpointState state;
  TrainingConfig* training = state.mutable_config()->mutable_training();
  training->set_motion_steps(800);
  training->set_initial_weights("runs/too_short");
  // Older files do not say.
  EXPECT_FALSE(IsUnpainted(PhasesOf(state), 53));
  state.set_began_painting(true);
  EXPECT_FALSE(IsUnpainted(PhasesOf(state), 53));
  state.set_began_painting(false);
  EXPECT_TRUE(IsUnpainted(PhasesOf(state), 53));
}

TEST(LearningPhase, LeavesOutInitialWeightsAndIsWhatItWas) {
  for (const bool began_painting : {false, true}) {
    for (const int64_t step : {53, 801}) {
      CheckpointState state;
      TrainingConfig* training = state.mutable_config()->mutable_training();
      training->set_motion_steps(800);
      training->set_initial_weights("/home/me/runs/first");
      state.set_began_painting(began_painting);
      state.set_step(step);
      const bool was_unpainted = IsUnpainted(PhasesOf(state), step);
      LeaveOutInitialWeights(&state);
      EXPECT_EQ(IsUnpainted(PhasesOf(state), step), was_unpainted);
      EXPECT_EQ(training->initial_weights(),
                began_painting && step == 53 ? "(left out)" : "");
    }
  }
  CheckpointState none;
  LeaveOutInitialWeights(&none);
  EXPECT_FALSE(none.has_config());
}

TEST(LearningPhase, SaysWhatEndedItTooSoon) {
  TrainingConfig training;
  training.set_motion_steps(800);
  training.set_max_steps(2000);
  EXPECT_THAT(UnpaintedWarning(training, 53),
              HasSubstr("Run the training again to go on; or start"));
  EXPECT_THAT(UnpaintedWarning(training, 53, /*finished=*/true),
              HasSubstr("to go on, with a larger training.num_epochs; or"));
  training.set_max_steps(800);
  EXPECT_THAT(UnpaintedWarning(training, 800),
              HasSubstr("to go on, with a larger training.max_steps; or"));
  EXPECT_THAT(UnpaintedWarning(training, 800, /*finished=*/true),
              HasSubstr("to go on, with a larger training.max_steps; or"));
  training.set_max_minutes(3);
  EXPECT_THAT(UnpaintedWarning(training, 800),
              HasSubstr("to go on, with a larger training.max_steps and "
                        "training.max_minutes; or"));
  training.set_max_steps(2000);
  EXPECT_THAT(UnpaintedWarning(training, 53),
              HasSubstr("to go on, with a larger training.max_minutes; or"));
  EXPECT_THAT(UnpaintedWarning(training, 53, /*finished=*/true),
              HasSubstr("to go on, with a larger training.max_minutes and "
                        "training.num_epochs; or"));
}

TEST(LearningPhase, IsNeverMotionAloneWithoutSuchSteps) {
  EXPECT_FALSE(IsUnpainted(TrainingConfig(), 0));
  EXPECT_EQ(PhaseText(TrainingConfig(), 0), "");
  EXPECT_EQ(UnpaintedWarning(TrainingConfig(), 0), "");
}

}  // namespace
}  // namespace pipelines
