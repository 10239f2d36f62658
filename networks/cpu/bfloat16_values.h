// What tests of kernels in bfloat16 share: numbers that it holds exactly.
#ifndef NETWORKS_CPU_BFLOAT16_VALUES_H_
#define NETWORKS_CPU_BFLOAT16_VALUES_H_

#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include "networks/cpu/bfloat16_kernels.h"

namespace networks::cpu {

inline float ValueOf(Bfloat16Bits bits) {
  const uint32_t wide = uint32_t{bits} << 16;
  float value;
  std::memcpy(&value, &wide, sizeof(value));
  return value;
}

// Whole numbers in [-128, 127], which a bfloat16 holds exactly, and float32 the
// sums of some hundred of their products.
inline std::vector<Bfloat16Bits> RandomWhole(int64_t size, int seed) {
  std::mt19937 random(static_cast<uint32_t>(seed));
  std::uniform_int_distribution<int> values(-128, 127);
  std::vector<Bfloat16Bits> result(static_cast<size_t>(size));
  for (Bfloat16Bits& bits : result) {
    const auto value = static_cast<float>(values(random));
    uint32_t wide;
    std::memcpy(&wide, &value, sizeof(wide));
    bits = static_cast<Bfloat16Bits>(wide >> 16);
  }
  return result;
}

}  // namespace networks::cpu

#endif  // NETWORKS_CPU_BFLOAT16_VALUES_H_
