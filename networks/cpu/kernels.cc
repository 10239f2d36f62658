#include "networks/cpu/kernels.h"

#include "networks/cpu/instructions.h"

namespace networks::cpu {
namespace {

const Kernels* FindBest() {
  const Instructions most = MostInstructions();
  if (most >= Instructions::kAvx512 && Avx512Kernels() != nullptr) {
    return Avx512Kernels();
  }
  return most >= Instructions::kAvx2 ? Avx2Kernels() : nullptr;
}

}  // namespace

const Kernels* BestKernels() {
  static const Kernels* const best = FindBest();
  return best;
}

}  // namespace networks::cpu
