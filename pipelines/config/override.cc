#include "pipelines/config/override.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/text_format.h"
#include "pipelines/base/nearest_word.h"
#include "pipelines/config/options.pb.h"
#include "pipelines/config/text_format.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

namespace pb = ::google::protobuf;
using Field = pb::FieldDescriptor;
using Places = pb::TextFormat::ParseInfoTree;

absl::Status Error(absl::string_view assignment, absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("override ", assignment, ": ", what));
}

std::string AsText(const Field& field, absl::string_view value) {
  const bool is_list = field.is_repeated() && absl::StartsWith(value, "[");
  const bool bare = field.cpp_type() == Field::CPPTYPE_STRING &&
                    !absl::StartsWith(value, "\"") && !is_list;
  return bare ? absl::StrCat("\"", absl::CEscape(value), "\"")
              : std::string(value);
}

// "int32", or the values of an enum.
std::string KindOf(const Field& field) {
  if (field.cpp_type() != Field::CPPTYPE_ENUM) return field.cpp_type_name();
  std::vector<std::string> names;
  for (int i = 0; i < field.enum_type()->value_count(); ++i) {
    // Number 0 stands for a value that is not said.
    const pb::EnumValueDescriptor& value = *field.enum_type()->value(i);
    if (value.number() != 0) names.push_back(value.name());
  }
  return absl::StrCat("one of ", absl::StrJoin(names, ", "));
}

// Whether a list may be empty: a config cannot tell it from one that is left
// out.
absl::Status CheckMayBeEmpty(const Field& list, absl::string_view assignment) {
  if (!list.options().HasExtension(defaults)) return absl::OkStatus();
  return Error(assignment,
               absl::StrCat("an empty list stands for the default one of '",
                            list.name(), "'; name at least one value"));
}

// As a list that is a value of its own, one in a message replaces the former.
// Only its place in the text shows one that is empty.
absl::Status ClearListsOf(const pb::Message& value, const Places& places,
                          absl::string_view assignment, pb::Message* target) {
  const pb::Reflection& access = *value.GetReflection();
  const pb::Descriptor& type = *value.GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    const Field* field = type.field(i);
    if (field->is_repeated()) {
      if (places.GetLocation(field, 0).line < 0) continue;
      if (access.FieldSize(value, field) == 0) {
        RETURN_IF_ERROR(CheckMayBeEmpty(*field, assignment));
      }
      access.ClearField(target, field);
    } else if (field->cpp_type() == Field::CPPTYPE_MESSAGE &&
               access.HasField(value, field)) {
      RETURN_IF_ERROR(ClearListsOf(
          access.GetMessage(value, field), *places.GetTreeForNested(field, -1),
          assignment, access.MutableMessage(target, field)));
    }
  }
  return absl::OkStatus();
}

// Parses the value alone, so that an error speaks of it alone and no value can
// close its field and go on with others.
absl::Status SetMessage(const Field& field, absl::string_view value,
                        absl::string_view assignment, pb::Message* parent) {
  const pb::Reflection& access = *parent->GetReflection();
  std::unique_ptr<pb::Message> parsed(
      access.GetMessageFactory()->GetPrototype(field.message_type())->New());
  Places places;
  if (const absl::Status status =
          ParseTextFormat("value", value, parsed.get(), &places);
      !status.ok()) {
    return Error(assignment, status.message());
  }
  pb::Message* target = field.is_repeated()
                            ? access.AddMessage(parent, &field)
                            : access.MutableMessage(parent, &field);
  RETURN_IF_ERROR(ClearListsOf(*parsed, places, assignment, target));
  target->MergeFrom(*parsed);
  return absl::OkStatus();
}

absl::Status SetValue(const Field& field, absl::string_view value,
                      absl::string_view assignment, pb::Message* parent) {
  const pb::Reflection& access = *parent->GetReflection();
  std::unique_ptr<pb::Message> parsed(parent->New());
  const absl::Status status = ParseTextFormat(
      "", absl::StrCat(field.name(), ": ", AsText(field, value)), parsed.get());
  std::vector<const Field*> set;
  access.ListFields(*parsed, &set);
  // A value that goes on with other fields would set these, too. An empty list
  // sets none.
  const bool alone = set.empty() ? field.is_repeated()
                                 : set == std::vector<const Field*>{&field};
  if (!status.ok() || !alone) {
    return Error(assignment,
                 absl::StrCat("'", value, "' is not a value of this field (",
                              KindOf(field), ")"));
  }
  if (set.empty()) RETURN_IF_ERROR(CheckMayBeEmpty(field, assignment));
  access.ClearField(parent, &field);
  parent->MergeFrom(*parsed);
  return absl::OkStatus();
}

