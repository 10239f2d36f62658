#include "tools/studio/jobs/error_field.h"

#include "absl/strings/ascii.h"
#include "absl/strings/cord.h"

namespace studio {
namespace {

constexpr char kField[] = "studio/field";

}  // namespace

absl::Status WithField(absl::string_view field, absl::Status status) {
  status.SetPayload(kField, absl::Cord(field));
  return status;
}

std::string FieldOf(const absl::Status& status) {
  const auto field = status.GetPayload(kField);
  return field ? std::string(*field) : "";
}

std::string CodeName(absl::StatusCode code) {
  return absl::AsciiStrToLower(absl::StatusCodeToString(code));
}

}  // namespace studio
