// Errors of any code that name the field of a request that they are about:
// FieldOf of base/field_error.h gives it.
#ifndef TOOLS_STUDIO_JOBS_ERROR_FIELD_H_
#define TOOLS_STUDIO_JOBS_ERROR_FIELD_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "tools/studio/base/field_error.h"

namespace studio {

// `status` about `field`. An OK status stays as it is.
absl::Status WithField(absl::string_view field, absl::Status status);

// "invalid_argument" and so on: absl's name in lower case.
std::string CodeName(absl::StatusCode code);

}  // namespace studio

#endif  // TOOLS_STUDIO_JOBS_ERROR_FIELD_H_
