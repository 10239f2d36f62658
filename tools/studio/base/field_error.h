// Errors of a request that name the field which is wrong, and the codes of
// errors as answers and reports spell them.
#ifndef TOOLS_STUDIO_BASE_FIELD_ERROR_H_
#define TOOLS_STUDIO_BASE_FIELD_ERROR_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace studio {

// InvalidArgument "<field>: <message>". `field` is a path in the request's
// JSON, as "points[3].to"; `message` says what is wrong and what is right.
absl::Status FieldError(absl::string_view field, absl::string_view message);

// `status` about `field`. An OK status stays as it is.
absl::Status WithField(absl::string_view field, absl::Status status);

// The field of an error of the two above; empty for any other status.
std::string FieldOf(const absl::Status& status);

// "invalid_argument" and so on: absl's name in lower case.
std::string CodeName(absl::StatusCode code);

}  // namespace studio

#endif  // TOOLS_STUDIO_BASE_FIELD_ERROR_H_
