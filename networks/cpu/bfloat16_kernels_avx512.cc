// Tested by networks/cpu/bfloat16_kernels_test.cc.
#include "networks/cpu/bfloat16_kernels.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

#if defined(__clang__)
#define NETWORKS_CPU_UNROLL _Pragma("unroll")
#pragma clang attribute push(__attribute__((target("avx512f,avx512bf16"))), \
                             apply_to = function)
#else
#define NETWORKS_CPU_UNROLL _Pragma("GCC unroll 16")
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bf16")
#endif

namespace networks::cpu {
namespace avx512_bfloat16 {

constexpr int kWidth = 16;
// 12 x 2 sums and two vectors of weights: 26 of 32 registers.
constexpr int kRows = 12;
#include "networks/cpu/vectors_inl.h"

// To the nearest, ties to even.
static inline void Store(Vec value, Bfloat16Bits* to) {
  const __m256bh rounded = _mm512_cvtneps_pbh(reinterpret_cast<__m512>(value));
  __builtin_memcpy(to, &rounded, sizeof(rounded));
}

// After the functions that it uses.
#include "networks/cpu/winograd_inl.h"

// sum[j] += a[0] b[j][0] + a[1] b[j][1].
static inline Vec AddProductOfPairs(Vec sum, __m512i a, __m512i b) {
  return reinterpret_cast<Vec>(_mm512_dpbf16_ps(reinterpret_cast<__m512>(sum),
                                                (__m512bh)a, (__m512bh)b));
}

// kR rows by two vectors, held in registers.
template <int kR>
static void MultiplyRows(const Bfloat16Bits* a, int64_t a_stride,
                         const Bfloat16Bits* b, float* c, int64_t c_stride,
                         int64_t depth, Ahead& ahead) {
  Vec sum[kR][2] = {};
  for (int64_t k = 0; k < depth; k += 2) {
    ahead.Fetch();
    const __m512i b0 = _mm512_loadu_si512(b);
    const __m512i b1 = _mm512_loadu_si512(b + 2 * kWidth);
    b += 4 * kWidth;
    NETWORKS_CPU_UNROLL
    for (int r = 0; r < kR; ++r) {
      const __m512i pair = _mm512_set1_epi32(FourBytesAt(a + r * a_stride + k));
      sum[r][0] = AddProductOfPairs(sum[r][0], pair, b0);
      sum[r][1] = AddProductOfPairs(sum[r][1], pair, b1);
    }
  }
  NETWORKS_CPU_UNROLL
  for (int r = 0; r < kR; ++r) {
    Store(sum[r][0], c + r * c_stride);
    Store(sum[r][1], c + r * c_stride + kWidth);
  }
}

// After MultiplyRows.
#include "networks/cpu/multiply_inl.h"

// G g G^T of one vector of outputs, of which n are left.
static inline void TransformTaps(const float* taps, int64_t columns, int64_t n,
                                 Vec* u) {
  Vec g[9];
  for (int i = 0; i < 9; ++i) g[i] = LoadFirst(taps + i * columns, n);
  Vec half[3 * kTileInputs];
  for (int r = 0; r < 3; ++r) {
    TransformThree<ReciprocalPoints>(g + 3 * r, 1, half + r * kTileInputs, 1);
  }
  for (int s = 0; s < kTileInputs; ++s) {
    TransformThree<ReciprocalPoints>(half + s, kTileInputs, u + s, kTileInputs);
  }
}

static void TransformWeights(const float* even, const float* odd,
                             int64_t columns, int64_t position_stride,
                             int64_t panel_stride, Bfloat16Bits* panels) {
  constexpr int64_t kPanelWidth = 2 * kWidth;
  const int64_t end = (columns + kPanelWidth - 1) / kPanelWidth * kPanelWidth;
  for (int64_t j = 0; j < end; j += kWidth) {
    Vec first[kTilePositions], second[kTilePositions];
    TransformTaps(even + j, columns, columns - j, first);
    TransformTaps(odd + j, columns, columns - j, second);
    Bfloat16Bits* to =
        panels + j / kPanelWidth * panel_stride + 2 * (j % kPanelWidth);
    for (int p = 0; p < kTilePositions; ++p) {
      Bfloat16Bits pair[2][kWidth];
      Store(first[p], pair[0]);
      Store(second[p], pair[1]);
      for (int i = 0; i < kWidth; ++i) {
        to[p * position_stride + 2 * i] = pair[0][i];
        to[p * position_stride + 2 * i + 1] = pair[1][i];
      }
    }
  }
}

static void TransformInput(const ConstPixels& image,
                           const ChannelAffineRelu& activation, bool upsample,
                           int64_t tile_y, int64_t tile_x, Bfloat16Bits* out,
                           int64_t position_stride) {
  TransformInputTile<ReciprocalPoints>(image, activation, upsample, tile_y,
                                       tile_x, out, position_stride);
}

static constexpr Bfloat16Kernels kKernels = {
    "avx512_bfloat16", 2 * kWidth,     Multiply,
    TransformWeights,  TransformInput, TransformOutput<ReciprocalPoints>,
};

}  // namespace avx512_bfloat16
}  // namespace networks::cpu

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

namespace networks::cpu {
namespace {

// Clang 14 does not know AVX512-BF16 in __builtin_cpu_supports.
bool HasAvx512Bfloat16() {
  if (!__builtin_cpu_supports("avx512f")) return false;
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  constexpr unsigned kBfloat16 = 1u << 5;
  return __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) != 0 &&
         (eax & kBfloat16) != 0;
}

}  // namespace

const Bfloat16Kernels* Avx512Bfloat16Kernels() {
  static const bool has = HasAvx512Bfloat16();
  return has ? &avx512_bfloat16::kKernels : nullptr;
}

}  // namespace networks::cpu

#else

namespace networks::cpu {
const Bfloat16Kernels* Avx512Bfloat16Kernels() { return nullptr; }
}  // namespace networks::cpu

#endif
