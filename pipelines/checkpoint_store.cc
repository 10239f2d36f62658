#include "pipelines/checkpoint_store.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

namespace fs = std::filesystem;

void SetAside(const std::string& path, const absl::Status& reason) {
  std::error_code ignored;  // The warning says the name all the same.
  fs::rename(path, path + ".unreadable", ignored);
  std::fprintf(stderr,
               "warning: %s; set aside as %s.unreadable, trying an older one\n",
               std::string(reason.message()).c_str(), path.c_str());
}

}  // namespace

std::string CheckpointName(int64_t step) {
  return absl::StrFormat("step-%09d.safetensors", step);
}

std::vector<std::string> ListCheckpoints(const std::string& folder) {
  std::vector<std::string> paths;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename();
    if (absl::StartsWith(name, "step-") &&
        entry.path().extension() == ".safetensors") {
      paths.push_back(entry.path());
    }
  }
  // The numbers are padded, so names sort as they do.
  std::sort(paths.rbegin(), paths.rend());
  return paths;
}

void RemoveOldCheckpoints(const std::string& folder, int keep) {
  const std::vector<std::string> paths = ListCheckpoints(folder);
  for (size_t i = keep; i < paths.size(); ++i) {
    std::error_code ignored;  // What stays does no harm.
    fs::remove(paths[i], ignored);
  }
}

std::string CheckpointStore::PathOf(int64_t step) const {
  return absl::StrCat(folder_, "/", CheckpointName(step));
}

absl::StatusOr<std::optional<CheckpointState>> CheckpointStore::Restore(
    const std::function<absl::Status(const CheckpointState&)>& check,
    const Learnt& learnt) const {
  for (const std::string& path : ListCheckpoints(folder_)) {
    const absl::StatusOr<Checkpoint> checkpoint = Checkpoint::Open(path);
    if (!checkpoint.ok()) {
      SetAside(path, checkpoint.status());
      continue;
    }
    RETURN_IF_ERROR(check(checkpoint->state()));
    if (absl::Status status = checkpoint->Restore(learnt); !status.ok()) {
      SetAside(path, status);
      continue;
    }
    return checkpoint->state();
  }
  return std::nullopt;
}

absl::Status CheckpointStore::Save(const Learnt& learnt,
                                   const CheckpointState& state) const {
  RETURN_IF_ERROR(SaveCheckpoint(PathOf(state.step()), learnt, state));
  RemoveOldCheckpoints(folder_, keep_);
  return absl::OkStatus();
}

// A second name of the same file costs no space. Where the file system has no
// such, a copy. Under a temporary name first, so that the old best one stays
// until the new one is there.
absl::Status CheckpointStore::MarkBest(int64_t step) const {
  const std::string temporary = best() + ".tmp.link";
  std::error_code error;
  fs::remove(temporary, error);
  fs::create_hard_link(PathOf(step), temporary, error);
  if (error) fs::copy_file(PathOf(step), temporary, error);
  if (!error) fs::rename(temporary, best(), error);
  if (!error) return absl::OkStatus();
  return absl::ErrnoToStatus(
      error.value(),
      absl::StrCat(best(), ": cannot write the best checkpoint"));
}

std::string CheckpointStore::Newest() const {
  const auto checkpoints = ListCheckpoints(folder_);
  return checkpoints.empty() ? "none yet" : checkpoints[0];
}

}  // namespace pipelines
