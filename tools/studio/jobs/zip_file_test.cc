#include "tools/studio/jobs/zip_file.h"

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "third_party/absl/status_matchers.h"

namespace studio {
namespace {

using ::absl::StatusCode;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr size_t kMaxBytes = size_t{1} << 20;

class ZipFileTest : public networks::files::FolderTest {
 protected:
  void WriteZip(const std::string& name, const std::string& content) {
    auto zip = ZipWriter::Create(Path(name));
    ASSERT_THAT(zip, IsOk());
    ASSERT_THAT((*zip)->Add("000000.png", content), IsOk());
    ASSERT_THAT((*zip)->Add("000001.png", ""), IsOk());
    ASSERT_THAT((*zip)->Finish(), IsOk());
  }
};

TEST_F(ZipFileTest, ReadsWhatItHasWritten) {
  const std::string content(200000, 'x');
  WriteZip("a.zip", content);
  EXPECT_EQ(Contents("a.zip").substr(0, 2), "PK");
  const auto zip = ZipReader::Open(Path("a.zip"));
  ASSERT_THAT(zip, IsOk());
  EXPECT_THAT((*zip)->Next(kMaxBytes), IsOkAndHolds(content));
  EXPECT_THAT((*zip)->Next(kMaxBytes), IsOkAndHolds(std::string()));
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT((*zip)->Next(kMaxBytes), IsOkAndHolds(std::nullopt));
  }
}

TEST_F(ZipFileTest, EqualContentsGiveEqualFiles) {
  WriteZip("a.zip", "content");
  WriteZip("b.zip", "content");
  EXPECT_EQ(Contents("a.zip"), Contents("b.zip"));
}

TEST_F(ZipFileTest, LeavesNothingWithoutFinish) {
  {
    auto zip = ZipWriter::Create(Path("a.zip"));
    ASSERT_THAT(zip, IsOk());
    ASSERT_THAT((*zip)->Add("000000.png", "content"), IsOk());
  }
  EXPECT_THAT(Names(), IsEmpty());
}

TEST_F(ZipFileTest, RefusesWhatIsNoArchiveOrTooLarge) {
  Write("text.zip", "only text, and more than a header has");
  const auto text = ZipReader::Open(Path("text.zip"));
  EXPECT_THAT(text.ok() ? (*text)->Next(kMaxBytes).status() : text.status(),
              StatusIs(StatusCode::kDataLoss, HasSubstr("text.zip")));
  EXPECT_THAT(ZipReader::Open(Path("none.zip")),
              StatusIs(StatusCode::kDataLoss, HasSubstr("none.zip")));
  WriteZip("a.zip", std::string(100000, 'x'));
  EXPECT_THAT((*ZipReader::Open(Path("a.zip")))->Next(1000),
              StatusIs(StatusCode::kDataLoss, HasSubstr("too large")));
  const std::string whole = Contents("a.zip");
  Write("cut.zip", whole.substr(0, 50000));
  const auto cut = ZipReader::Open(Path("cut.zip"));
  EXPECT_THAT(cut.ok() ? (*cut)->Next(kMaxBytes).status() : cut.status(),
              StatusIs(StatusCode::kDataLoss, HasSubstr("cut.zip")));
}

}  // namespace
}  // namespace studio
