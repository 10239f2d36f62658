#include "networks/cpu/kernels.h"

#if defined(__x86_64__)

#if defined(__clang__)
#define NETWORKS_CPU_UNROLL _Pragma("unroll")
#pragma clang attribute push(__attribute__((target("avx512f"))), \
                             apply_to = function)
#else
#define NETWORKS_CPU_UNROLL _Pragma("GCC unroll 16")
#pragma GCC push_options
#pragma GCC target("avx512f")
#endif

namespace networks::cpu {
namespace avx512 {

constexpr char kName[] = "avx512";
constexpr int kWidth = 16;
// 12 x 2 sums and two vectors of weights: 26 of 32 registers.
constexpr int kRows = 12;
#include "networks/cpu/vectors_inl.h"
#include "networks/cpu/winograd_inl.h"
// After the vectors and the transforms that it uses.
#include "networks/cpu/kernels_inl.h"

}  // namespace avx512
}  // namespace networks::cpu

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

namespace networks::cpu {

const Kernels* Avx512Kernels() {
  return __builtin_cpu_supports("avx512f") ? &avx512::kKernels : nullptr;
}

}  // namespace networks::cpu

#else

namespace networks::cpu {
const Kernels* Avx512Kernels() { return nullptr; }
}  // namespace networks::cpu

#endif
