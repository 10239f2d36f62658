#include "pipelines/base/format_duration.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "absl/strings/str_format.h"

namespace pipelines {

std::string FormatDuration(double seconds) {
  if (!(seconds < 1e9)) return "?";
  const auto whole = static_cast<int64_t>(std::lround(std::max(seconds, 0.0)));
  const int64_t minutes = whole / 60 % 60;
  const int64_t hours = whole / 3600 % 24;
  const int64_t days = whole / 86400;
  if (days > 0) return absl::StrFormat("%dd %02d:%02d", days, hours, minutes);
  if (hours > 0) {
    return absl::StrFormat("%d:%02d:%02d", hours, minutes, whole % 60);
  }
  return absl::StrFormat("%d:%02d", minutes, whole % 60);
}

std::string DurationInWords(double seconds) {
  if (!(seconds < 1e9)) return "?";
  double value = std::max(seconds, 0.0);
  const char* unit = "seconds";
  if (value >= 36 * 3600) {
    value /= 86400;
    unit = "days";
  } else if (value >= 90 * 60) {
    value /= 3600;
    unit = "hours";
  } else if (value >= 90) {
    value /= 60;
    unit = "minutes";
  }
  return absl::StrFormat("%.*f %s", value < 9.95 ? 1 : 0, value, unit);
}

}  // namespace pipelines
