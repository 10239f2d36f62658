#include "pipelines/media/formats/byte_reader.h"

#include <cstdint>
#include <sstream>
#include <string>

#include "gtest/gtest.h"

namespace pipelines::media {
namespace {

TEST(ByteReader, ReadsNumbersAtAnyPlace) {
  std::istringstream file(std::string("\x01\x02\x03\x04\xff", 5));
  ByteReader reader(file);
  EXPECT_EQ(reader.size(), 5);
  EXPECT_EQ(reader.BigEndian(3, 2), 0x04ffu);
  EXPECT_EQ(reader.LittleEndian(3, 2), 0xff04u);
  EXPECT_EQ(reader.BigEndian(0, 4), 0x01020304u);
  EXPECT_EQ(reader.Bytes(1, 2), "\x02\x03");
}

TEST(ByteReader, ReadsZerosBeyondTheEnd) {
  std::istringstream file("ab");
  ByteReader reader(file);
  EXPECT_EQ(reader.Bytes(1, 3), std::string("b\0\0", 3));
  EXPECT_EQ(reader.Bytes(2, 2), std::string("\0\0", 2));
  EXPECT_EQ(reader.BigEndian(INT64_MAX, 8), 0u);
  EXPECT_EQ(reader.Bytes(0, 2), "ab");  // and can go on
}

TEST(ByteReader, ReadsAFileThatWasReadToItsEnd) {
  std::istringstream file("abc");
  std::string all;
  file >> all;
  EXPECT_EQ(ByteReader(file).Bytes(0, 3), "abc");
}

TEST(Bounded, KeepsSumsOfSizesFromOverflowing) {
  EXPECT_EQ(Bounded(0), 0);
  EXPECT_EQ(Bounded(12345), 12345);
  EXPECT_EQ(Bounded(UINT64_MAX), int64_t{1} << 50);
}

// [RFC 8794, 4.4] 2 is 0x82, 0x4002, 0x200002, 0x10000002.
TEST(EbmlNumber, IsTheSameInEveryLength) {
  for (int length = 1; length <= 8; ++length) {
    std::string bytes(static_cast<size_t>(length), '\0');
    bytes[0] = static_cast<char>(0x80 >> (length - 1));
    bytes.back() = static_cast<char>(bytes.back() | 2);
    std::istringstream file("x" + bytes);
    ByteReader reader(file);
    const EbmlNumber number = ReadEbmlNumber(reader, 1);
    EXPECT_EQ(number.length, length);
    EXPECT_EQ(number.value, 2);
  }
}

TEST(EbmlNumber, IsUnknownWhereAllItsBitsAreOne) {
  for (const std::string& bytes :
       {std::string("\xff"), std::string("\x7f\xff"),
        std::string("\x01\xff\xff\xff\xff\xff\xff\xff")}) {
    std::istringstream file(bytes);
    ByteReader reader(file);
    const EbmlNumber number = ReadEbmlNumber(reader, 0);
    EXPECT_EQ(number.length, static_cast<int>(bytes.size()));
    EXPECT_FALSE(number.value.has_value());
  }
}

}  // namespace
}  // namespace pipelines::media
