#include "tools/studio/base/field_error.h"

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"

namespace studio {
namespace {

constexpr char kPayload[] = "studio/field";

}  // namespace

absl::Status FieldError(absl::string_view field, absl::string_view message) {
  absl::Status status =
      absl::InvalidArgumentError(absl::StrCat(field, ": ", message));
  status.SetPayload(kPayload, absl::Cord(field));
  return status;
}

std::string FieldOf(const absl::Status& status) {
  const auto field = status.GetPayload(kPayload);
  return field.has_value() ? std::string(*field) : std::string();
}

}  // namespace studio
