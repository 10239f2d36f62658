#include "pipelines/config/ranges.h"

#include <cmath>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "google/protobuf/descriptor.h"
#include "pipelines/base/format_number.h"
#include "pipelines/config/options.pb.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

namespace pb = ::google::protobuf;
using Field = pb::FieldDescriptor;

// "[0, 1)" contains 0, not 1.
bool Contains(absl::string_view range, double value) {
  const bool closed_left = absl::ConsumePrefix(&range, "[");
  const bool closed_right = absl::ConsumeSuffix(&range, "]");
  if (!closed_left) absl::ConsumePrefix(&range, "(");
  if (!closed_right) absl::ConsumeSuffix(&range, ")");
  const std::vector<absl::string_view> ends = absl::StrSplit(range, ',');
  double low = 0;
  double high = 0;
  // A range that does not parse is a fault of the schema: nothing is in it.
  if (ends.size() != 2 || !absl::SimpleAtod(ends[0], &low) ||
      !absl::SimpleAtod(ends[1], &high)) {
    return false;
  }
  return (closed_left ? value >= low : value > low) &&
         (closed_right ? value <= high : value < high);
}

// Element `i` of a repeated field, or the field itself for i < 0, as a number.
double Number(const pb::Message& message, const Field& field, int i) {
  const pb::Reflection& get = *message.GetReflection();
  const bool one = i < 0;
  switch (field.cpp_type()) {
    case Field::CPPTYPE_INT32:
      return one ? get.GetInt32(message, &field)
                 : get.GetRepeatedInt32(message, &field, i);
    case Field::CPPTYPE_INT64:
      return static_cast<double>(
          one ? get.GetInt64(message, &field)
              : get.GetRepeatedInt64(message, &field, i));
    case Field::CPPTYPE_UINT64:
      return static_cast<double>(
          one ? get.GetUInt64(message, &field)
              : get.GetRepeatedUInt64(message, &field, i));
    case Field::CPPTYPE_DOUBLE:
      return one ? get.GetDouble(message, &field)
                 : get.GetRepeatedDouble(message, &field, i);
    case Field::CPPTYPE_STRING:
      return static_cast<double>(
          (one ? get.GetString(message, &field)
               : get.GetRepeatedString(message, &field, i))
              .size());
    default:
      return 0;
  }
}

absl::Status CheckNumber(const pb::Message& message, const Field& field, int i,
                         const std::string& path) {
  const std::string& range = field.options().GetExtension(pipelines::range);
  const double value = Number(message, field, i);
  if (!std::isfinite(value)) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, " is ", value, "; use a finite number"));
  }
  if (range.empty() || Contains(range, value)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      path, " is ", FormatNumber(value), "; use a value in ", range));
}

// The first value of an enum is that of a field that is not set. Nothing is
// chosen by it, except in configs of older programs.
absl::Status CheckChoice(const pb::Message& message, const Field& field, int i,
                         const std::string& path) {
  const pb::Reflection& get = *message.GetReflection();
  const pb::EnumValueDescriptor& value =
      i < 0 ? *get.GetEnum(message, &field)
            : *get.GetRepeatedEnum(message, &field, i);
  if (value.number() != 0 ||
      field.options().HasExtension(pipelines::moved_to)) {
    return absl::OkStatus();
  }
  const pb::EnumDescriptor& all = *field.enum_type();
  std::vector<std::string> choices;
  for (int k = 1; k < all.value_count(); ++k) {
    choices.push_back(std::string(all.value(k)->name()));
  }
  return absl::InvalidArgumentError(
      absl::StrCat(path, " is ", value.name(), ", which chooses nothing; use ",
                   absl::StrJoin(choices, ", ")));
}

absl::Status CheckValue(const pb::Message& message, const Field& field, int i,
                        const std::string& path) {
  return field.cpp_type() == Field::CPPTYPE_ENUM
             ? CheckChoice(message, field, i, path)
             : CheckNumber(message, field, i, path);
}

absl::Status Check(const pb::Message& message, const std::string& prefix) {
  std::vector<const Field*> set_fields;
  message.GetReflection()->ListFields(message, &set_fields);
  for (const Field* field : set_fields) {
    const std::string path = absl::StrCat(prefix, field->name());
    const int count = field->is_repeated()
                          ? message.GetReflection()->FieldSize(message, field)
                          : 1;
    for (int i = 0; i < count; ++i) {
      const int index = field->is_repeated() ? i : -1;
      const std::string here =
          index < 0 ? path : absl::StrCat(path, "[", i, "]");
      if (field->cpp_type() != Field::CPPTYPE_MESSAGE) {
        RETURN_IF_ERROR(CheckValue(message, *field, index, here));
        continue;
      }
      const pb::Reflection& get = *message.GetReflection();
      RETURN_IF_ERROR(Check(index < 0
                                ? get.GetMessage(message, field)
                                : get.GetRepeatedMessage(message, field, i),
                            here + "."));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckRanges(const pb::Message& message) {
  return Check(message, "");
}

}  // namespace pipelines
