#include "networks/cpu/kernels.h"

namespace networks::cpu {

const Kernels* BestKernels() {
  static const Kernels* const best =
      Avx512Kernels() != nullptr ? Avx512Kernels() : Avx2Kernels();
  return best;
}

}  // namespace networks::cpu
