// Where the time of a training step went, on this machine at that moment.
#ifndef PIPELINES_TRAINING_STEP_TIME_H_
#define PIPELINES_TRAINING_STEP_TIME_H_

namespace pipelines {

struct StepTime {
  double seconds = 0;     // the whole step
  double data_share = 0;  // of it, in [0, 1]: waiting for data
};

}  // namespace pipelines

#endif  // PIPELINES_TRAINING_STEP_TIME_H_
