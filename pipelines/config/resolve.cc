#include "pipelines/config/resolve.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/util/message_differencer.h"
#include "pipelines/config/options.pb.h"

namespace pipelines {
namespace {

namespace pb = ::google::protobuf;
using Field = pb::FieldDescriptor;
using MessageDifferencer = pb::util::MessageDifferencer;

// Whether leaving the field out says something that no value says.
bool AbsenceCounts(const Field& field) {
  return field.containing_oneof() != nullptr ||
         field.options().GetExtension(by_presence) ||
         !field.options().GetExtension(moved_to).empty();
}

// A number, string or enum is set to what its getter returns while it is unset.
void SetToDefault(const Field& field, pb::Message* message) {
  const pb::Reflection& access = *message->GetReflection();
  switch (field.cpp_type()) {
    case Field::CPPTYPE_INT32:
      return access.SetInt32(message, &field, field.default_value_int32());
    case Field::CPPTYPE_INT64:
      return access.SetInt64(message, &field, field.default_value_int64());
    case Field::CPPTYPE_UINT32:
      return access.SetUInt32(message, &field, field.default_value_uint32());
    case Field::CPPTYPE_UINT64:
      return access.SetUInt64(message, &field, field.default_value_uint64());
    case Field::CPPTYPE_DOUBLE:
      return access.SetDouble(message, &field, field.default_value_double());
    case Field::CPPTYPE_FLOAT:
      return access.SetFloat(message, &field, field.default_value_float());
    case Field::CPPTYPE_BOOL:
      return access.SetBool(message, &field, field.default_value_bool());
    case Field::CPPTYPE_ENUM:
      return access.SetEnum(message, &field, field.default_value_enum());
    case Field::CPPTYPE_STRING:
      if (!field.has_default_value()) return;
      return access.SetString(message, &field, field.default_value_string());
    case Field::CPPTYPE_MESSAGE:
      return;
  }
}

// A new message like `message` in which `field` alone has the schema's value.
std::unique_ptr<pb::Message> WithSchemaValue(const Field& field,
                                             const pb::Message& message) {
  const std::string& value = field.options().GetExtension(defaults);
  std::unique_ptr<pb::Message> result(message.New());
  pb::TextFormat::ParseFromString(field.is_repeated()
                                      ? field.name() + ": [" + value + "]"
                                      : field.name() + " { " + value + " }",
                                  result.get());
  return result;
}

// What the message sets comes over what the schema says.
void FillField(const Field& field, pb::Message* message) {
  const pb::Reflection& access = *message->GetReflection();
  const bool is_repeated = field.is_repeated();
  if (field.options().HasExtension(defaults) &&
      (!is_repeated || access.FieldSize(*message, &field) == 0)) {
    const auto value = WithSchemaValue(field, *message);
    if (!is_repeated) {
      pb::Message* filled = access.MutableMessage(value.get(), &field);
      filled->MergeFrom(access.GetMessage(*message, &field));
      access.ClearField(message, &field);
    }
    message->MergeFrom(*value);
  }
  if (is_repeated || field.cpp_type() != Field::CPPTYPE_MESSAGE) return;
  const bool is_set = access.HasField(*message, &field);
  if (!is_set && AbsenceCounts(field)) return;
  std::unique_ptr<pb::Message> inner(access.GetMessage(*message, &field).New());
  inner->CopyFrom(access.GetMessage(*message, &field));
  FillDefaults(inner.get());
  // A message that has no such fields stays unset.
  if (is_set || inner->ByteSizeLong() > 0) {
    access.MutableMessage(message, &field)->CopyFrom(*inner);
  }
}

void ResolveField(const Field& field, pb::Message* message) {
  const pb::Reflection& access = *message->GetReflection();
  // The schema has no lists of messages.
  if (field.is_repeated()) return;
  const bool is_set = access.HasField(*message, &field);
  if (!is_set && AbsenceCounts(field)) return;
  if (field.cpp_type() == Field::CPPTYPE_MESSAGE) {
    return ResolveDefaults(access.MutableMessage(message, &field));
  }
  if (!is_set) SetToDefault(field, message);
}

// Whether both, of one type, have the same value in a field without messages.
bool HaveSameValue(const Field& field, const pb::Message& a,
                   const pb::Message& b) {
  MessageDifferencer differencer;
  std::vector<const Field*> fields = {&field};
  return differencer.CompareWithFields(a, b, fields, fields);
}

// `resolved` is what the message's place has by default.
void ClearDefaultsAsIn(const pb::Message& resolved, pb::Message* message);

// `field` is set in both.
void ClearIfDefault(const Field& field, const pb::Message& resolved,
                    pb::Message* message) {
  const pb::Reflection& access = *message->GetReflection();
  if (field.is_repeated() || field.cpp_type() != Field::CPPTYPE_MESSAGE) {
    if (HaveSameValue(field, *message, resolved)) {
      access.ClearField(message, &field);
    }
    return;
  }
  pb::Message* inner = access.MutableMessage(message, &field);
  ClearDefaultsAsIn(access.GetMessage(resolved, &field), inner);
  if (inner->ByteSizeLong() == 0) access.ClearField(message, &field);
}

void ClearDefaultsAsIn(const pb::Message& resolved, pb::Message* message) {
  const pb::Reflection& access = *message->GetReflection();
  std::vector<const Field*> set_fields, set_by_default;
  access.ListFields(*message, &set_fields);
  access.ListFields(resolved, &set_by_default);
  for (const Field* field : set_fields) {
    if (std::find(set_by_default.begin(), set_by_default.end(), field) !=
        set_by_default.end()) {
      ClearIfDefault(*field, resolved, message);
    } else if (!field->is_repeated() &&
               field->cpp_type() == Field::CPPTYPE_MESSAGE) {
      // Another member of a oneof, say: it stays, its own defaults go.
      ClearDefaults(access.MutableMessage(message, field));
    }
  }
}

}  // namespace

void FillDefaults(pb::Message* message) {
  const pb::Descriptor& type = *message->GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    FillField(*type.field(i), message);
  }
}

void ResolveDefaults(pb::Message* message) {
  FillDefaults(message);
  const pb::Descriptor& type = *message->GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    ResolveField(*type.field(i), message);
  }
}

void ClearDefaults(pb::Message* message) {
  std::unique_ptr<pb::Message> resolved(message->New());
  ResolveDefaults(resolved.get());
  ClearDefaultsAsIn(*resolved, message);
}

}  // namespace pipelines
