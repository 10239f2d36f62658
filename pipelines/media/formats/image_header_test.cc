// Headers put together by hand; image_io_test reads those of real encoders.
#include "pipelines/media/formats/image_header.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "pipelines/media/formats/bytes.h"
#include "pipelines/media/formats/image_chunks_test_util.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines::media {
namespace {

using namespace std::string_literals;
using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr char kSignature[] = "\x89PNG\r\n\x1a\n";

std::string Png(uint32_t width, uint32_t height, char bits, char colour_type,
                const std::string& more = "") {
  return kSignature +
         PngChunk("IHDR", BigEndianBytes(width) + BigEndianBytes(height) +
                              bits + colour_type + "\0\0\0"s) +
         more + PngChunk("IDAT", "") + PngChunk("IEND", "");
}

// A directory of one entry, the orientation, in either order of bytes.
std::string Tiff(bool big, char orientation) {
  if (big) {
    return "MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0"s + orientation + "\0\0"s;
  }
  return "II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0"s + orientation + "\0\0\0"s;
}

std::string JpegSegment(char marker, const std::string& content) {
  return "\xff"s + marker +
         BigEndianBytes(static_cast<uint32_t>(content.size() + 2)).substr(2) +
         content;
}

TEST(DetectImageFormat, GoesByTheFirstBytes) {
  EXPECT_EQ(DetectImageFormat(Png(1, 1, 8, 2)), ImageFormat::kPng);
  EXPECT_EQ(DetectImageFormat("\xff\xd8\xff\xe0"s + std::string(12, '\0')),
            ImageFormat::kJpeg);
  EXPECT_EQ(DetectImageFormat("RIFF\4\0\0\0WEBPVP8 "s), ImageFormat::kWebp);
  EXPECT_EQ(DetectImageFormat(Tiff(true, 1)), ImageFormat::kTiff);
  EXPECT_EQ(DetectImageFormat(Tiff(false, 1)), ImageFormat::kTiff);
  EXPECT_EQ(DetectImageFormat("a text, long enough"), ImageFormat::kNone);
  EXPECT_EQ(DetectImageFormat(""), ImageFormat::kNone);
}

TEST(ReadImageHeader, TellsSizeDepthAndTransparencyOfAPng) {
  const auto plain = ReadImageHeader(Png(300, 20, 8, 2), "a");
  ASSERT_THAT(plain, IsOk());
  EXPECT_EQ(plain->size, cv::Size(300, 20));
  EXPECT_EQ(plain->bytes_per_sample, 1);
  EXPECT_EQ(plain->orientation, 1);
  EXPECT_FALSE(plain->has_alpha);
  const auto deep = ReadImageHeader(Png(1, 70000, 16, 6), "a");
  ASSERT_THAT(deep, IsOk());
  EXPECT_EQ(deep->size, cv::Size(1, 70000));
  EXPECT_EQ(deep->bytes_per_sample, 2);
  EXPECT_TRUE(deep->has_alpha);
  const auto palette =
      ReadImageHeader(Png(1, 1, 8, 3, PngChunk("tRNS", "\0"s)), "a");
  ASSERT_THAT(palette, IsOk());
  EXPECT_TRUE(palette->has_alpha);
}

TEST(ReadImageHeader, FindsTheOrientationInEitherOrderOfBytes) {
  for (const bool big : {false, true}) {
    for (char orientation = 1; orientation <= 8; ++orientation) {
      const std::string tiff = Tiff(big, orientation);
      const auto png =
          ReadImageHeader(Png(2, 3, 8, 2, PngChunk("eXIf", tiff)), "a");
      ASSERT_THAT(png, IsOk());
      EXPECT_EQ(png->orientation, orientation) << big;
      EXPECT_EQ(png->size, cv::Size(2, 3));
      const std::string jpeg =
          "\xff\xd8"s + JpegSegment('\xe1', "Exif\0\0"s + tiff) +
          JpegSegment('\xc0', "\x08\0\5\0\4\1\1\x11\0"s) + "\xff\xd9";
      const auto header = ReadImageHeader(jpeg, "a");
      ASSERT_THAT(header, IsOk());
      EXPECT_EQ(header->orientation, orientation) << big;
      EXPECT_EQ(header->size, cv::Size(4, 5));
    }
  }
}

TEST(ReadImageHeader, TakesNoOrientationThatThereIsNot) {
  for (const char orientation : {'\0', '\x09', '\xff'}) {
    const auto header = ReadImageHeader(
        Png(1, 1, 8, 2, PngChunk("eXIf", Tiff(true, orientation))), "a");
    ASSERT_THAT(header, IsOk());
    EXPECT_EQ(header->orientation, 1);
  }
}

TEST(ReadImageHeader, NamesTheFileThatIsCutOffAnywhere) {
  const std::string whole = Png(4, 4, 8, 2);
  for (size_t size = 16; size < whole.size(); ++size) {
    EXPECT_THAT(ReadImageHeader(whole.substr(0, size), "cut.png"),
                StatusIs(StatusCode::kInvalidArgument, HasSubstr("cut.png")))
        << size;
  }
}

TEST(ReadImageHeader, NamesTheChunkWhoseChecksumIsWrong) {
  std::string png = Png(4, 4, 8, 2);
  png[17] ^= 1;  // in the width
  EXPECT_THAT(ReadImageHeader(png, "bad.png"),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("bad.png"), HasSubstr("IHDR"))));
}

TEST(IsAnimatedPng, GoesByTheChunkBeforeTheImage) {
  EXPECT_FALSE(IsAnimatedPng(Png(4, 4, 8, 2)));
  EXPECT_TRUE(IsAnimatedPng(Png(
      4, 4, 8, 2, PngChunk("acTL", BigEndianBytes(3) + BigEndianBytes(0)))));
}

TEST(EndsBeforeFramesOfPng, GoesByTheSameChunk) {
  const std::string still = Png(4, 4, 8, 2, PngChunk("tEXt", "a text"));
  const size_t data = still.find("IDAT") + 4;
  EXPECT_TRUE(EndsBeforeFramesOfPng(still.substr(0, data - 1)));
  EXPECT_FALSE(EndsBeforeFramesOfPng(still.substr(0, data)));
  EXPECT_FALSE(EndsBeforeFramesOfPng("GIF89a"));
}

}  // namespace
}  // namespace pipelines::media
