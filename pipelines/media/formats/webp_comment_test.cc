#include "pipelines/media/formats/webp_comment.h"

#include <cstdint>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/atomic_file.h"
#include "networks/files/read_file.h"
#include "networks/files/testing_folder.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines::media {
namespace {

using testing::HasSubstr;

class AddWebpCommentTest : public networks::files::FolderTest {
 protected:
  std::string Write(const std::string& bytes) {
    const std::string path = Path("x.webp");
    EXPECT_THAT(networks::files::WriteAtomically(path, bytes), IsOk());
    return path;
  }
};

// The head of an animation: its flags are 2, its only chunk has ten bytes.
const char kAnimation[] =
    "RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0\x1f\0\0\x1f\0\0";
const std::string kFile(kAnimation, 30);

TEST_F(AddWebpCommentTest, AppendsAChunkAndSaysSo) {
  // With a comment of an odd and one of an even number of bytes.
  for (const std::string comment : {"synthetic", "synthetic "}) {
    const std::string path = Write(kFile);
    ASSERT_THAT(AddWebpComment(comment, path, path), IsOk());
    const auto file = networks::files::ReadFile(path);
    ASSERT_THAT(file, IsOk());
    EXPECT_THAT(*file, HasSubstr(">" + comment + "<"));
    EXPECT_EQ(file->size() % 2, 0u);
    EXPECT_EQ(static_cast<uint8_t>((*file)[4]) +
                  256 * static_cast<uint8_t>((*file)[5]),
              static_cast<int>(file->size()) - 8);
    EXPECT_EQ((*file)[20], 2 | 4);
    EXPECT_EQ(file->substr(21, 9), kFile.substr(21));
    EXPECT_EQ(file->substr(30, 4), "XMP ");
    const int size = static_cast<uint8_t>((*file)[34]) +
                     256 * static_cast<uint8_t>((*file)[35]);
    EXPECT_EQ(static_cast<int>(file->size()), 38 + size + size % 2);
  }
}

TEST_F(AddWebpCommentTest, EscapesWhatXmlDoesNotAllow) {
  const std::string path = Write(kFile);
  ASSERT_THAT(AddWebpComment("a<b&c", path, path), IsOk());
  EXPECT_THAT(networks::files::ReadFile(path),
              IsOkAndHolds(HasSubstr("a&lt;b&amp;c")));
}

TEST_F(AddWebpCommentTest, RefusesOtherFiles) {
  for (const std::string& bytes :
       {std::string("RIFF"), "RIFF....WEBPVP8 " + std::string(20, 'x')}) {
    const std::string path = Write(bytes);
    EXPECT_THAT(AddWebpComment("x", path, "mine.webp"),
                StatusIs(absl::StatusCode::kDataLoss, HasSubstr("mine.webp")));
    EXPECT_THAT(networks::files::ReadFile(path), IsOkAndHolds(bytes));
  }
}

}  // namespace
}  // namespace pipelines::media
