// Products of 8-bit factors on AVX512-VNNI, for products_benchmark alone: what
// convolutions in 8 bits would take. No network uses them;
// networks/findings.md says why.
#ifndef NETWORKS_CPU_INT8_PRODUCTS_H_
#define NETWORKS_CPU_INT8_PRODUCTS_H_

#include <cstdint>

namespace networks::cpu {

struct Int8Products {
  const char* name;
  // Columns of a packed panel of weights.
  int64_t panel_width;

  // c[i][j] = sum_k a[i][k] b[k][j] for i < rows, j < panel_width, k < depth, a
  // multiple of 4. b is packed in fours: b[k][j] is at
  // k / 4 * 4 * panel_width + 4 j + k % 4.
  void (*multiply)(const uint8_t* a, int64_t a_stride, const int8_t* b,
                   int32_t* c, int64_t c_stride, int64_t rows, int64_t depth);
};

// Null where the compiler's target or the processor does not have them.
const Int8Products* Avx512VnniProducts();

}  // namespace networks::cpu

#endif  // NETWORKS_CPU_INT8_PRODUCTS_H_
