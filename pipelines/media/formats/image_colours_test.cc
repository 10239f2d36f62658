// What is stated; colour_profile_test shows what becomes of it.
#include "pipelines/media/formats/image_colours.h"

#include <zlib.h>

#include <string>

#include "gtest/gtest.h"
#include "pipelines/media/formats/bytes.h"
#include "pipelines/media/formats/image_chunks_test_util.h"

namespace pipelines::media {
namespace {

using namespace std::string_literals;

std::string Png(const std::string& chunks) {
  return "\x89PNG\r\n\x1a\n" +
         PngChunk("IHDR",
                  BigEndianBytes(1) + BigEndianBytes(1) + "\x08\2\0\0\0"s) +
         chunks + PngChunk("IDAT", "") + PngChunk("IEND", "");
}

std::string Packed(const std::string& profile) {
  std::string packed(compressBound(profile.size()), '\0');
  uLongf size = packed.size();
  compress(reinterpret_cast<Bytef*>(packed.data()), &size,
           reinterpret_cast<const Bytef*>(profile.data()), profile.size());
  return packed.substr(0, size);
}

std::string Profile(const std::string& packed) {
  return PngChunk("iCCP", "name\0\0"s + packed);
}

const std::string& Gamma() {
  static const auto* const chunk =
      new std::string(PngChunk("gAMA", BigEndianBytes(45455)));
  return *chunk;
}

TEST(ReadImageColours, OfAPngAreItsProfileOrItsGamma) {
  EXPECT_EQ(ReadImageColours(Png(Profile(Packed("colours")))).icc, "colours");
  EXPECT_EQ(ReadImageColours(Png(Gamma())).gamma, 0.45455);
  const ImageColours none = ReadImageColours(Png(""));
  EXPECT_EQ(none.icc, "");
  EXPECT_EQ(none.gamma, std::nullopt);
  EXPECT_EQ(none.primaries, std::nullopt);
}

TEST(ReadImageColours, HavePrimariesWithAGammaOnly) {
  std::string numbers;
  for (uint32_t i = 1; i <= 8; ++i) numbers += BigEndianBytes(10000 * i);
  const std::string primaries = PngChunk("cHRM", numbers);
  EXPECT_EQ(ReadImageColours(Png(primaries)).primaries, std::nullopt);
  EXPECT_EQ(ReadImageColours(Png(primaries + Gamma())).primaries,
            (Primaries{0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8}));
}

// A profile before sRGB, and that before a gamma.
TEST(ReadImageColours, TakeTheStrongestStatement) {
  const std::string srgb = PngChunk("sRGB", "\0"s);
  const ImageColours both =
      ReadImageColours(Png(Gamma() + Profile(Packed("p"))));
  EXPECT_EQ(both.icc, "p");
  EXPECT_EQ(both.gamma, std::nullopt);
  EXPECT_EQ(ReadImageColours(Png(srgb + Gamma())).gamma, std::nullopt);
}

// Primaries, transfer, matrix and range; what is unknown does not count.
TEST(ReadImageColours, OfAPngAreItsCodePointsFirst) {
  const std::string gamma = PngChunk("gAMA", BigEndianBytes(100000));
  const auto of = [&](const std::string& code) {
    return ReadImageColours(Png(gamma + PngChunk("cICP", code)));
  };
  const ImageColours p3 = of(std::string("\x0c\x0d\0\1", 4));
  EXPECT_NEAR(*p3.gamma, 1 / 2.2, 1e-4);
  ASSERT_TRUE(p3.primaries.has_value());
  EXPECT_EQ((*p3.primaries)[2], 0.680);
  const ImageColours pq = of(std::string("\x09\x10\0\1", 4));
  ASSERT_TRUE(pq.hdr.has_value());
  EXPECT_EQ(pq.hdr->primaries, 9);
  EXPECT_EQ(pq.hdr->transfer, 16);
  EXPECT_FALSE(pq.gamma.has_value());
  for (const std::string& unknown :
       {std::string("\x0c\x02\0\1", 4), std::string("\xc8\x0d\0\1", 4),
        std::string("\x0c\x0d\1\1", 4), std::string("\x0c\x0d\0\0", 4),
        std::string("\x0c")}) {
    EXPECT_EQ(of(unknown).gamma, 1.0);
    EXPECT_FALSE(of(unknown).hdr.has_value());
  }
}

TEST(ReadImageColours, AreNoneWhereAProfileIsDamagedOrHuge) {
  std::string damaged = Packed("colours");
  damaged.back() ^= 1;
  EXPECT_EQ(ReadImageColours(Png(Profile(damaged))).icc, "");
  EXPECT_EQ(ReadImageColours(Png(Profile("no zlib"))).icc, "");
  EXPECT_EQ(
      ReadImageColours(Png(Profile(Packed(std::string(32 << 20, 'x'))))).icc,
      "");
}

TEST(ReadImageColours, OfAJpegArePutTogetherByNumber) {
  const auto segment = [](char number, const std::string& part) {
    const std::string content = "ICC_PROFILE\0"s + number + "\2" + part;
    return "\xff\xe2" +
           BigEndianBytes(static_cast<uint32_t>(content.size() + 2)).substr(2) +
           content;
  };
  EXPECT_EQ(ReadImageColours("\xff\xd8" + segment(2, "lours") +
                             segment(1, "co") + "\xff\xda")
                .icc,
            "colours");
}

TEST(ReadImageColours, OfAWebpAreItsChunk) {
  EXPECT_EQ(
      ReadImageColours(RiffChunk("RIFF", "WEBP" + RiffChunk("VP8X", "odd") +
                                             RiffChunk("ICCP", "colours")))
          .icc,
      "colours");
}

TEST(ReadImageColours, OfOtherFilesAreNone) {
  EXPECT_EQ(ReadImageColours("").icc, "");
  EXPECT_EQ(ReadImageColours("a text").icc, "");
  EXPECT_EQ(ReadImageColours("P5\n").icc, "");
}

TEST(ReadImageColours, OfAJp2AreTheProfileOfItsBox) {
  const auto of = [](const std::string& box) {
    const std::string length =
        BigEndianBytes(static_cast<uint32_t>(box.size() + 8));
    return ReadImageColours("\0\0\0\x0cjP  \r\n\x87\n"s + length + "colr" +
                            box + "\xff\x4f\xff\x51 the picture");
  };
  EXPECT_EQ(of("\2\0\0colours"s).icc, "colours");
  EXPECT_EQ(of("\1\0\0\0\0\0\x10"s).icc, "");
  EXPECT_EQ(of("\2"s).icc, "");
}

}  // namespace
}  // namespace pipelines::media
