// A folder of images as frames. Private to this folder: frame_source.h opens
// it.
#ifndef PIPELINES_MEDIA_FOLDER_SOURCE_H_
#define PIPELINES_MEDIA_FOLDER_SOURCE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "pipelines/media/frame_source.h"
#include "pipelines/media/media_input.h"

namespace pipelines::media {

// The images in a folder (see ListFrameFiles); the header of the first
// is read at once. Can Seek. The errors of ListFrameFiles and ReadImage; Next
// is InvalidArgument where a frame differs in size from the first one, unless
// options.allow_other_sizes.
absl::StatusOr<std::unique_ptr<FrameSource>> OpenFolderSource(
    const MediaInput& folder, const FrameSourceOptions& options);

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_FOLDER_SOURCE_H_
