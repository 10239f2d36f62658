#include "tools/reliability/mutate.h"

#include <algorithm>
#include <cstdint>

namespace reliability {
namespace {

// Of the standard distributions, results differ between libraries.
size_t Below(size_t bound, std::mt19937_64& random) {
  return bound == 0 ? 0 : static_cast<size_t>(random() % bound);
}

struct Piece {
  size_t begin, size;
};

Piece RandomPiece(const std::string& bytes, std::mt19937_64& random) {
  const size_t begin = Below(bytes.size(), random);
  const size_t longest = std::min<size_t>(bytes.size() - begin, 512);
  return {begin, 1 + Below(longest, random)};
}

void SetNumber(std::string* bytes, std::mt19937_64& random) {
  constexpr uint32_t kExtremes[] = {
      0, 1, 0x7f, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff};
  const uint32_t value = kExtremes[Below(std::size(kExtremes), random)];
  const size_t at = Below(bytes->size(), random);
  const bool is_big_endian = random() & 1;
  for (size_t i = 0; i < 4 && at + i < bytes->size(); ++i) {
    const size_t shift = 8 * (is_big_endian ? 3 - i : i);
    (*bytes)[at + i] = static_cast<char>(value >> shift);
  }
}

void Change(std::string* bytes, std::mt19937_64& random) {
  const Piece piece = RandomPiece(*bytes, random);
  switch (Below(8, random)) {
    case 0:
      (*bytes)[piece.begin] ^= static_cast<char>(1 << Below(8, random));
      break;
    case 1:
      (*bytes)[piece.begin] = static_cast<char>(random());
      break;
    case 2:
    case 3:
      SetNumber(bytes, random);
      break;
    case 4:
      bytes->erase(piece.begin, piece.size);
      break;
    case 5:
      bytes->insert(piece.begin, bytes->substr(piece.begin, piece.size));
      break;
    case 6:
      std::fill_n(bytes->begin() + static_cast<std::ptrdiff_t>(piece.begin),
                  piece.size, '\0');
      break;
    default:
      bytes->resize(piece.begin);
      break;
  }
}

}  // namespace

std::string Mutated(std::string bytes, std::mt19937_64& random) {
  const size_t changes = 1 + Below(4, random);
  for (size_t i = 0; i < changes && !bytes.empty(); ++i) {
    Change(&bytes, random);
  }
  return bytes;
}

}  // namespace reliability
