// Whole files in and out. A file that is being written never carries its final
// name, so that what is found under a final name is whole.
#ifndef PIPELINES_MEDIA_FILE_IO_H_
#define PIPELINES_MEDIA_FILE_IO_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace pipelines::data {

// The content of the file at `path`. NotFound, PermissionDenied or
// InvalidArgument (a folder, an empty file), each naming the path.
absl::StatusOr<std::string> ReadFile(const std::string& path);

// The name under which the writers of this folder prepare `path`.
std::string PartialPath(const std::string& path);

// Syncs the finished file PartialPath(path) to disk and gives it its final
// name, replacing what is there. On failure the partial file is removed.
absl::Status PublishPartialFile(const std::string& path);

// Writes `content` to PartialPath(path) and publishes it. On any failure (full
// disk, read-only folder) what was at `path` before is still there, whole.
absl::Status WriteFile(const std::string& path, std::string_view content);

// Names in `folder`, without hidden ones, sorted as people count: frame2 comes
// before frame10. NotFound or PermissionDenied naming the folder.
absl::StatusOr<std::vector<std::string>> ListFolder(const std::string& folder);

// "/a/b/id7#03.mp4" -> "id7#03.mp4" and "id7#03".
std::string BaseName(const std::string& path);
std::string Stem(const std::string& path);

}  // namespace pipelines::data

#endif  // PIPELINES_MEDIA_FILE_IO_H_
