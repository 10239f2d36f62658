// The checkpoints of a run: which to take, which to keep.
#ifndef PIPELINES_CHECKPOINT_CHECKPOINT_STORE_H_
#define PIPELINES_CHECKPOINT_CHECKPOINT_STORE_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pipelines/base/work_hooks.h"
#include "pipelines/checkpoint/checkpoint.h"
#include "pipelines/checkpoint/checkpoint_files.h"

namespace pipelines {

// The checkpoints of one run, in a folder of their own: saves the newest, keeps
// the best and as many others as it is told, restores the newest that is whole.
class CheckpointStore {
 public:
  // `folder` exists; `keep` as config.training.keep_checkpoints.
  CheckpointStore(std::string folder, int keep)
      : folder_(std::move(folder)), keep_(keep) {}

  // Restores `learnt` from the newest checkpoint that is whole, and returns its
  // state; nullopt if the folder has never held one.
  //
  // Checkpoints that are damaged (Checkpoint::Open) are renamed to
  // <name>.unreadable, with a warning, once an older one has been
  // restored. Every other error stops, names file and remedy, and leaves all
  // files as they are: a checkpoint that cannot be opened, is of a later
  // version, or does not fit; `check` refusing a state (of another config);
  // DataLoss if none is readable; FailedPrecondition if only the best is left
  // or those set aside earlier.
  absl::StatusOr<std::optional<CheckpointState>> Restore(
      const std::function<absl::Status(const CheckpointState&)>& check,
      const Learnt& learnt, const WorkHooks& hooks = {}) const;

  // ResourceExhausted, with what is needed and what is free, if the folder's
  // disk has no space for a checkpoint. Asked before the first step, so that a
  // full disk is not found only after hours.
  absl::Status CheckSpace(const Learnt& learnt) const;

  // Saves as the newest, with the AVD network that the file which is replaced,
  // or else the best, has for the same model. On any error all checkpoints that
  // were there are whole.
  absl::Status Save(const Learnt& learnt, const CheckpointState& state) const;

  // Makes the checkpoint of `step`, which is there, the best. Warns where the
  // former best had an AVD network, which that has not.
  absl::Status MarkBest(int64_t step, const WorkHooks& hooks = {}) const;

  // Names the best, if there is one, kFormerBestCheckpoint, with a number where
  // that is taken.
  absl::Status SetBestAside() const;

  // The newest by name, or "none yet".
  std::string Newest() const;

  // The one with the lowest metric: another name of the file of that step,
  // which stays when that one goes.
  std::string best() const { return folder_ + "/" + kBestCheckpoint; }

 private:
  std::string PathOf(int64_t step) const;
  absl::Status CheckNeverUsed() const;
  absl::Status NoneIsReadable(const std::vector<absl::Status>& reasons) const;

  std::string folder_;
  int keep_;
};

}  // namespace pipelines

#endif  // PIPELINES_CHECKPOINT_CHECKPOINT_STORE_H_
