// Names of TensorBoard event files: events.out.tfevents.<time>.<host>...
#ifndef PIPELINES_REPORT_EVENT_FILE_NAME_H_
#define PIPELINES_REPORT_EVENT_FILE_NAME_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace pipelines {

inline constexpr char kEventFilePrefix[] = "events.out.tfevents.";

// The time in the name of a file, in seconds since 1970; 0 where it has none
// above 0, or is the name of something else.
int64_t EventFileTime(absl::string_view name);

}  // namespace pipelines

#endif  // PIPELINES_REPORT_EVENT_FILE_NAME_H_
