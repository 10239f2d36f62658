// Errors of a request that name the field which is wrong.
#ifndef TOOLS_STUDIO_BASE_FIELD_ERROR_H_
#define TOOLS_STUDIO_BASE_FIELD_ERROR_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace studio {

// InvalidArgument "<field>: <message>". `field` is a path in the request's
// JSON, as "points[3].to"; `message` says what is wrong and what is right.
absl::Status FieldError(absl::string_view field, absl::string_view message);

// The field of an error made by FieldError; empty for any other status.
std::string FieldOf(const absl::Status& status);

}  // namespace studio

#endif  // TOOLS_STUDIO_BASE_FIELD_ERROR_H_