// Paths of the fields of `type` and of the messages in it, in the schema's
// order, without those of former versions and of messages in lists.
void CollectPaths(const pb::Descriptor& type, const std::string& prefix,
                  std::vector<std::string>* paths) {
  // Deeper than the schema; a message may hold its own kind.
  constexpr int kMaxDots = 8;
  if (std::count(prefix.begin(), prefix.end(), '.') > kMaxDots) return;
  for (int i = 0; i < type.field_count(); ++i) {
    const Field& field = *type.field(i);
    if (!field.options().GetExtension(moved_to).empty()) continue;
    const std::string path = absl::StrCat(prefix, field.name());
    paths->push_back(path);
    if (field.cpp_type() == Field::CPPTYPE_MESSAGE && !field.is_repeated()) {
      CollectPaths(*field.message_type(), path + ".", paths);
    }
  }
}

std::string LastName(const std::string& path) {
  return path.substr(path.find_last_of('.') + 1);
}

// " Did you mean 'training.batch_size'?" of the first paths in `root` that end
// in `name`; empty if none does. `rest` is what comes after it.
std::string SuggestPaths(const std::vector<std::string>& paths,
                         absl::string_view name, absl::string_view rest) {
  constexpr size_t kMost = 3;
  std::vector<std::string> found;
  for (const std::string& path : paths) {
    if (LastName(path) != name || found.size() == kMost) continue;
    found.push_back(absl::StrCat("'", path, rest, "'"));
  }
  return found.empty() ? ""
                       : absl::StrCat(" Did you mean ",
                                      absl::StrJoin(found, " or "), "?");
}

// For `name`, which `type` does not have. One who leaves the messages around a
// field out, or takes others, spells the field itself right.
std::string Suggest(const pb::Descriptor& root, const pb::Descriptor& type,
                    const std::string& name, absl::string_view rest) {
  std::vector<std::string> paths;
  CollectPaths(root, "", &paths);
  if (std::string same = SuggestPaths(paths, name, rest); !same.empty()) {
    return same;
  }
  std::string of_type = SuggestField(type, name);
  if (absl::StrContains(of_type, "Did you mean")) return of_type;
  std::vector<std::string> names;
  for (const std::string& path : paths) names.push_back(LastName(path));
  const std::optional<std::string> nearest = NearestWord(name, names);
  return nearest ? SuggestPaths(paths, *nearest, rest) : of_type;
}

absl::Status SetField(const Field& field, absl::string_view value,
                      absl::string_view assignment, pb::Message* parent) {
  return field.cpp_type() == Field::CPPTYPE_MESSAGE
             ? SetMessage(field, value, assignment, parent)
             : SetValue(field, value, assignment, parent);
}

}  // namespace

absl::Status ApplyOverride(absl::string_view assignment, pb::Message* message) {
  const std::pair<absl::string_view, absl::string_view> sides =
      absl::StrSplit(assignment, absl::MaxSplits('=', 1));
  if (!absl::StrContains(assignment, '=') || sides.first.empty()) {
    return Error(assignment, "write it as path.to.field=value");
  }
  const pb::Descriptor& root = *message->GetDescriptor();
  const std::vector<std::string> path = absl::StrSplit(sides.first, '.');
  for (size_t i = 0; i < path.size(); ++i) {
    const pb::Descriptor& type = *message->GetDescriptor();
    const Field* field = type.FindFieldByName(path[i]);
    if (field == nullptr) {
      std::string rest;
      for (size_t k = i + 1; k < path.size(); ++k) {
        absl::StrAppend(&rest, ".", path[k]);
      }
      return Error(
          assignment,
          absl::StrCat("there is no field '", path[i], "' in ", type.name(),
                       ".", Suggest(root, type, path[i], rest)));
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

absl::Status RefuseOtherOverrides(const std::vector<std::string>& assignments,
                                  const std::vector<std::string>& allowed) {
  for (const std::string& assignment : assignments) {
    const std::string path = assignment.substr(0, assignment.find('='));
    const bool has_effect =
        std::any_of(allowed.begin(), allowed.end(), [&](const auto& prefix) {
          return absl::StartsWith(path + ".", prefix + ".");
        });
    if (has_effect) continue;
    // Of a whole message, which may set both.
    const auto part = std::find_if(
        allowed.begin(), allowed.end(),
        [&](const auto& field) { return absl::StartsWith(field, path + "."); });
    return Error(
        assignment,
        part == allowed.end()
            ? absl::StrCat("this field has no effect here; overrides are for "
                           "the fields of ",
                           absl::StrJoin(allowed, ", "))
            : absl::StrCat("not all fields of ", path,
                           " have an effect here; override them one by one, "
                           "as in ",
                           *part, "=...; it may be ",
                           absl::StrJoin(allowed, ", ")));
  }
  return absl::OkStatus();
}

}  // namespace pipelines
