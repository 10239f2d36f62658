#include "tools/studio/jobs/error_field.h"

#include "absl/strings/ascii.h"
#include "absl/strings/cord.h"

namespace studio {
namespace {

// As base/field_error.cc has it.
constexpr char kField[] = "studio/field";

}  // namespace

absl::Status WithField(absl::string_view field, absl::Status status) {
  status.SetPayload(kField, absl::Cord(field));
  return status;
}

std::string CodeName(absl::StatusCode code) {
  return absl::AsciiStrToLower(absl::StatusCodeToString(code));
}

}  // namespace studio
