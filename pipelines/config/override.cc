#include "pipelines/config/override.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "google/protobuf/descriptor.h"
#include "pipelines/config/text_format.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

namespace pb = ::google::protobuf;
using Field = pb::FieldDescriptor;

absl::Status Error(absl::string_view assignment, absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("--set ", assignment, ": ", what));
}

std::string AsText(const Field& field, absl::string_view value) {
  const bool bare = field.cpp_type() == Field::CPPTYPE_STRING &&
                    !absl::StartsWith(value, "\"") &&
                    !absl::StartsWith(value, "[");
  return bare ? absl::StrCat("\"", absl::CEscape(value), "\"")
              : std::string(value);
}

// Parses the value alone first, so that an error can speak of it alone, and
// merges it into `parent` after the old value has gone.
absl::Status SetField(const Field& field, absl::string_view value,
                      absl::string_view assignment, pb::Message* parent) {
  std::unique_ptr<pb::Message> parsed(parent->New());
  const std::string text =
      field.cpp_type() == Field::CPPTYPE_MESSAGE
          ? absl::StrCat(field.name(), " { ", value, " }")
          : absl::StrCat(field.name(), ": ", AsText(field, value));
  if (const absl::Status status = ParseTextFormat("", text, parsed.get());
      !status.ok()) {
    return Error(assignment,
                 absl::StrCat("'", value, "' is not a value of this field (",
                              field.cpp_type_name(), ")"));
  }
  if (field.cpp_type() != Field::CPPTYPE_MESSAGE) {
    parent->GetReflection()->ClearField(parent, &field);
  }
  parent->MergeFrom(*parsed);
  return absl::OkStatus();
}

}  // namespace

absl::Status ApplyOverride(absl::string_view assignment, pb::Message* message) {
  const std::pair<absl::string_view, absl::string_view> sides =
      absl::StrSplit(assignment, absl::MaxSplits('=', 1));
  if (!absl::StrContains(assignment, '=') || sides.first.empty()) {
    return Error(assignment, "write it as path.to.field=value");
  }
  const std::vector<std::string> path = absl::StrSplit(sides.first, '.');
  for (size_t i = 0; i < path.size(); ++i) {
    const pb::Descriptor& type = *message->GetDescriptor();
    const Field* field = type.FindFieldByName(path[i]);
    if (field == nullptr) {
      return Error(assignment,
                   absl::StrCat("there is no field '", path[i], "' in ",
                                type.name(), ".", SuggestField(type, path[i])));
    }
    if (i + 1 == path.size()) {
      return SetField(*field, sides.second, assignment, message);
    }
    if (field->is_repeated() || field->cpp_type() != Field::CPPTYPE_MESSAGE) {
      return Error(assignment, absl::StrCat("'", path[i], "' has no fields"));
    }
    message = message->GetReflection()->MutableMessage(message, field);
  }
  return absl::OkStatus();
}

}  // namespace pipelines
