// The files of a run's checkpoints, by their names alone, and names in them.
// Free of LibTorch.
#ifndef PIPELINES_CHECKPOINT_CHECKPOINT_FILES_H_
#define PIPELINES_CHECKPOINT_CHECKPOINT_FILES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace pipelines {

inline constexpr char kCheckpointExtension[] = ".safetensors";
inline constexpr char kBestCheckpoint[] = "best.safetensors";
// What was the best until a run was told to keep none.
inline constexpr char kFormerBestCheckpoint[] = "former-best.safetensors";

// Tensors of the AVD network begin so, as in the original's checkpoints.
inline constexpr char kAvdPrefix[] = "avd_network.";

// "step-000001200.safetensors".
std::string CheckpointName(int64_t step);

// The checkpoints of a folder, newest first: files that have the CheckpointName
// of some step. Others, as the copies "step-000001200 (copy).safetensors" and
// "step-good.safetensors", are the user's. None if there is no such folder; the
// errors of listing it.
absl::StatusOr<std::vector<std::string>> FindCheckpoints(
    const std::string& folder);

// The same for what only shows them; none where the folder cannot be listed.
std::vector<std::string> ListCheckpoints(const std::string& folder);

// Removes all but the `keep` newest checkpoints of a folder.
void RemoveOldCheckpoints(const std::string& folder, int keep);

}  // namespace pipelines

#endif  // PIPELINES_CHECKPOINT_CHECKPOINT_FILES_H_
