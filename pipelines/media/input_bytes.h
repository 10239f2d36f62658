// The bytes of a file, or those in memory. Private to this folder.
#ifndef PIPELINES_MEDIA_INPUT_BYTES_H_
#define PIPELINES_MEDIA_INPUT_BYTES_H_

#include <istream>
#include <memory>

#include "absl/status/statusor.h"
#include "pipelines/media/ffmpeg_util.h"
#include "pipelines/media/media_input.h"

namespace pipelines::media {

// For FFmpeg, which cannot seek where `input` is a pipe. `input` is no device
// and no URL. NotFound or PermissionDenied; InvalidArgument for a folder and
// where there are no bytes.
absl::StatusOr<IoPtr> OpenBytes(const MediaInput& input);

// For a second look. Null for a device, a URL and a pipe, which cannot be read
// twice.
std::unique_ptr<std::istream> OpenStream(const MediaInput& input);

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_INPUT_BYTES_H_
