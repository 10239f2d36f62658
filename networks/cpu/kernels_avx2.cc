#include "networks/cpu/kernels.h"

#if defined(__x86_64__)

#if defined(__clang__)
#define NETWORKS_CPU_UNROLL _Pragma("unroll")
#pragma clang attribute push(__attribute__((target("avx2,fma"))), \
                             apply_to = function)
#else
#define NETWORKS_CPU_UNROLL _Pragma("GCC unroll 16")
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif

namespace networks::cpu {
namespace avx2 {

constexpr char kName[] = "avx2";
constexpr int kWidth = 8;
// 6 x 2 sums, two vectors of weights and one of input: 15 of 16 registers.
constexpr int kRows = 6;
#include "networks/cpu/vectors_inl.h"
#include "networks/cpu/winograd_inl.h"
// After the vectors and the transforms that it uses.
#include "networks/cpu/kernels_inl.h"

}  // namespace avx2
}  // namespace networks::cpu

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

namespace networks::cpu {

const Kernels* Avx2Kernels() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")
             ? &avx2::kKernels
             : nullptr;
}

}  // namespace networks::cpu

#else

namespace networks::cpu {
const Kernels* Avx2Kernels() { return nullptr; }
}  // namespace networks::cpu

#endif
