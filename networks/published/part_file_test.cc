#include "networks/published/part_file.h"

#include <filesystem>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "third_party/absl/status_matchers.h"

namespace networks::published {
namespace {

namespace fs = std::filesystem;
using ::absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class PartFileTest : public files::FolderTest {
 protected:
  PartFile Open() {
    auto part = PartFile::Open(Path("weights"));
    EXPECT_THAT(part, IsOk());
    return *std::move(part);
  }

  // A download that ended after these bytes.
  void Leave(const std::string& version, const std::string& bytes) {
    PartFile part = Open();
    EXPECT_THAT(part.StartOver(version), IsOk());
    EXPECT_THAT(part.Append(bytes), IsOk());
  }
};

TEST_F(PartFileTest, BecomesTheFileWhenItIsFinished) {
  {
    PartFile part = Open();
    EXPECT_EQ(part.size(), 0);
    EXPECT_EQ(part.version(), "");
    ASSERT_THAT(part.StartOver("one"), IsOk());
    ASSERT_THAT(part.Append("123"), IsOk());
    ASSERT_THAT(part.Append("45"), IsOk());
    EXPECT_EQ(part.size(), 5);
    EXPECT_FALSE(fs::exists(Path("weights")));
    ASSERT_THAT(part.Finish(), IsOk());
  }
  EXPECT_EQ(Contents("weights"), "12345");
  EXPECT_THAT(Names(), ElementsAre("weights"));
}

TEST_F(PartFileTest, IsContinuedWithTheVersionThatItIsOf) {
  Leave("\"etag\"", "123");
  EXPECT_EQ(Contents("weights.part"), "123");
  PartFile part = Open();
  EXPECT_EQ(part.size(), 3);
  EXPECT_EQ(part.version(), "\"etag\"");
  ASSERT_THAT(part.Append("45"), IsOk());
  ASSERT_THAT(part.Finish(), IsOk());
  EXPECT_EQ(Contents("weights"), "12345");
}

// Bytes of a version that nobody knows are continued by nobody.
TEST_F(PartFileTest, HasNoVersionWhereItIsNotKnown) {
  Write("weights.part", "123");
  EXPECT_EQ(Open().version(), "");
  Write("weights.part.version", "of other bytes\n");
  Write("weights.part", "");
  EXPECT_EQ(Open().version(), "");
}

TEST_F(PartFileTest, ThrowsAwayWhatIsOfAnotherVersion) {
  Leave("one", "123");
  {
    PartFile part = Open();
    ASSERT_THAT(part.StartOver("two"), IsOk());
    EXPECT_EQ(part.size(), 0);
    EXPECT_EQ(part.version(), "two");
    ASSERT_THAT(part.Append("4"), IsOk());
  }
  PartFile part = Open();
  EXPECT_EQ(part.size(), 1);
  EXPECT_EQ(part.version(), "two");
}

TEST_F(PartFileTest, LeavesNoEmptyFile) {
  { PartFile part = Open(); }
  EXPECT_THAT(Names(), IsEmpty());
  Leave("one", "");
  EXPECT_THAT(Names(), IsEmpty());
}

TEST_F(PartFileTest, IsRemovedWithItsVersion) {
  Leave("one", "123");
  {
    PartFile part = Open();
    part.Remove();
  }
  EXPECT_THAT(Names(), IsEmpty());
}

TEST_F(PartFileTest, IsOnesAlone) {
  const PartFile part = Open();
  EXPECT_THAT(PartFile::Open(Path("weights")).status(),
              StatusIs(StatusCode::kAborted, HasSubstr("is downloading it")));
}

TEST_F(PartFileTest, NamesWhatItCannotOpen) {
  EXPECT_THAT(PartFile::Open(Path("none/weights")).status(),
              StatusIs(StatusCode::kNotFound, HasSubstr("none/weights")));
  fs::create_directory(Path("weights.part"));
  EXPECT_FALSE(PartFile::Open(Path("weights")).ok());
}

}  // namespace
}  // namespace networks::published
