// Boxes without a frame; video_demuxer_test has whole files.
#include "pipelines/media/formats/mp4_movies.h"

#include <cstdint>
#include <sstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "pipelines/media/formats/bytes.h"

namespace pipelines::media {
namespace {

using ::testing::Optional;

std::optional<int64_t> Second(const std::string& bytes) {
  std::istringstream file(bytes);
  return SecondMovie(file);
}

std::string Box(const std::string& type, const std::string& content) {
  return BigEndianBytes(static_cast<uint32_t>(8 + content.size())) + type +
         content;
}

std::string Movie(const char* sizes, uint32_t num_samples) {
  const std::string table =
      Box(sizes, std::string(8, '\0') + BigEndianBytes(num_samples));
  return Box("moov",
             Box("mvhd", "?") +
                 Box("trak", Box("mdia", Box("minf", Box("stbl", table)))));
}

std::string File(const char* sizes, uint32_t num_samples) {
  return Box("ftyp", "isom") + Movie(sizes, num_samples) + Box("mdat", "data");
}

TEST(SecondMovie, BeginsWhereASecondFileBegins) {
  const std::string one = File("stsz", 3);
  const auto size = static_cast<int64_t>(one.size());
  EXPECT_EQ(Second(one), std::nullopt);
  for (const char* sizes : {"stsz", "stz2"}) {
    EXPECT_THAT(Second(one + File(sizes, 1)), Optional(size));
  }
  EXPECT_THAT(Second(one + Box("free", "") + one), Optional(size + 8));
  EXPECT_THAT(Second(one + File("stsz", 0) + one), Optional(size));
}

TEST(SecondMovie, IsNoRepeatedHeader) {
  const std::string one = File("stsz", 3);
  EXPECT_EQ(Second(one + File("stsz", 0)), std::nullopt);
  EXPECT_EQ(Second(one + Movie("stsz", 3)), std::nullopt);
  EXPECT_EQ(Second(one + Box("ftyp", "isom")), std::nullopt);
}

TEST(SecondMovie, IsNotInOtherFiles) {
  EXPECT_EQ(Second(""), std::nullopt);
  EXPECT_EQ(Second("RIFF\x10   AVI LIST"), std::nullopt);
  EXPECT_EQ(Second(std::string(4, '\0') + "ftypisom"), std::nullopt);
  EXPECT_EQ(Second(File("stsz", 3) + std::string(100, '\xff')), std::nullopt);
}

}  // namespace
}  // namespace pipelines::media
