#include "tools/studio/base/field_error.h"

#include "absl/strings/ascii.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"

namespace studio {
namespace {

constexpr char kPayload[] = "studio/field";

}  // namespace

absl::Status FieldError(absl::string_view field, absl::string_view message) {
  return WithField(
      field, absl::InvalidArgumentError(absl::StrCat(field, ": ", message)));
}

absl::Status WithField(absl::string_view field, absl::Status status) {
  status.SetPayload(kPayload, absl::Cord(field));
  return status;
}

std::string FieldOf(const absl::Status& status) {
  const auto field = status.GetPayload(kPayload);
  return field.has_value() ? std::string(*field) : std::string();
}

std::string CodeName(absl::StatusCode code) {
  return absl::AsciiStrToLower(absl::StatusCodeToString(code));
}

}  // namespace studio
