// Sizes and times as a user writes them on the command line.
#ifndef TOOLS_STUDIO_UNITS_H_
#define TOOLS_STUDIO_UNITS_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace studio {

// "512MiB", "20GB", "1.5 GiB". Units are B, kB, MB, GB, TB and KiB, MiB, GiB,
// TiB, in any case. InvalidArgument for another text, as one without a unit,
// and for less than 1 byte or more than 2^53.
absl::StatusOr<int64_t> ParseBytes(absl::string_view text);

// "7d", "12h", "1d12h", "90m", "30s". InvalidArgument for another text and for
// what is not above zero.
absl::StatusOr<absl::Duration> ParseAge(absl::string_view text);

}  // namespace studio

#endif  // TOOLS_STUDIO_UNITS_H_
