#include "pipelines/training/schedule.h"

#include <algorithm>

#include "pipelines/base/random.h"

namespace pipelines {
namespace {

// An output of SplitMix64.
uint64_t Hash(uint64_t x) { return Mix(x + kGamma); }

}  // namespace

double LearningRate(const TrainingConfig& training, int64_t epoch,
                    int64_t step) {
  double rate = training.learning_rate();
  if (step + 1 < training.warmup_steps()) {
    rate *= static_cast<double>(step + 1) /
            static_cast<double>(training.warmup_steps());
  }
  for (const int milestone : training.milestones()) {
    if (epoch >= milestone) rate *= 0.1;
  }
  return rate;
}

double CandidateDropout(const CandidateDropoutConfig& dropout, int64_t epoch) {
  if (epoch >= dropout.end_epoch()) return 0;
  const double rise = static_cast<double>(epoch) / dropout.rise_epochs();
  return std::min(rise * dropout.max() + dropout.start(), dropout.max());
}

uint64_t StepSeed(uint64_t run_seed, int64_t step, uint64_t purpose) {
  return Hash(Hash(Hash(run_seed) + static_cast<uint64_t>(step)) + purpose);
}

}  // namespace pipelines
