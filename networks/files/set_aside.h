// Keeping what stands in the way, under another name.
#ifndef NETWORKS_FILES_SET_ASIDE_H_
#define NETWORKS_FILES_SET_ASIDE_H_

#include <string>

#include "absl/status/statusor.h"

namespace networks::files {

// Gives the file `path` the name `name`, in the same folder; or, where that is
// taken, with "-2", "-3" and so on before its ending: nothing is replaced. The
// new name is durable. Returns the new path. The system's error, naming both.
absl::StatusOr<std::string> SetAside(const std::string& path,
                                     const std::string& name);

// Renames, but replaces nothing. 0, or the error's number: EEXIST where
// something has the name `to`.
int RenameToNew(const std::string& from, const std::string& to);

}  // namespace networks::files

#endif  // NETWORKS_FILES_SET_ASIDE_H_
