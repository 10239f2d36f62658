// Whole files into memory.
#ifndef NETWORKS_FILES_READ_FILE_H_
#define NETWORKS_FILES_READ_FILE_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/statusor.h"

namespace networks::files {

// For texts: configs, lists, tables, manifests.
inline constexpr int64_t kMaxTextBytes = int64_t{64} << 20;

struct ReadOptions {
  // A file that holds more is refused before more memory is taken: a device
  // such as /dev/zero has no end.
  int64_t max_bytes = kMaxTextBytes;

  // Read only this many bytes from the front; 0 reads all. A longer file is no
  // error.
  int64_t first_bytes = 0;

  // Asked while a pipe or a terminal has nothing to read; true ends the waiting
  // with Cancelled. Regular files are read without asking.
  std::function<bool()> stop;
};

// The content of the file at `path`, which may be a pipe or a device.
//
// NotFound, PermissionDenied, InvalidArgument (a folder, or larger than
// max_bytes), Cancelled; every message names the path.
absl::StatusOr<std::string> ReadFile(const std::string& path,
                                     const ReadOptions& options = {});

// The same; InvalidArgument if the file is empty.
absl::StatusOr<std::string> ReadNonEmptyFile(const std::string& path,
                                             const ReadOptions& options = {});

}  // namespace networks::files

#endif  // NETWORKS_FILES_READ_FILE_H_
