// Which checkpoint of a run is the best: training.best_checkpoint.
#ifndef PIPELINES_TRAINING_BEST_CHECKPOINT_H_
#define PIPELINES_TRAINING_BEST_CHECKPOINT_H_

#include <torch/types.h>

#include <cstdint>
#include <functional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pipelines/base/work_hooks.h"
#include "pipelines/config/config.pb.h"
#include "pipelines/data/dataset.h"
#include "pipelines/training/learner.h"
#include "pipelines/training/session.h"

namespace pipelines {

// A look rebuilds frames of test clips, which takes a time that does not depend
// on how long an epoch is. So a look happens where an epoch ends with a
// checkpoint, but not before kPairsForAFrame pairs have been trained on since
// the last look for each frame that it rebuilds, and not while motion alone is
// taught, when nothing is painted yet; and at the end in any case. A frame is
// one forward pass without losses, which takes less than a pair's step (0.3 to
// 0.5 of it at 64x64 on a CPU, reading and comparing included), so looks take
// less than a twelfth of the time of one process. Of N processes, which share
// the pairs and wait for the one that looks, they take up to N times as much.
// It is a rule of steps and data alone, so that a run ends with the same best
// checkpoint however often it is interrupted.
inline constexpr int64_t kPairsForAFrame = 12;

class BestCheckpoint {
 public:
  // `session` and `test` are not owned.
  BestCheckpoint(const Config& config, Session* session, data::Dataset* test);

  // Looks at the checkpoint that was saved last, if it is time to. A look that
  // is cut off happens again in the next session, at the same weights. Gives
  // the test L1 to `measured`. The errors of EvaluateReconstruction and
  // MarkBest.
  absl::Status LookIfDue(
      Learner& learner, torch::Device device, const WorkHooks& hooks,
      const std::function<absl::Status(double l1)>& measured);

  // Frames that a look rebuilds; 0 for metrics that rebuild none.
  int64_t frames_of_a_look() const { return frames_; }

 private:
  bool IsDue() const;
  absl::StatusOr<double> TestL1(Learner& learner, torch::Device device,
                                const WorkHooks& hooks) const;

  const Config config_;
  Session* session_;
  data::Dataset* test_;
  int64_t frames_ = 0;
};

}  // namespace pipelines

#endif  // PIPELINES_TRAINING_BEST_CHECKPOINT_H_
