// Test pairs for pictures: with much motion, and the same in every run.
#ifndef PIPELINES_TRAINING_PREVIEW_H_
#define PIPELINES_TRAINING_PREVIEW_H_

#include <torch/types.h>

#include "absl/status/statusor.h"
#include "pipelines/data/dataset.h"

namespace pipelines {

struct PreviewPairs {
  torch::Tensor source;   // [B, 3, H, W] in [0, 1], the clips' first frames
  torch::Tensor driving;  // the frames that differ most from these
};

// Of the first `count` clips of `test`, or of all it has, on the CPU.
absl::StatusOr<PreviewPairs> ReadPreviewPairs(data::Dataset& test, int count);

}  // namespace pipelines

#endif  // PIPELINES_TRAINING_PREVIEW_H_
