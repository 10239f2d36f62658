// Which checkpoint a user means.
#ifndef PIPELINES_CHECKPOINT_RUN_CHECKPOINT_H_
#define PIPELINES_CHECKPOINT_RUN_CHECKPOINT_H_

#include <string>

#include "absl/status/statusor.h"

namespace pipelines {

// `path` itself, unless it is
//
// - a folder: of a run's folder, or of its folder "checkpoints", the best
//   checkpoint, or the newest where none is marked as the best;
// - the name of published weights, as "tps-vox", where the user's folder has no
//   file of that name: the file that was fetched to the cache folder.
//
// path: as UserPath makes it of what the user typed.
// NotFound if nothing is there, if a folder holds none, or if published weights
// have not been fetched, with the command that fetches them.
absl::StatusOr<std::string> CheckpointAt(const std::string& path);

// The folder of the run whose folder "checkpoints" holds `checkpoint`, which
// may be named from inside of it; empty if it lies elsewhere.
std::string RunOf(const std::string& checkpoint);

}  // namespace pipelines

#endif  // PIPELINES_CHECKPOINT_RUN_CHECKPOINT_H_
