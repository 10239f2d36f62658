#include "tools/studio/units.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace studio {
namespace {

struct Unit {
  absl::string_view name;
  double bytes;
};

constexpr Unit kUnits[] = {
    {"B", 1},           {"kB", 1e3},           {"MB", 1e6},
    {"GB", 1e9},        {"TB", 1e12},          {"KiB", 1024.0},
    {"MiB", 1048576.0}, {"GiB", 1073741824.0}, {"TiB", 1099511627776.0},
};

constexpr double kMostBytes = 9007199254740992.0;  // 2^53

}  // namespace

absl::StatusOr<int64_t> ParseBytes(absl::string_view text) {
  const absl::string_view all = absl::StripAsciiWhitespace(text);
  const size_t end = std::min(all.find_first_not_of("0123456789."), all.size());
  const absl::string_view unit =
      absl::StripLeadingAsciiWhitespace(all.substr(end));
  double number = 0;
  for (const Unit& known : kUnits) {
    if (!absl::EqualsIgnoreCase(unit, known.name) ||
        !absl::SimpleAtod(all.substr(0, end), &number)) {
      continue;
    }
    const double bytes = std::floor(number * known.bytes);
    if (bytes >= 1 && bytes <= kMostBytes) return static_cast<int64_t>(bytes);
    return absl::InvalidArgumentError(
        absl::StrCat("\"", text, "\" is out of range; use 1B to 8192TiB"));
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "\"", text, "\" is no size; write it with a unit, as 512MiB or 20GB"));
}

absl::StatusOr<absl::Duration> ParseAge(absl::string_view text) {
  const std::string shown(text);
  const size_t day = text.find('d');
  int days = 0;
  absl::Duration rest;
  bool is_valid = true;
  if (day != absl::string_view::npos) {
    is_valid = absl::SimpleAtoi(text.substr(0, day), &days) && days >= 0;
    text.remove_prefix(day + 1);
    is_valid &= text.empty() || absl::ParseDuration(std::string(text), &rest);
  } else {
    is_valid = absl::ParseDuration(std::string(text), &rest);
  }
  const absl::Duration age = absl::Hours(24) * days + rest;
  if (is_valid && rest >= absl::ZeroDuration() && age > absl::ZeroDuration() &&
      age < absl::InfiniteDuration()) {
    return age;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "\"", shown, "\" is no time; write, for instance, 7d or 12h"));
}

}  // namespace studio
