// What is written, onto the disk.
#ifndef NETWORKS_FILES_SYNC_H_
#define NETWORKS_FILES_SYNC_H_

#include <string>

#include "absl/status/status.h"

namespace networks::files {

// Makes the names in `folder` durable: those that were made, renamed or
// removed. Does nothing on file systems that cannot sync a folder, and where
// the folder may not be listed.
absl::Status SyncFolder(const std::string& folder);

// Makes every file and folder in `folder` durable, and itself, but not the name
// that it has.
absl::Status SyncTree(const std::string& folder);

}  // namespace networks::files

#endif  // NETWORKS_FILES_SYNC_H_
