// The product of networks/cpu/bfloat16_kernels.h by tiles, the matrix registers
// of processors with AMX.
//
// A tile has up to 16 rows of 64 bytes. One instruction adds to a tile of 16x16
// sums the product of 16 rows of 32 bfloat16 and of 16 rows of 16 pairs, which
// are the rows of a packed panel as they lie in memory. Four tiles of sums, for
// 32 rows and the 32 columns of a panel, use each loaded tile twice.
//
// The algorithm is separate from the instructions, so that a processor without
// them can test it (amx_multiply_test.cc).
#ifndef NETWORKS_CPU_AMX_MULTIPLY_H_
#define NETWORKS_CPU_AMX_MULTIPLY_H_

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "networks/cpu/bfloat16_kernels.h"

namespace networks::cpu::amx {

constexpr int64_t kTileRows = 16;
constexpr int64_t kTileDepth = 32;         // bfloat16 of a row
constexpr int64_t kPanelWidth = 32;        // columns of two tiles
constexpr int64_t kPairs = 2 * kTileRows;  // bfloat16 of a row of pairs

// Which tile holds what: sums of rows 0-15 and 16-31 by columns 0-15 and 16-31,
// both groups of rows of the left factor, both of columns of the right one.
enum Tile { kSum00, kSum01, kSum10, kSum11, kLeft0, kLeft1, kRight0, kRight1 };

// As LDTILECFG reads it.
struct alignas(64) TileShapes {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {};
  uint8_t rows[16] = {};
};
static_assert(sizeof(TileShapes) == 64, "LDTILECFG reads 64 bytes");

// For `rows` rows of the left factor, 1 to 32. A tile without rows is not used.
inline TileShapes ShapesFor(int64_t rows) {
  TileShapes shapes;
  const auto set = [&](Tile tile, int64_t n) {
    shapes.rows[tile] = static_cast<uint8_t>(n);
    shapes.row_bytes[tile] = n > 0 ? 64 : 0;
  };
  const int64_t first = std::min(rows, kTileRows), second = rows - first;
  for (const Tile tile : {kSum00, kSum01, kLeft0}) set(tile, first);
  for (const Tile tile : {kSum10, kSum11, kLeft1}) set(tile, second);
  for (const Tile tile : {kRight0, kRight1}) set(tile, kTileRows);
  return shapes;
}

// `Tiles` has the instructions, with constant tiles: Configure(shapes),
// Release(), Zero<tile>(), Load<tile>(data, row_bytes), Store<tile>(data,
// row_bytes) and AddProduct<sum, left, right>().

// Adds kTileDepth terms of `rows` rows of `a` by the 32 columns at `b`.
template <typename Tiles>
void AddTerms(const Bfloat16Bits* a, int64_t a_stride, const Bfloat16Bits* b,
              int64_t rows) {
  constexpr int64_t kBytes = sizeof(Bfloat16Bits);
  Tiles::template Load<kRight0>(b, 2 * kPanelWidth * kBytes);
  Tiles::template Load<kRight1>(b + kPairs, 2 * kPanelWidth * kBytes);
  Tiles::template Load<kLeft0>(a, a_stride * kBytes);
  Tiles::template AddProduct<kSum00, kLeft0, kRight0>();
  Tiles::template AddProduct<kSum01, kLeft0, kRight1>();
  if (rows <= kTileRows) return;
  Tiles::template Load<kLeft1>(a + kTileRows * a_stride, a_stride * kBytes);
  Tiles::template AddProduct<kSum10, kLeft1, kRight0>();
  Tiles::template AddProduct<kSum11, kLeft1, kRight1>();
}

template <typename Tiles>
void ZeroSums(int64_t rows) {
  Tiles::template Zero<kSum00>();
  Tiles::template Zero<kSum01>();
  if (rows <= kTileRows) return;
  Tiles::template Zero<kSum10>();
  Tiles::template Zero<kSum11>();
}

template <typename Tiles>
void StoreSums(float* c, int64_t c_stride, int64_t rows) {
  const int64_t bytes = c_stride * static_cast<int64_t>(sizeof(float));
  Tiles::template Store<kSum00>(c, bytes);
  Tiles::template Store<kSum01>(c + kTileRows, bytes);
  if (rows <= kTileRows) return;
  c += kTileRows * c_stride;
  Tiles::template Store<kSum10>(c, bytes);
  Tiles::template Store<kSum11>(c + kTileRows, bytes);
}

// The last terms, fewer than kTileDepth, filled up with zeros.
struct LastTerms {
  // `b` at the first of `n` terms.
  LastTerms(const Bfloat16Bits* b, int64_t n) : n(n) {
    std::memcpy(right, b, n * kPanelWidth * sizeof(Bfloat16Bits));
  }

  template <typename Tiles>
  void Add(const Bfloat16Bits* a, int64_t a_stride, int64_t rows) {
    for (int64_t i = 0; i < rows; ++i) {
      std::memcpy(left[i], a + i * a_stride, n * sizeof(Bfloat16Bits));
    }
    AddTerms<Tiles>(left[0], kTileDepth, right, rows);
  }

  int64_t n;
  alignas(64) Bfloat16Bits left[2 * kTileRows][kTileDepth] = {};
  alignas(64) Bfloat16Bits right[kTileDepth * kPanelWidth] = {};
};

// As Bfloat16Kernels::multiply.
template <typename Tiles>
void Multiply(const Bfloat16Bits* a, int64_t a_stride, const Bfloat16Bits* b,
              float* c, int64_t c_stride, int64_t rows, int64_t depth) {
  const int64_t whole = depth / kTileDepth * kTileDepth;
  LastTerms last(b + whole * kPanelWidth, depth - whole);
  // The next panel, brought into the cache evenly while this one is used.
  const int64_t blocks = (rows + 2 * kTileRows - 1) / (2 * kTileRows);
  const char* ahead = reinterpret_cast<const char*>(b + depth * kPanelWidth);
  const int64_t bytes_of_terms =
      kTileDepth * kPanelWidth * static_cast<int64_t>(sizeof(Bfloat16Bits));
  int64_t configured = 0;
  for (int64_t i = 0; i < rows; i += 2 * kTileRows) {
    const int64_t n = std::min(rows - i, 2 * kTileRows);
    if (n != configured) Tiles::Configure(ShapesFor(n));
    configured = n;
    ZeroSums<Tiles>(n);
    for (int64_t k = 0; k < whole; k += kTileDepth) {
      const char* const end = ahead + bytes_of_terms / blocks;
      for (; ahead < end; ahead += 64) __builtin_prefetch(ahead, 0, 2);
      AddTerms<Tiles>(a + i * a_stride + k, a_stride, b + k * kPanelWidth, n);
    }
    if (whole < depth) {
      last.Add<Tiles>(a + i * a_stride + whole, a_stride, n);
    }
    StoreSums<Tiles>(c + i * c_stride, c_stride, n);
  }
  Tiles::Release();
}

}  // namespace networks::cpu::amx

#endif  // NETWORKS_CPU_AMX_MULTIPLY_H_
