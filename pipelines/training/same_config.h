// Whether a run may go on with a config.
#ifndef PIPELINES_TRAINING_SAME_CONFIG_H_
#define PIPELINES_TRAINING_SAME_CONFIG_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "pipelines/checkpoint/checkpoint.pb.h"
#include "pipelines/config/config.pb.h"

namespace pipelines {

// Pairs that a step sees, over all processes: by a config, and by a checkpoint.
int64_t SamplesPerStep(const Config& config, int processes);
int64_t SamplesPerStep(const CheckpointState& state);

// FailedPrecondition, IsConfigMismatch, naming the fields, if the run in
// `folder`, which has left `state`, is one of another config than `now`. How
// long it goes on, what makes no difference to its result, what of a step's
// pairs each of `processes` sees, and where the clips are may change.
absl::Status CheckSameConfig(const std::string& folder,
                             const CheckpointState& state, const Config& now,
                             int processes);

// The same error, for `differences` that are seen elsewhere.
absl::Status ConfigMismatch(const std::string& folder,
                            const std::vector<std::string>& differences);

// Whether an error is that of CheckSameConfig: the user's config does not fit
// the run, as against a fault of files or machines.
bool IsConfigMismatch(const absl::Status& status);

}  // namespace pipelines

#endif  // PIPELINES_TRAINING_SAME_CONFIG_H_
