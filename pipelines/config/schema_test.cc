// The rules of the schema itself: every field says what it means, every number
// has a range, and every default is in it.
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "gtest/gtest.h"
#include "pipelines/config/config.pb.h"
#include "pipelines/config/options.pb.h"
#include "pipelines/config/ranges.h"
#include "pipelines/config/resolve.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

namespace pb = ::google::protobuf;
using ::testing::IsEmpty;
using Field = pb::FieldDescriptor;

// The comments of fields and enum values by full names. The descriptors in a
// program have none.
class Comments {
 public:
  Comments() {
    std::ifstream stream("pipelines/config/commented_schema.bin",
                         std::ios::binary);
    pb::FileDescriptorSet files;
    files.ParseFromIstream(&stream);
    for (const pb::FileDescriptorProto& file : files.file()) AddFile(file);
  }

  const std::map<std::string, std::string>& by_name() const { return by_name_; }

 private:
  using Path = std::vector<int>;

  void AddFile(const pb::FileDescriptorProto& file) {
    for (const auto& location : file.source_code_info().location()) {
      by_path_[{location.path().begin(), location.path().end()}] =
          location.leading_comments() + location.trailing_comments();
    }
    for (int i = 0; i < file.message_type_size(); ++i) {
      AddMessage(file.message_type(i), file.package() + ".", {4, i});
    }
    for (int i = 0; i < file.enum_type_size(); ++i) {
      AddEnum(file.enum_type(i), file.package() + ".", {5, i});
    }
  }

  static Path Below(Path path, int kind, int index) {
    path.push_back(kind);
    path.push_back(index);
    return path;
  }

  void AddMessage(const pb::DescriptorProto& type, const std::string& prefix,
                  const Path& path) {
    const std::string name = prefix + type.name() + ".";
    for (int i = 0; i < type.field_size(); ++i) {
      by_name_[name + type.field(i).name()] = by_path_[Below(path, 2, i)];
    }
    for (int i = 0; i < type.nested_type_size(); ++i) {
      AddMessage(type.nested_type(i), name, Below(path, 3, i));
    }
    for (int i = 0; i < type.enum_type_size(); ++i) {
      AddEnum(type.enum_type(i), name, Below(path, 4, i));
    }
  }

  // The scope of a value is that of its enum.
  void AddEnum(const pb::EnumDescriptorProto& type, const std::string& prefix,
               const Path& path) {
    for (int i = 0; i < type.value_size(); ++i) {
      if (type.value(i).number() == 0) continue;  // stands for none
      by_name_[prefix + type.value(i).name()] = by_path_[Below(path, 2, i)];
    }
  }

  std::map<Path, std::string> by_path_;
  std::map<std::string, std::string> by_name_;
};

// All message types from `type` down.
void AddTypes(const pb::Descriptor& type,
              std::set<const pb::Descriptor*>* all) {
  if (!all->insert(&type).second) return;
  for (int i = 0; i < type.field_count(); ++i) {
    if (type.field(i)->cpp_type() == Field::CPPTYPE_MESSAGE) {
      AddTypes(*type.field(i)->message_type(), all);
    }
  }
}

std::vector<const Field*> AllFields() {
  std::set<const pb::Descriptor*> types;
  AddTypes(*Config::descriptor(), &types);
  std::vector<const Field*> fields;
  for (const pb::Descriptor* type : types) {
    for (int i = 0; i < type->field_count(); ++i) {
      fields.push_back(type->field(i));
    }
  }
  return fields;
}

bool IsFormer(const Field& field) {
  return !field.options().GetExtension(moved_to).empty();
}

TEST(Schema, EveryFieldHasItsWords) {
  const Comments comments;
  std::vector<std::string> silent;
  for (const Field* field : AllFields()) {
    const auto comment = comments.by_name().find(field->full_name());
    ASSERT_NE(comment, comments.by_name().end()) << field->full_name();
    const std::vector<std::string> words = absl::StrSplit(
        comment->second, absl::ByAnyChar(" \n"), absl::SkipEmpty());
    if (words.size() < 3) silent.push_back(field->full_name());
  }
  EXPECT_THAT(silent, IsEmpty());
}

TEST(Schema, EveryValueOfAnEnumHasItsWords) {
  const Comments comments;
  std::set<std::string> silent;
  for (const Field* field : AllFields()) {
    if (field->enum_type() == nullptr || IsFormer(*field)) continue;
    for (int i = 0; i < field->enum_type()->value_count(); ++i) {
      const pb::EnumValueDescriptor& value = *field->enum_type()->value(i);
      if (value.number() == 0) continue;
      const auto comment = comments.by_name().find(value.full_name());
      ASSERT_NE(comment, comments.by_name().end()) << value.full_name();
      if (comment->second.empty()) silent.insert(value.full_name());
    }
  }
  EXPECT_THAT(silent, IsEmpty());
}

TEST(Schema, EveryNumberHasARange) {
  std::vector<std::string> unlimited;
  for (const Field* field : AllFields()) {
    // Any number may be a seed.
    const bool is_number = field->cpp_type() == Field::CPPTYPE_INT32 ||
                           field->cpp_type() == Field::CPPTYPE_INT64 ||
                           field->cpp_type() == Field::CPPTYPE_DOUBLE;
    if (is_number && field->options().GetExtension(range).empty()) {
      unlimited.push_back(field->full_name());
    }
  }
  EXPECT_THAT(unlimited, IsEmpty());
}

TEST(Schema, EveryDefaultIsInItsRange) {
  std::set<const pb::Descriptor*> types;
  AddTypes(*Config::descriptor(), &types);
  for (const pb::Descriptor* type : types) {
    const std::unique_ptr<pb::Message> message(
        pb::MessageFactory::generated_factory()->GetPrototype(type)->New());
    ResolveDefaults(message.get());
    EXPECT_THAT(CheckRanges(*message), IsOk()) << type->full_name();
  }
}

// resolve.cc would leave their fields unset.
TEST(Schema, HasNoListsOfMessages) {
  for (const Field* field : AllFields()) {
    EXPECT_FALSE(field->is_repeated() &&
                 field->cpp_type() == Field::CPPTYPE_MESSAGE)
        << field->full_name();
  }
}

// A text that does not parse would be passed over in silence.
TEST(Schema, EveryDefaultOfAGroupIsAValue) {
  for (const Field* field : AllFields()) {
    if (!field->options().HasExtension(defaults)) continue;
    const std::unique_ptr<pb::Message> message(
        pb::MessageFactory::generated_factory()
            ->GetPrototype(field->containing_type())
            ->New());
    FillDefaults(message.get());
    std::vector<const Field*> set_fields;
    message->GetReflection()->ListFields(*message, &set_fields);
    EXPECT_THAT(set_fields, ::testing::Contains(field)) << field->full_name();
  }
}

TEST(Schema, FormerFieldsNameFieldsOfToday) {
  for (const Field* field : AllFields()) {
    if (!IsFormer(*field)) continue;
    const std::string& now = field->options().GetExtension(moved_to);
    for (const absl::string_view path : absl::StrSplit(now, ", ")) {
      const pb::Descriptor* type = Config::descriptor();
      for (const absl::string_view name : absl::StrSplit(path, '.')) {
        ASSERT_NE(type, nullptr) << path;
        const Field* next = type->FindFieldByName(std::string(name));
        ASSERT_NE(next, nullptr) << path;
        EXPECT_FALSE(IsFormer(*next)) << path;
        type = next->message_type();
      }
    }
  }
}

}  // namespace
}  // namespace pipelines
