#include "tools/studio/api/query.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "tools/studio/base/field_error.h"

namespace studio {

absl::Status CheckQuery(const Request& request,
                        const std::vector<absl::string_view>& names) {
  for (const auto& [name, value] : request.target.query) {
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    return FieldError(name, names.empty()
                                ? "this address takes no values"
                                : absl::StrCat("unknown; there is ",
                                               absl::StrJoin(names, ", ")));
  }
  return absl::OkStatus();
}

absl::StatusOr<int64_t> QueryInteger(const Request& request,
                                     absl::string_view name, int64_t least,
                                     int64_t most, int64_t otherwise) {
  const auto found = request.target.query.find(std::string(name));
  if (found == request.target.query.end()) return otherwise;
  int64_t value = 0;
  if (!absl::SimpleAtoi(found->second, &value) || value < least ||
      value > most) {
    return FieldError(
        name, absl::StrCat("has to be an integer from ", least, " to ", most));
  }
  return value;
}

absl::StatusOr<std::string> QueryChoice(
    const Request& request, absl::string_view name,
    const std::vector<absl::string_view>& choices) {
  const auto found = request.target.query.find(std::string(name));
  if (found == request.target.query.end()) return std::string(choices.front());
  if (std::find(choices.begin(), choices.end(), found->second) ==
      choices.end()) {
    return FieldError(
        name, absl::StrCat("has to be one of ", absl::StrJoin(choices, ", ")));
  }
  return found->second;
}

}  // namespace studio
