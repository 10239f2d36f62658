#include "networks/weights/big_integer.h"

#include <algorithm>
#include <vector>

namespace networks::weights {
namespace {

bool IsNegative(absl::string_view little_endian) {
  return !little_endian.empty() && (little_endian.back() & 0x80) != 0;
}

// |number|, little-endian, in base 256.
std::vector<uint8_t> Magnitude(absl::string_view little_endian) {
  std::vector<uint8_t> bytes(little_endian.begin(), little_endian.end());
  if (!IsNegative(little_endian)) return bytes;
  unsigned carry = 1;
  for (uint8_t& byte : bytes) {
    carry += static_cast<uint8_t>(~byte);
    byte = static_cast<uint8_t>(carry);
    carry >>= 8;
  }
  return bytes;
}

// Divides in place; returns the remainder.
unsigned DivideBy10(std::vector<uint8_t>* bytes) {
  unsigned remainder = 0;
  for (size_t i = bytes->size(); i-- > 0;) {
    const unsigned value = remainder << 8 | (*bytes)[i];
    (*bytes)[i] = static_cast<uint8_t>(value / 10);
    remainder = value % 10;
  }
  while (!bytes->empty() && bytes->back() == 0) bytes->pop_back();
  return remainder;
}

}  // namespace

bool FitsInt64(absl::string_view little_endian) {
  const char sign = IsNegative(little_endian) ? '\xff' : '\0';
  for (size_t i = 8; i < little_endian.size(); ++i) {
    if (little_endian[i] != sign) return false;
  }
  return little_endian.size() <= 8 ||
         IsNegative(little_endian.substr(0, 8)) == IsNegative(little_endian);
}

int64_t ToInt64(absl::string_view little_endian) {
  uint64_t bits = IsNegative(little_endian) ? ~uint64_t{0} : 0;
  for (size_t i = std::min<size_t>(little_endian.size(), 8); i-- > 0;) {
    bits = bits << 8 | static_cast<uint8_t>(little_endian[i]);
  }
  return static_cast<int64_t>(bits);
}

std::string ToDecimal(absl::string_view little_endian) {
  std::vector<uint8_t> rest = Magnitude(little_endian);
  std::string digits;
  do {
    digits.push_back(static_cast<char>('0' + DivideBy10(&rest)));
  } while (!rest.empty());
  if (IsNegative(little_endian)) digits.push_back('-');
  std::reverse(digits.begin(), digits.end());
  return digits;
}

}  // namespace networks::weights
