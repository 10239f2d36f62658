#include "pipelines/animation/set_names.h"

#include <filesystem>
#include <fstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class SetNamesTest : public testing::Test {
 protected:
  void SetUp() override {
    const std::string folder = networks::files::FreshTestFolder();
    std::filesystem::create_directories(folder);
    checkpoint_ = folder + "/mine.safetensors";
  }

  absl::StatusOr<SetNames> Read(const std::string& text) {
    std::ofstream(checkpoint_ + ".sets.textproto") << text;
    return ReadSetNames(checkpoint_, 10);
  }

  std::string checkpoint_;
};

TEST_F(SetNamesTest, AreReadFromTheFileBesideTheCheckpoint) {
  const auto names = Read(R"(
# proto-file: pipelines/animation/keypoint_set_names.proto
# proto-message: pipelines.KeypointSetNames
set { name: "head" number: 3 }
set { name: "left arm" number: [1, 10] }
set { name: "all above" number: [3, 1] })");
  ASSERT_THAT(names, IsOk());
  EXPECT_THAT(names->sets.at("head"), ElementsAre(3));
  EXPECT_THAT(names->sets.at("left arm"), ElementsAre(1, 10));
  EXPECT_EQ(names->Of(1), "all above, left arm");
  EXPECT_EQ(names->Of(2), "");
}

TEST_F(SetNamesTest, AreNoneWithoutAFile) {
  const auto names = ReadSetNames(checkpoint_, 10);
  ASSERT_THAT(names, IsOk());
  EXPECT_THAT(names->sets, IsEmpty());
  EXPECT_EQ(names->path, checkpoint_ + ".sets.textproto");
}

TEST_F(SetNamesTest, NameTheFileAndTheFieldOfAMistake) {
  const struct {
    const char* text;
    const char* message;
  } kCases[] = {
      {"set { name: 'a' number: 11 }",
       "set 1 in the file: number is 11; the "
       "model has keypoint sets 1 to 10"},
      {"set { name: 'a' number: 1 } set { name: 'b' number: 0 }",
       "set 2 in the file: number is 0"},
      {"set { number: 1 }", "name is ''"},
      {"set { name: '7' number: 1 }", "name is '7'"},
      {"set { name: 'a=b' number: 1 }", "name is 'a=b'"},
      {"set { name: 'a' }", "number is missing"},
      {"set { name: 'a' number: 1 } set { name: 'a' number: 2 }",
       "as of a set before it"},
      {"set { nam: 'a' }", "name"},
  };
  for (const auto& c : kCases) {
    EXPECT_THAT(Read(c.text),
                StatusIs(StatusCode::kInvalidArgument,
                         AllOf(HasSubstr("mine.safetensors.sets.textproto"),
                               HasSubstr(c.message))));
  }
}

}  // namespace
}  // namespace pipelines
