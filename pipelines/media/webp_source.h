// The frames of an animated WebP, which FFmpeg's decoder leaves out. Private to
// this folder: frame_source.h opens it.
#ifndef PIPELINES_MEDIA_WEBP_SOURCE_H_
#define PIPELINES_MEDIA_WEBP_SOURCE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "pipelines/media/frame_source.h"
#include "pipelines/media/media_input.h"

namespace pipelines::media {

// The frames of a file, or of one in memory, for which IsAnimatedWebp holds:
// whole pictures, upright, drawn as browsers do. They are shown once, however
// often the file wants them repeated, and the file's background colour is left
// out. A frame that states no time lasts a tenth of a second. Times are in
// milliseconds from 0.
//
// The errors of ReadImageFile; InvalidArgument if the canvas is larger than
// kMaxVideoPixels. A frame that is damaged or missing is DataLoss when it is
// read; with options.allow_damaged it is left out.
absl::StatusOr<std::unique_ptr<FrameSource>> OpenWebpSource(
    const MediaInput& input, const FrameSourceOptions& options);

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_WEBP_SOURCE_H_
