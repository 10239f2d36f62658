#include "networks/cpu/bfloat16_kernels.h"

#include "networks/cpu/instructions.h"

namespace networks::cpu {
namespace {

const Bfloat16Kernels* FindBest() {
  const Instructions most = MostInstructions();
  if (most >= Instructions::kAmxBfloat16 && AmxBfloat16Kernels() != nullptr) {
    return AmxBfloat16Kernels();
  }
  return most >= Instructions::kAvx512Bfloat16 ? Avx512Bfloat16Kernels()
                                               : nullptr;
}

}  // namespace

const Bfloat16Kernels* BestBfloat16Kernels() {
  static const Bfloat16Kernels* const best = FindBest();
  return best;
}

}  // namespace networks::cpu
