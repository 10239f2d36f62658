// The product by tiles, on tiles made of loops that do what the processor's
// manual says of each instruction; where the processor has them, on those, too.
#include "networks/cpu/amx_multiply.h"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "gtest/gtest.h"
#include "networks/cpu/bfloat16_kernels.h"
#include "networks/cpu/bfloat16_values.h"

namespace networks::cpu::amx {
namespace {

using Bits = std::vector<Bfloat16Bits>;

// Eight registers that check how they are used: a tile is loaded, added to and
// stored only in the shape that is configured, and not after the release.
class Emulated {
 public:
  static void Configure(const TileShapes& shapes) {
    EXPECT_EQ(shapes.palette, 1);
    for (int i = 0; i < 16; ++i) {
      EXPECT_LE(shapes.rows[i], i < 8 ? kTileRows : 0);
      // Both zero or neither, else the processor faults.
      EXPECT_EQ(shapes.rows[i] == 0, shapes.row_bytes[i] == 0) << i;
    }
    shapes_ = shapes;
    for (auto& tile : tiles_) std::memset(tile, 0xff, sizeof(tile));
  }
  static void Release() { shapes_ = TileShapes(); }

  template <Tile kTile>
  static void Zero() {
    ASSERT_GT(shapes_.rows[kTile], 0);
    std::memset(tiles_[kTile], 0, sizeof(tiles_[kTile]));
  }
  template <Tile kTile>
  static void Load(const void* data, int64_t row_bytes) {
    ASSERT_GT(shapes_.rows[kTile], 0);
    for (int64_t i = 0; i < shapes_.rows[kTile]; ++i) {
      std::memcpy(tiles_[kTile][i],
                  static_cast<const char*>(data) + i * row_bytes,
                  shapes_.row_bytes[kTile]);
    }
  }
  template <Tile kTile>
  static void Store(void* data, int64_t row_bytes) {
    ASSERT_GT(shapes_.rows[kTile], 0);
    for (int64_t i = 0; i < shapes_.rows[kTile]; ++i) {
      std::memcpy(static_cast<char*>(data) + i * row_bytes, tiles_[kTile][i],
                  shapes_.row_bytes[kTile]);
    }
  }
  // TDPBF16PS: sums of even and of odd terms apart, then both to the tile.
  template <Tile kSum, Tile kLeft, Tile kRight>
  static void AddProduct() {
    ASSERT_EQ(shapes_.rows[kSum], shapes_.rows[kLeft]);
    ASSERT_EQ(shapes_.rows[kRight], shapes_.row_bytes[kLeft] / 4);
    ASSERT_EQ(shapes_.row_bytes[kSum], shapes_.row_bytes[kRight]);
    for (int64_t m = 0; m < shapes_.rows[kSum]; ++m) {
      for (int64_t n = 0; n < shapes_.row_bytes[kSum] / 4; ++n) {
        float sums[2] = {};
        for (int64_t k = 0; k < shapes_.row_bytes[kLeft] / 4; ++k) {
          for (int64_t i = 0; i < 2; ++i) {
            sums[i] = std::fma(Short(kLeft, m, 2 * k + i),
                               Short(kRight, k, 2 * n + i), sums[i]);
          }
        }
        float sum;
        std::memcpy(&sum, tiles_[kSum][m] + 4 * n, sizeof(sum));
        sum += sums[0] + sums[1];
        std::memcpy(tiles_[kSum][m] + 4 * n, &sum, sizeof(sum));
      }
    }
  }

 private:
  static float Short(Tile tile, int64_t row, int64_t i) {
    Bfloat16Bits bits;
    std::memcpy(&bits, tiles_[tile][row] + 2 * i, sizeof(bits));
    return ValueOf(bits);
  }

  static TileShapes shapes_;
  static uint8_t tiles_[8][kTileRows][64];
};
TileShapes Emulated::shapes_;
uint8_t Emulated::tiles_[8][kTileRows][64];

constexpr float kCanary = 77;

// `multiply` of these sizes against plain loops.
template <typename Function>
void ExpectProduct(const Function& multiply, int64_t rows, int64_t depth) {
  const int64_t a_stride = depth + 6, c_stride = kPanelWidth + 5;
  const Bits a = RandomWhole(rows * a_stride, 1);
  const Bits b = RandomWhole(depth * kPanelWidth, 2);
  std::vector<float> c(static_cast<size_t>(rows * c_stride), kCanary);
  multiply(a.data(), a_stride, b.data(), c.data(), c_stride, rows, depth);
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < c_stride; ++j) {
      float expected = 0;
      for (int64_t k = 0; k < depth && j < kPanelWidth; ++k) {
        expected += ValueOf(a[i * a_stride + k]) *
                    ValueOf(b[k / 2 * 2 * kPanelWidth + 2 * j + k % 2]);
      }
      if (j >= kPanelWidth) expected = kCanary;  // between the rows
      ASSERT_EQ(c[i * c_stride + j], expected)
          << rows << " rows, depth " << depth << ", at " << i << " " << j;
    }
  }
}

// Numbers of rows around those of one and two tiles, and of terms around a
// tile's.
template <typename Function>
void ExpectProducts(const Function& multiply) {
  for (const int64_t rows : {1, 2, 15, 16, 17, 31, 32, 33, 64, 77, 96}) {
    for (const int64_t depth : {2, 30, 32, 34, 64, 96, 130}) {
      ExpectProduct(multiply, rows, depth);
    }
  }
}

TEST(AmxMultiply, IsTheProductOnEmulatedTiles) {
  ExpectProducts(Multiply<Emulated>);
}

TEST(AmxMultiply, IsTheProductOnTheProcessorsTiles) {
  if (AmxBfloat16Kernels() == nullptr) {
    GTEST_SKIP() << "This processor or its system has no AMX.";
  }
  ExpectProducts(AmxBfloat16Kernels()->multiply);
}

}  // namespace
}  // namespace networks::cpu::amx
