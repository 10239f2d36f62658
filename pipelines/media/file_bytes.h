// A file as a source of bytes for FFmpeg. Private to this folder.
#ifndef PIPELINES_MEDIA_FILE_BYTES_H_
#define PIPELINES_MEDIA_FILE_BYTES_H_

#include <string>

#include "absl/status/statusor.h"
#include "pipelines/media/ffmpeg_util.h"

namespace pipelines::data {

// Opens the file at `path`: a regular file, or a pipe, in which FFmpeg cannot
// seek. NotFound or PermissionDenied; InvalidArgument for a folder and for an
// empty file.
absl::StatusOr<IoPtr> OpenFileBytes(const std::string& path);

}  // namespace pipelines::data

#endif  // PIPELINES_MEDIA_FILE_BYTES_H_
