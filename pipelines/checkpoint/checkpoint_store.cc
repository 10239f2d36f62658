#include "pipelines/checkpoint/checkpoint_store.h"

#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "networks/files/atomic_file.h"
#include "networks/files/path_parts.h"
#include "networks/files/set_aside.h"
#include "networks/files/system_error.h"
#include "pipelines/base/quoted_for_shell.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

namespace fs = std::filesystem;

constexpr char kUnreadable[] = ".unreadable";

absl::Status SetAside(const std::string& path, const absl::Status& reason,
                      const WorkHooks& hooks) {
  const absl::StatusOr<std::string> aside = networks::files::SetAside(
      path, networks::files::BaseName(path) + kUnreadable);
  if (!aside.ok()) {
    // Left under its name it would count among the newest that are kept.
    return absl::Status(
        aside.status().code(),
        absl::StrCat(reason.message(), "; and ", aside.status().message(),
                     ": remove it to go on from an older one"));
  }
  hooks.Warn(absl::StrCat(reason.message(), "; set aside as ", *aside,
                          ", taking an older one"));
  return absl::OkStatus();
}

// For what is wrong with a file other than damage.
absl::Status Stop(const absl::Status& status) {
  return absl::Status(
      status.code(),
      absl::StrCat(status.message(),
                   "; the run stops here and nothing of it is changed: make "
                   "this file readable, or move it away to go on from an older "
                   "checkpoint"));
}

}  // namespace

std::string CheckpointStore::PathOf(int64_t step) const {
  return absl::StrCat(folder_, "/", CheckpointName(step));
}

absl::StatusOr<std::optional<CheckpointState>> CheckpointStore::Restore(
    const std::function<absl::Status(const CheckpointState&)>& check,
    const Learnt& learnt, const WorkHooks& hooks) const {
  ASSIGN_OR_RETURN(const std::vector<std::string> paths,
                   FindCheckpoints(folder_));
  if (paths.empty()) {
    RETURN_IF_ERROR(CheckNeverUsed());
    return std::nullopt;
  }
  std::vector<absl::Status> damaged;  // of the newest
  for (const std::string& path : paths) {
    const absl::StatusOr<Checkpoint> checkpoint = Checkpoint::Open(path);
    if (absl::IsDataLoss(checkpoint.status())) {
      damaged.push_back(checkpoint.status());
      continue;
    }
    if (!checkpoint.ok()) return Stop(checkpoint.status());
    RETURN_IF_ERROR(check(checkpoint->state()));
    const absl::Status restored = checkpoint->Restore(learnt);
    if (!restored.ok()) return Stop(restored);
    for (size_t i = 0; i < damaged.size(); ++i) {
      RETURN_IF_ERROR(SetAside(paths[i], damaged[i], hooks));
    }
    return checkpoint->state();
  }
  return NoneIsReadable(damaged);
}

// A folder without checkpoints is a run that has not saved yet, unless it holds
// what is only there after a save: the best, one set aside or a copy.
absl::Status CheckpointStore::CheckNeverUsed() const {
  std::error_code error;
  for (fs::directory_iterator entry(folder_, error), end;
       !error && entry != end; entry.increment(error)) {
    const fs::path extension = entry->path().extension();
    if (extension != kCheckpointExtension && extension != kUnreadable) continue;
    return absl::FailedPreconditionError(absl::StrCat(
        folder_, ": holds ", entry->path().filename().string(),
        ", but no step-<number>.safetensors that the run could go on from; "
        "nothing of "
        "it is changed: bring one back, or move the run's folder away to begin "
        "anew"));
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    return networks::files::SystemError(error, folder_, "list this folder");
  }
  return absl::OkStatus();
}

absl::Status CheckpointStore::NoneIsReadable(
    const std::vector<absl::Status>& reasons) const {
  std::error_code error;
  return absl::DataLossError(absl::StrCat(
      folder_, ": none of ", reasons.size(), " checkpoints is readable (",
      reasons.front().message(),
      "); nothing of the run is changed: bring one back from a copy, or move "
      "the run's folder away to begin anew",
      fs::exists(best(), error)
          ? absl::StrCat(" (training.initial_weights can begin from ", best(),
                         ")")
          : ""));
}

absl::Status CheckpointStore::CheckSpace(const Learnt& learnt) const {
  std::error_code error;
  const fs::space_info space = fs::space(folder_, error);
  const auto needed = static_cast<uintmax_t>(CheckpointBytes(learnt));
  if (error || space.available >= needed) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat(folder_, ": a checkpoint needs ", needed, " bytes, and ",
                   space.available, " are free on its disk"));
}

absl::Status CheckpointStore::Save(const Learnt& learnt,
                                   const CheckpointState& state) const {
  // A run that is over may be saved again, and its model has one by then. That
  // of the file itself comes first: the best keeps its own.
  const std::string path = PathOf(state.step());
  networks::weights::TensorMap avd = AvdOfSameModel(path, learnt);
  if (avd.empty()) avd = AvdOfSameModel(best(), learnt);
  RETURN_IF_ERROR(SaveCheckpoint(path, learnt, state, avd));
  RemoveOldCheckpoints(folder_, keep_);
  return absl::OkStatus();
}

// A second name of the same file costs no space.
absl::Status CheckpointStore::MarkBest(int64_t step,
                                       const WorkHooks& hooks) const {
  const bool loses_avd = HasAvdNetwork(best()) && !HasAvdNetwork(PathOf(step));
  RETURN_IF_ERROR(networks::files::LinkOrCopyAtomically(PathOf(step), best()));
  if (loses_avd) {
    hooks.Warn(absl::StrCat(
        best(), " is that of step ", step,
        " now, and the former one's AVD network is gone with it; once the run "
        "is finished, train one for this model by tools/bazelw run "
        "//pipelines:train -- --avd ",
        QuotedForShell(best())));
  }
  return absl::OkStatus();
}

absl::Status CheckpointStore::SetBestAside() const {
  std::error_code error;
  if (!fs::exists(best(), error)) return absl::OkStatus();
  return networks::files::SetAside(best(), kFormerBestCheckpoint).status();
}

std::string CheckpointStore::Newest() const {
  const auto checkpoints = ListCheckpoints(folder_);
  return checkpoints.empty() ? "none yet" : checkpoints[0];
}

}  // namespace pipelines
