// The size at which a model sees frames, as a flag names it: for checkpoints
// that do not say it, as the original implementation's.
#ifndef PIPELINES_CONFIG_FRAME_SIZE_H_
#define PIPELINES_CONFIG_FRAME_SIZE_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "pipelines/config/config.pb.h"

namespace pipelines {

// In pixels.
struct FrameSize {
  int width = 0;
  int height = 0;
};

// "384", a square, or "512x384", width before height. InvalidArgument for
// anything else.
absl::StatusOr<FrameSize> ParseFrameSize(absl::string_view text);

// Sets data.width and data.height. InvalidArgument, naming them, for a size
// that the schema or the model does not allow: both are multiples of 32, and as
// often as the networks halve them they stay whole.
absl::Status SetFrameSize(const FrameSize& size, Config* config);

}  // namespace pipelines

#endif  // PIPELINES_CONFIG_FRAME_SIZE_H_
