#include "pipelines/media/formats/webp_comment.h"

#include <cstdint>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"

namespace pipelines::media {
namespace {

using testing::HasSubstr;

// The head of an animation: its flags are 2, its only chunk has ten bytes.
const char kAnimation[] =
    "RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0\x1f\0\0\x1f\0\0";
const std::string kFile(kAnimation, 30);

std::string WithComment(const std::string& comment, std::string file) {
  AddWebpComment(comment, cv::Size(32, 32), /*has_alpha=*/true, &file);
  return file;
}

int64_t TwoBytes(const std::string& file, size_t at) {
  return static_cast<uint8_t>(file[at]) +
         256 * static_cast<uint8_t>(file[at + 1]);
}

TEST(AddWebpComment, AppendsAChunkAndSaysSo) {
  // With a comment of an odd and one of an even number of bytes.
  for (const std::string comment : {"synthetic", "synthetic "}) {
    const std::string file = WithComment(comment, kFile);
    EXPECT_THAT(file, HasSubstr(">" + comment + "<"));
    EXPECT_EQ(file.size() % 2, 0u);
    const auto total = static_cast<int64_t>(file.size());
    EXPECT_EQ(TwoBytes(file, 4), total - 8);
    EXPECT_EQ(file[20], 2 | 4);
    EXPECT_EQ(file.substr(21, 9), kFile.substr(21));
    EXPECT_EQ(file.substr(30, 4), "XMP ");
    const int64_t size = TwoBytes(file, 34);
    EXPECT_EQ(total, 38 + size + size % 2);
  }
}

TEST(AddWebpComment, GivesAPictureAloneAPlaceForFlags) {
  const std::string picture = "VP8 " + std::string("\x02\0\0\0xx", 6);
  const std::string file =
      WithComment("x", std::string("RIFF\x0e\0\0\0WEBP", 12) + picture);
  EXPECT_EQ(file.substr(12, 8), kFile.substr(12, 8));
  EXPECT_EQ(file[20], 16 | 4);
  EXPECT_EQ(file.substr(21, 9), kFile.substr(21));
  EXPECT_EQ(file.substr(30, picture.size()), picture);
  EXPECT_EQ(TwoBytes(file, 4), static_cast<int64_t>(file.size()) - 8);
}

TEST(AddWebpComment, EscapesWhatXmlDoesNotAllow) {
  EXPECT_THAT(WithComment("a<b&c", kFile), HasSubstr("a&lt;b&amp;c"));
}

}  // namespace
}  // namespace pipelines::media
