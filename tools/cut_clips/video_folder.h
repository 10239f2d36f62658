// Which files of a folder are videos, and which one a table means.
#ifndef TOOLS_CUT_CLIPS_VIDEO_FOLDER_H_
#define TOOLS_CUT_CLIPS_VIDEO_FOLDER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace tools {

// Whether the file `name` in `folder` is a video: by its ending, and a PNG or
// WebP if it moves. The errors of reading such a picture.
absl::StatusOr<bool> IsVideo(const std::string& folder,
                             const std::string& name);

// The path of what a table calls `file`: one of `names`, those in `folder`, or
// a video among them whose ending the table leaves out. Subtitles, thumbnails
// and halves of downloads beside a video are none. What is in no name, such as
// a path below `folder`, is joined to it, whether or not it is there.
// InvalidArgument if several videos differ from `file` in their endings alone.
absl::StatusOr<std::string> FindVideo(const std::string& folder,
                                      const std::string& file,
                                      const std::vector<std::string>& names);

}  // namespace tools

#endif  // TOOLS_CUT_CLIPS_VIDEO_FOLDER_H_
