// How much of a run's time has gone by, and how much is left: what a progress
// bar needs to tell the truth.
#ifndef PIPELINES_TRAINING_RUN_TIME_H_
#define PIPELINES_TRAINING_RUN_TIME_H_

#include <cstdint>
#include <functional>

#include "pipelines/config/config.pb.h"

namespace pipelines {

// Steps of two kinds, those that teach only motion and whole ones, each take
// their own time. Between them checkpoints are saved, pictures drawn and test
// clips evaluated, which takes a share of the time that is measured, too.
class RunTime {
 public:
  // The run is to have `expected_steps`, of which `step` are taken and took
  // `trained_seconds`. `clock`: seconds since any start.
  RunTime(const TrainingConfig& training, int64_t expected_steps, int64_t step,
          double trained_seconds, std::function<double()> clock);

  // What a whole step takes, from a trial, until one is taken.
  void TryWholeStep(double seconds) { whole_.Set(seconds); }

  // A step was taken.
  void AddStep(double seconds);

  // Until the last step is taken, by whatever ends the run first. NaN before
  // the first step of the session, and while whole steps are to come of which
  // none has been timed.
  double SecondsLeft() const;

  // Of the run's time, over all its sessions, in [0, 1]; NaN as above.
  double Share() const;

  // Seconds of steps that end the run by training.max_minutes; 0 if none do.
  double budget() const { return budget_; }
  double trained_seconds() const { return trained_seconds_; }

 private:
  // The mean of the latest values.
  class Mean {
   public:
    void Set(double value) { value_ = value; }
    void Add(double value);
    bool is_known() const { return value_ > 0; }
    double value() const { return value_; }

   private:
    double value_ = 0;
    int64_t count_ = 0;  // of values that were measured, not tried
  };

  double StepSecondsLeft() const;

  const int64_t motion_steps_;
  const int64_t expected_steps_;
  const double budget_;
  const std::function<double()> clock_;
  double start_;
  int64_t step_;
  double trained_seconds_;
  double session_seconds_ = 0;  // of steps
  Mean motion_, whole_;
};

}  // namespace pipelines

#endif  // PIPELINES_TRAINING_RUN_TIME_H_
