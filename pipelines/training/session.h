// Where a run stands, in this process: its position in the data, its time, what
// of it is saved. It goes on from the newest checkpoint of the run's folder.
#ifndef PIPELINES_TRAINING_SESSION_H_
#define PIPELINES_TRAINING_SESSION_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "pipelines/base/stopwatch.h"
#include "pipelines/base/work_hooks.h"
#include "pipelines/checkpoint/checkpoint.pb.h"
#include "pipelines/checkpoint/checkpoint_store.h"
#include "pipelines/config/config.pb.h"
#include "pipelines/data/dataset.h"
#include "pipelines/data/loader.h"
#include "pipelines/parallel/process_group.h"
#include "pipelines/training/learner.h"
#include "pipelines/training/run_folder.h"

namespace pipelines {

// The run's state between steps, and when it is saved. For one thread at a
// time; with a group, all processes make the same calls in the same order.
class Session {
 public:
  // `folder` is rank 0's and null in all other processes, which get everything
  // from rank 0. `group` is null for one process.
  Session(const Config& config, std::optional<RunFolder> folder,
          std::shared_ptr<parallel::ProcessGroup> group);

  // Brings model, optimizer and average of `learner` to where the run stands:
  // restored, or at training.initial_weights, or as they are. A collective. The
  // errors of CheckpointStore::Restore, CheckSameConfig, LoadInitialWeights and
  // ShareTraining; ResourceExhausted if the disk has no space for a checkpoint.
  absl::Status Resume(Learner& learner, const WorkHooks& hooks);

  // Warns if the clips are not those of the session before, and forgets a best
  // value that was measured on other test clips. If data.folder is another,
  // too, IsConfigMismatch; if it alone is, tells.
  absl::Status CompareClips(const data::Dataset& train,
                            const data::Dataset& test, const WorkHooks& hooks);

  // The next batch of this process, in batches; and what the loader made of it.
  data::LoaderPosition position() const;
  void SetPosition(const data::LoaderPosition& next);

  // A step was taken, in `seconds`, of which the rest comes at `next`.
  void Advance(const StepResult& result, double seconds,
               const data::LoaderPosition& next);

  // Whether the run has as many epochs, steps or minutes as its config wants:
  // the same in all processes.
  bool IsAtTheEnd() const;
  // Also that it ended so: no step is left, and what it was keeps its values.
  bool IsOver() const { return state_.finished() && IsAtTheEnd(); }
  // Steps of the whole run, if no limit of minutes ends it before: those taken,
  // and those that `loader`, which stands at position(), has for the rest.
  int64_t ExpectedSteps(const data::Loader& loader) const;

  bool IsAtEpochEnd() const { return state_.step_in_epoch() == 0; }
  bool EpochEndsWithCheckpoint() const;
  bool IsTimeToSave() const;

  // Saves as the newest, and as the best if this step is. Of a run that keeps
  // none (training.best_checkpoint.metric NONE), the first save of a session
  // sets aside the one that is there. In other processes than rank 0, does
  // nothing. The errors of RunFolder::KeepLock, SaveCheckpoint, MarkBest
  // and SetBestAside.
  absl::Status Save(const Learnt& learnt);

  // Whether the run was resumed with another config than its checkpoint has, in
  // what a run may change (CheckSameConfig) and what has an effect on it.
  bool config_changed() const { return config_changed_; }

  // Its config is the run's: that of this session, but for what has no effect
  // on a run that goes on.
  const CheckpointState& state() const { return state_; }
  CheckpointState& mutable_state() { return state_; }
  // Null in other processes than rank 0.
  const RunFolder* folder() const { return folder_ ? &*folder_ : nullptr; }
  const CheckpointStore* store() const { return store_ ? &*store_ : nullptr; }

 private:
  int num_processes() const { return group_ == nullptr ? 1 : group_->size(); }
  absl::Status Restore(Learner& learner, const WorkHooks& hooks);
  absl::Status StartFromInitialWeights(Learner& learner,
                                       const WorkHooks& hooks);
  Config TruthOfRun(const WorkHooks& hooks) const;
  void AdaptPosition(const WorkHooks& hooks);
  void ForgetOtherBest(const WorkHooks& hooks);
  void ForgetBestOfOtherClips(const WorkHooks& hooks);
  void SetBestAsideIfNoneIsKept(const WorkHooks& hooks);

  const Config config_;
  std::optional<RunFolder> folder_;
  std::shared_ptr<parallel::ProcessGroup> group_;
  std::optional<CheckpointStore> store_;
  CheckpointState state_;
  std::string former_clips_;  // data.folder of the session before
  bool config_changed_ = false;
  bool sets_best_aside_ = false;  // with the next save
  // Of training, by the clock of rank 0: the same in all processes.
  double agreed_seconds_ = 0;
  Stopwatch since_save_;
};

}  // namespace pipelines

#endif  // PIPELINES_TRAINING_SESSION_H_
