// Where the time of a repeated task goes, stage by stage.
#ifndef PIPELINES_TRAINING_STAGE_TIMER_H_
#define PIPELINES_TRAINING_STAGE_TIMER_H_

#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace pipelines {

// Stages follow each other; each runs from its Begin to the next one or to End.
// Keeps the order in which stages first appear. Costs nothing worth measuring,
// but for what it is told to wait for.
class StageTimer {
 public:
  // Waits for the work that a device still does, so that time is booked where
  // it is spent; for CUDA, torch::cuda::synchronize of it. Without, the time of
  // such work is that of the stage which first needs its outcome.
  using Synchronize = std::function<void()>;
  explicit StageTimer(Synchronize synchronize = nullptr)
      : synchronize_(std::move(synchronize)) {}

  void Begin(const char* stage);
  void End();

  // A table of milliseconds a round and shares, one line a stage.
  std::string Table(int rounds) const;

  // Seconds spent in `stage` so far.
  double Seconds(const std::string& stage) const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Stage {
    std::string name;
    double seconds = 0;
  };

  Synchronize synchronize_;
  std::vector<Stage> stages_;
  int current_ = -1;
  Clock::time_point start_;
};

}  // namespace pipelines

#endif  // PIPELINES_TRAINING_STAGE_TIMER_H_
