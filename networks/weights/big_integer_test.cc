#include "networks/weights/big_integer.h"

#include <cstdint>
#include <limits>
#include <string>

#include "gtest/gtest.h"

namespace networks::weights {
namespace {

// The shortest little-endian two's complement of at least `size` bytes.
std::string Bytes(int64_t number, size_t size = 1) {
  std::string bytes;
  do {
    bytes.push_back(static_cast<char>(number & 0xff));
    number >>= 8;
  } while (bytes.size() < 8 && number != ((bytes.back() & 0x80) != 0 ? -1 : 0));
  const char sign = (bytes.back() & 0x80) != 0 ? '\xff' : '\0';
  while (bytes.size() < size) bytes.push_back(sign);
  return bytes;
}

constexpr int64_t kNumbers[] = {0,
                                1,
                                -1,
                                127,
                                128,
                                -128,
                                -129,
                                255,
                                256,
                                -256,
                                32767,
                                -32769,
                                1234567890123,
                                -1234567890123,
                                std::numeric_limits<int64_t>::max(),
                                std::numeric_limits<int64_t>::min()};

TEST(BigInteger, IsThatOfSixtyFourBitsWhereItFits) {
  EXPECT_TRUE(FitsInt64(""));
  EXPECT_EQ(ToInt64(""), 0);
  EXPECT_EQ(ToDecimal(""), "0");
  for (const int64_t number : kNumbers) {
    for (const size_t size : {1, 7, 8, 9, 20}) {  // also with more sign bytes
      const std::string bytes = Bytes(number, size);
      EXPECT_TRUE(FitsInt64(bytes)) << number << " " << size;
      EXPECT_EQ(ToInt64(bytes), number) << size;
      EXPECT_EQ(ToDecimal(bytes), std::to_string(number)) << size;
    }
  }
}

TEST(BigInteger, DoesNotFitBeyondSixtyFourBits) {
  // 2^63, -2^63 - 1 and 2^64.
  EXPECT_FALSE(FitsInt64(std::string("\0\0\0\0\0\0\0\x80\0", 9)));
  EXPECT_FALSE(FitsInt64(std::string("\xff\xff\xff\xff\xff\xff\xff\x7f\xff")));
  EXPECT_FALSE(FitsInt64(std::string("\0\0\0\0\0\0\0\0\x01", 9)));
}

TEST(BigInteger, HasDecimalDigitsOfAnyLength) {
  EXPECT_EQ(ToDecimal(std::string("\0\0\0\0\0\0\0\x80\0", 9)),
            "9223372036854775808");
  EXPECT_EQ(ToDecimal(std::string("\xff\xff\xff\xff\xff\xff\xff\x7f\xff")),
            "-9223372036854775809");
  std::string power(16, '\0');
  power += '\x01';
  EXPECT_EQ(ToDecimal(power), "340282366920938463463374607431768211456");
  // -2^128: the sign bit of the last byte, and nothing else.
  power.back() = '\xff';
  EXPECT_EQ(ToDecimal(power), "-340282366920938463463374607431768211456");
}

// Digits of a number, read one by one, are the number: n = 10 a + b.
TEST(BigInteger, HasTheDigitsOfTheNumberInEveryLength) {
  std::string bytes;
  for (int length = 1; length <= 40; ++length) {
    bytes.push_back(static_cast<char>(37 * length % 127));
    const std::string decimal = ToDecimal(bytes);
    // Remainders modulo 97, by bytes and by digits.
    int by_bytes = 0, by_digits = 0;
    for (size_t i = bytes.size(); i-- > 0;) {
      by_bytes = (by_bytes * 256 + static_cast<unsigned char>(bytes[i])) % 97;
    }
    for (const char digit : decimal) {
      by_digits = (by_digits * 10 + (digit - '0')) % 97;
    }
    EXPECT_EQ(by_digits, by_bytes) << length;
    EXPECT_NE(decimal[0], '0') << length;
  }
}

}  // namespace
}  // namespace networks::weights
