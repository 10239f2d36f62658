#include "pipelines/media/formats/bytes.h"

#include "gtest/gtest.h"

namespace pipelines::media {
namespace {

using namespace std::string_view_literals;

TEST(Bytes, AreReadInEitherOrder) {
  constexpr std::string_view kBytes = "\xff\x01\x80\x03\x04"sv;
  EXPECT_EQ(BigEndian(kBytes, 1, 3), 0x018003u);
  EXPECT_EQ(LittleEndian(kBytes, 1, 3), 0x038001u);
  EXPECT_EQ(BigEndian("\x80\0\0\0\0\0\0\1"sv, 0, 8), 0x8000000000000001u);
  EXPECT_EQ(LittleEndian("\x80\0\0\0\0\0\0\1"sv, 0, 8), 0x0100000000000080u);
  EXPECT_EQ(BigEndian(kBytes, 2, 0), 0u);
}

TEST(Bytes, BeyondTheEndAreZeros) {
  EXPECT_EQ(Byte("ab", 2), 0u);
  EXPECT_EQ(Byte("ab", SIZE_MAX), 0u);
  EXPECT_EQ(BigEndian("\x12\x34", 1, 4), 0x34000000u);
  EXPECT_EQ(LittleEndian("\x12\x34", 1, 4), 0x34u);
}

TEST(Bytes, OfANumberAreReadBack) {
  for (const uint32_t value : {0u, 1u, 0x80u, 0x12345678u, 0xffffffffu}) {
    EXPECT_EQ(BigEndian(BigEndianBytes(value), 0, 4), value);
    EXPECT_EQ(LittleEndian(LittleEndianBytes(value), 0, 4), value);
  }
  EXPECT_EQ(ThreeBytes(0x123456), "\x56\x34\x12");
}

}  // namespace
}  // namespace pipelines::media
