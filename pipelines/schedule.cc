#include "pipelines/schedule.h"

#include <algorithm>

namespace pipelines {
namespace {

// Steele, Lea & Flood 2014: a bijection whose outputs look random.
uint64_t SplitMix64(uint64_t x) {
  x += 0x9E3779B97F4A7C15;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
  return x ^ (x >> 31);
}

}  // namespace

double LearningRate(const TrainingConfig& training, int64_t epoch) {
  double rate = training.learning_rate();
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
  return SplitMix64(SplitMix64(SplitMix64(run_seed) + step) + purpose);
}

}  // namespace pipelines
