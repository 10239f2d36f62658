#include "networks/cpu/int8_products.h"

#include <cstdint>
#include <vector>

#include "gtest/gtest.h"

namespace networks::cpu {
namespace {

// Below, at and beyond the rows that registers hold; whole numbers are exact.
TEST(Int8Products, AreSumsOfProducts) {
  const Int8Products* products = Avx512VnniProducts();
  if (products == nullptr) GTEST_SKIP() << "the processor lacks AVX512-VNNI";
  constexpr int64_t kDepth = 20, kStride = 24;
  const int64_t width = products->panel_width;
  for (const int64_t rows : {0, 1, 11, 12, 13, 29}) {
    std::vector<uint8_t> a(rows * kStride);
    std::vector<int8_t> b(kDepth * width);
    for (size_t i = 0; i < a.size(); ++i) a[i] = 255 - i * 37 % 256;
    for (size_t i = 0; i < b.size(); ++i) b[i] = i * 89 % 255 - 127;
    std::vector<int32_t> c(rows * width, -1);
    products->multiply(a.data(), kStride, b.data(), c.data(), width, rows,
                       kDepth);
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t j = 0; j < width; ++j) {
        int32_t sum = 0;
        for (int64_t k = 0; k < kDepth; ++k) {
          sum += a[i * kStride + k] * b[k / 4 * 4 * width + 4 * j + k % 4];
        }
        EXPECT_EQ(c[i * width + j], sum) << rows << " " << i << " " << j;
      }
    }
  }
}

}  // namespace
}  // namespace networks::cpu
