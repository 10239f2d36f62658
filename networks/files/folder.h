// Folders: making and listing them.
#ifndef NETWORKS_FILES_FOLDER_H_
#define NETWORKS_FILES_FOLDER_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace networks::files {

// Makes the folder `path` and those above it, as far as they are missing.
// FailedPrecondition if something else than a folder has one of the names,
// PermissionDenied, ResourceExhausted, NotFound; each names the path.
absl::Status MakeFolder(const std::string& path);

// Names in `folder`, without hidden ones (".x"), sorted as people count: frame2
// comes before frame10. NotFound, PermissionDenied or FailedPrecondition (no
// folder), naming the folder.
absl::StatusOr<std::vector<std::string>> ListFolder(const std::string& folder);

}  // namespace networks::files

#endif  // NETWORKS_FILES_FOLDER_H_
