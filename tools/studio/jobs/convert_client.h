// Converts a finished animation in a child process.
#ifndef TOOLS_STUDIO_JOBS_CONVERT_CLIENT_H_
#define TOOLS_STUDIO_JOBS_CONVERT_CLIENT_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"

namespace studio {

// See ConvertVideo (convert_video.h), which says what `frames` is; it may be
// empty. Blocks until it is done. The result has at most `max_bytes`;
// ResourceExhausted beyond that, and on a full disk; Unavailable where `kill`
// (confined_run.h) has ended it.
absl::Status ConvertResult(const std::string& from, const std::string& to,
                           const std::string& frames, int64_t max_bytes,
                           const std::function<bool()>& kill = {});

}  // namespace studio

#endif  // TOOLS_STUDIO_JOBS_CONVERT_CLIENT_H_
