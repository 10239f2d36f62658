// Whether the fields of a config go together.
#ifndef PIPELINES_CONFIG_VALIDATE_H_
#define PIPELINES_CONFIG_VALIDATE_H_

#include "absl/status/status.h"
#include "pipelines/config/config.pb.h"

namespace pipelines {

// InvalidArgument naming the first field that is out of range or does not go
// together with another one.
absl::Status ValidateConfig(const Config& config);

// The same of what evaluation needs: data and model, not losses and training.
absl::Status ValidateForEvaluation(const Config& config);

// The same of the size of frames alone: whether the networks can halve it.
absl::Status ValidateFrameSize(const Config& config);

}  // namespace pipelines

#endif  // PIPELINES_CONFIG_VALIDATE_H_
