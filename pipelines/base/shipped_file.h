// Text files that come with the programs: configs and studies.
#ifndef PIPELINES_BASE_SHIPPED_FILE_H_
#define PIPELINES_BASE_SHIPPED_FILE_H_

#include <string>

#include "absl/status/statusor.h"

namespace pipelines {

// The path of the text file that a user calls `name`: the shipped one of that
// name, as "demo" in the folder "pipelines/config/shipped", from wherever the
// program was started; otherwise the user's file (user_path.h).
//
// NotFound if there is neither, with the names of what is shipped; `kind` is
// what it calls the file, as "config".
absl::StatusOr<std::string> ShippedOrUserFile(const std::string& kind,
                                              const std::string& folder,
                                              const std::string& name);

}  // namespace pipelines

#endif  // PIPELINES_BASE_SHIPPED_FILE_H_
