// What changes with the epochs of training. Torch-free.
#ifndef PIPELINES_TRAINING_SCHEDULE_H_
#define PIPELINES_TRAINING_SCHEDULE_H_

#include <cstdint>

#include "pipelines/config/config.pb.h"

namespace pipelines {

// The configured rate, divided by ten at every milestone reached, and less in
// the first warmup_steps: (step + 1) / warmup_steps of it. Epochs and steps
// count from 0; milestone m takes effect in epoch m.
double LearningRate(const TrainingConfig& training, int64_t epoch,
                    int64_t step);

// The share of candidates left out in `epoch`; 0 once dropout has ended.
double CandidateDropout(const CandidateDropoutConfig& dropout, int64_t epoch);

// The seed of what is random in a training step: a function of the run's seed,
// the step and the purpose only, so that a resumed run needs no random state.
uint64_t StepSeed(uint64_t run_seed, int64_t step, uint64_t purpose);

// The purposes; each has draws of its own.
struct StepPurpose {
  static constexpr uint64_t kDropout = 1;
  static constexpr uint64_t kEquivariance = 2;
  static constexpr uint64_t kFrozen = 3;  // weights that are not trained
  static constexpr uint64_t kStructureShift = 4;
};

}  // namespace pipelines

#endif  // PIPELINES_TRAINING_SCHEDULE_H_
