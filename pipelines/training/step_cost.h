// What a training step will cost, before one has been taken.
#ifndef PIPELINES_TRAINING_STEP_COST_H_
#define PIPELINES_TRAINING_STEP_COST_H_

#include "pipelines/config/config.pb.h"

namespace pipelines {

// Floating-point operations of the convolutions of a whole training step,
// forward and backward, counted layer by layer; they are nearly all of its
// work.
double StepFlops(const Config& config);

// Time of a step that teaches motion alone (training.motion_steps), in whole
// steps.
double MotionStepShare(const Config& config);

// Operations a second that this CPU reaches in a convolution, from a
// measurement of a few hundredths of a second.
double MeasureConvolutionRate();

// Seconds that a whole step is expected to take on this CPU, good to a factor
// of two.
double ExpectedStepSeconds(const Config& config);

}  // namespace pipelines

#endif  // PIPELINES_TRAINING_STEP_COST_H_
