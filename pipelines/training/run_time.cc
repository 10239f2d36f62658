#include "pipelines/training/run_time.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace pipelines {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

// A mean over so many steps: long enough to be calm, short enough to follow a
// machine that gets other work.
constexpr double kMemory = 30;

}  // namespace

void RunTime::Mean::Add(double value) {
  ++count_;
  // The first also sets up threads and memory, so that the second replaces it.
  value_ = count_ <= 2
               ? value
               : value_ + (value - value_) / std::min(count_ - 1.0, kMemory);
}

RunTime::RunTime(const TrainingConfig& training, int64_t expected_steps,
                 int64_t step, double trained_seconds,
                 std::function<double()> clock)
    : motion_steps_(std::min<int64_t>(training.motion_steps(), expected_steps)),
      expected_steps_(expected_steps),
      budget_(60 * training.max_minutes()),
      clock_(std::move(clock)),
      start_(clock_()),
      step_(step),
      trained_seconds_(trained_seconds) {}

void RunTime::AddStep(double seconds) {
  (step_ < motion_steps_ ? motion_ : whole_).Add(seconds);
  ++step_;
  // What came before the first step, as trials, comes but once.
  if (session_seconds_ == 0) start_ = clock_() - seconds;
  session_seconds_ += seconds;
  trained_seconds_ += seconds;
}

double RunTime::StepSecondsLeft() const {
  const int64_t motion = std::max<int64_t>(motion_steps_ - step_, 0);
  const int64_t whole = expected_steps_ - std::max(step_, motion_steps_);
  const double by_budget = budget_ > 0
                               ? std::max(budget_ - trained_seconds_, 0.0)
                               : std::numeric_limits<double>::infinity();
  const bool knows_steps =
      (motion == 0 || motion_.is_known()) && (whole <= 0 || whole_.is_known());
  if (!knows_steps) return budget_ > 0 ? by_budget : kUnknown;
  const double by_steps = static_cast<double>(motion) * motion_.value() +
                          static_cast<double>(whole) * whole_.value();
  return std::min(by_steps, by_budget);
}

double RunTime::SecondsLeft() const {
  if (session_seconds_ == 0) return kUnknown;
  const double all_of_session = std::max(clock_() - start_, session_seconds_);
  return StepSecondsLeft() * all_of_session / session_seconds_;
}

double RunTime::Share() const {
  if (session_seconds_ == 0) return kUnknown;
  const double left = StepSecondsLeft();
  return trained_seconds_ / std::max(trained_seconds_ + left, 1e-9);
}

}  // namespace pipelines
