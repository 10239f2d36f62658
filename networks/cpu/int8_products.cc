#include "networks/cpu/int8_products.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

#if defined(__clang__)
#define NETWORKS_CPU_UNROLL _Pragma("unroll")
#pragma clang attribute push(__attribute__((target("avx512f,avx512vnni"))), \
                             apply_to = function)
#else
#define NETWORKS_CPU_UNROLL _Pragma("GCC unroll 16")
#pragma GCC push_options
#pragma GCC target("avx512f,avx512vnni")
#endif

namespace networks::cpu {
namespace avx512_vnni {

constexpr int kWidth = 16;
// 12 x 2 sums and two vectors of weights: 26 of 32 registers.
constexpr int kRows = 12;

#include "networks/cpu/vectors_inl.h"

// kR rows by two vectors, held in registers.
template <int kR>
static void MultiplyRows(const uint8_t* a, int64_t a_stride, const int8_t* b,
                         int32_t* c, int64_t c_stride, int64_t depth,
                         Ahead& ahead) {
  __m512i sum[kR][2] = {};
  for (int64_t k = 0; k < depth; k += 4) {
    ahead.Fetch();
    const __m512i b0 = _mm512_loadu_si512(b);
    const __m512i b1 = _mm512_loadu_si512(b + 4 * kWidth);
    b += 8 * kWidth;
    NETWORKS_CPU_UNROLL
    for (int r = 0; r < kR; ++r) {
      const __m512i four = _mm512_set1_epi32(FourBytesAt(a + r * a_stride + k));
      sum[r][0] = _mm512_dpbusd_epi32(sum[r][0], four, b0);
      sum[r][1] = _mm512_dpbusd_epi32(sum[r][1], four, b1);
    }
  }
  NETWORKS_CPU_UNROLL
  for (int r = 0; r < kR; ++r) {
    _mm512_storeu_si512(c + r * c_stride, sum[r][0]);
    _mm512_storeu_si512(c + r * c_stride + kWidth, sum[r][1]);
  }
}

// After MultiplyRows.
#include "networks/cpu/multiply_inl.h"

static constexpr Int8Products kProducts = {"avx512_vnni", 2 * kWidth, Multiply};

}  // namespace avx512_vnni
}  // namespace networks::cpu

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

namespace networks::cpu {

const Int8Products* Avx512VnniProducts() {
  if (!__builtin_cpu_supports("avx512f")) return nullptr;
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  constexpr unsigned kVnni = 1u << 11;
  return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 &&
                 (ecx & kVnni) != 0
             ? &avx512_vnni::kProducts
             : nullptr;
}

}  // namespace networks::cpu

#else

namespace networks::cpu {
const Int8Products* Avx512VnniProducts() { return nullptr; }
}  // namespace networks::cpu

#endif
