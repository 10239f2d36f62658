#include "pipelines/config/text_format.h"

#include <filesystem>
#include <fstream>
#include <string>

#include "gmock/gmock.h"
#include "google/protobuf/descriptor.pb.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;
// A message that every protobuf has: a name, fields, options.
using Message = ::google::protobuf::DescriptorProto;

absl::Status Parse(const std::string& text, Message* message) {
  return ParseTextFormat("x.textproto", text, message);
}

TEST(ParseTextFormat, ClearsAndFillsTheMessage) {
  Message message;
  message.add_reserved_name("before");
  EXPECT_THAT(Parse("name: \"a\"\nfield { number: 3 }\n", &message), IsOk());
  EXPECT_EQ(message.name(), "a");
  EXPECT_EQ(message.field(0).number(), 3);
  EXPECT_EQ(message.reserved_name_size(), 0);
}

TEST(ParseTextFormat, TakesLinesAndMarkOfWindows) {
  Message message;
  EXPECT_THAT(Parse("\xEF\xBB\xBFname: \"a\"\r\n# b\r\n", &message), IsOk());
  EXPECT_EQ(message.name(), "a");
}

TEST(ParseTextFormat, NamesThePlaceOfTheFirstError) {
  Message message;
  EXPECT_THAT(
      Parse("name: \"a\"\n  field { number: x }\nname: 3\n", &message),
      StatusIs(StatusCode::kInvalidArgument, StartsWith("x.textproto:2:")));
}

TEST(ParseTextFormat, SuggestsTheNameThatWasMeant) {
  Message message;
  EXPECT_THAT(Parse("field { nunber: 3 }", &message),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("Did you mean 'number'?")));
}

TEST(ParseTextFormat, AsksForUtf8InsteadOfUtf16) {
  Message message;
  EXPECT_THAT(
      Parse(std::string("\xFF\xFEn\0", 4), &message),
      StatusIs(StatusCode::kInvalidArgument, HasSubstr("save it as UTF-8")));
}

TEST(SuggestField, ListsTheFieldsWhereNoneIsNear) {
  EXPECT_THAT(SuggestField(*Message::descriptor(), "temperature"),
              AllOf(StartsWith(" Its fields are: "), HasSubstr("field"),
                    HasSubstr("name")));
}

class ReadTextFormatTest : public testing::Test {
 protected:
  absl::Status Read(const std::string& content) {
    std::ofstream(path_, std::ios::binary) << content;
    return ReadTextFormat(path_, &message_);
  }

  const std::string path_ = testing::TempDir() + "/message.textproto";
  Message message_;
};

TEST_F(ReadTextFormatTest, ReadsAFile) {
  EXPECT_THAT(Read("name: \"a\""), IsOk());
  EXPECT_EQ(message_.name(), "a");
}

TEST_F(ReadTextFormatTest, NamesTheFileInEveryError) {
  EXPECT_THAT(Read(""), StatusIs(StatusCode::kInvalidArgument,
                                 AllOf(HasSubstr(path_), HasSubstr("empty"))));
  EXPECT_THAT(Read("nam: 1"),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr(path_ + ":1:")));
  EXPECT_THAT(Read(std::string((1 << 20) + 1, ' ')),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr(path_)));
  std::filesystem::remove(path_);
  EXPECT_THAT(ReadTextFormat(path_, &message_),
              StatusIs(StatusCode::kNotFound, HasSubstr(path_)));
}

}  // namespace
}  // namespace pipelines
