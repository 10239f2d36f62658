// One image as frames: a row of square ones, or a single one. Private to this
// folder: frame_source.h opens it.
#ifndef PIPELINES_MEDIA_ROW_SOURCE_H_
#define PIPELINES_MEDIA_ROW_SOURCE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "pipelines/media/frame_source.h"
#include "pipelines/media/media_input.h"

namespace pipelines::media {

// The frames of an image, a file or one in memory: square ones, side by side,
// if its width is a multiple of its height and there are at least
// options.min_stacked_frames; else the image is the only frame. The errors of
// ReadImage; InvalidArgument if the frames of a row are smaller than 8x8
// pixels.
absl::StatusOr<std::unique_ptr<FrameSource>> OpenRowSource(
    const MediaInput& input, const FrameSourceOptions& options);

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_ROW_SOURCE_H_
