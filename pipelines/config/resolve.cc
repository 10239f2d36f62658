#include "pipelines/config/resolve.h"

#include "google/protobuf/descriptor.h"
#include "pipelines/config/options.pb.h"

namespace pipelines {
namespace {

namespace pb = ::google::protobuf;
using Field = pb::FieldDescriptor;

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

void ResolveRepeated(const Field& field, pb::Message* message) {
  if (field.cpp_type() != Field::CPPTYPE_MESSAGE) return;
  const pb::Reflection& access = *message->GetReflection();
  for (int i = 0; i < access.FieldSize(*message, &field); ++i) {
    ResolveDefaults(access.MutableRepeatedMessage(message, &field, i));
  }
}

void ResolveField(const Field& field, pb::Message* message) {
  const pb::Reflection& access = *message->GetReflection();
  const pb::FieldOptions& options = field.options();
  if (!options.GetExtension(moved_to).empty()) return;
  if (field.is_repeated()) return ResolveRepeated(field, message);
  const bool is_set = access.HasField(*message, &field);
  const bool absence_counts =
      field.containing_oneof() != nullptr || options.GetExtension(by_presence);
  if (!is_set && absence_counts) return;
  if (field.cpp_type() == Field::CPPTYPE_MESSAGE) {
    return ResolveDefaults(access.MutableMessage(message, &field));
  }
  if (!is_set) SetToDefault(field, message);
}

}  // namespace

void ResolveDefaults(pb::Message* message) {
  const pb::Descriptor& type = *message->GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    ResolveField(*type.field(i), message);
  }
}

}  // namespace pipelines
