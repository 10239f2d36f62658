// Which checkpoint a user means.
#ifndef PIPELINES_CHECKPOINT_RUN_CHECKPOINT_H_
#define PIPELINES_CHECKPOINT_RUN_CHECKPOINT_H_

#include <string>

#include "absl/status/statusor.h"

namespace pipelines {

// `path` itself, unless it is a folder: of a run's folder, or of its folder
// "checkpoints", the best checkpoint, or the newest where none is marked as the
// best. NotFound if it holds none.
absl::StatusOr<std::string> CheckpointAt(const std::string& path);

}  // namespace pipelines

#endif  // PIPELINES_CHECKPOINT_RUN_CHECKPOINT_H_
