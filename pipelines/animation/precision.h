// In which numbers the networks compute during animation.
#ifndef PIPELINES_ANIMATION_PRECISION_H_
#define PIPELINES_ANIMATION_PRECISION_H_

#include <string>

#include "absl/status/statusor.h"

namespace pipelines {

enum class Precision {
  // kBfloat16 on a CPU with matrix units for it, else kFloat32: by the
  // processor alone, so that one machine makes the same frames every time.
  kAuto,
  // On the CPU by the kernels of networks/cpu.
  kFloat32,
  // The products of the inpainting network's convolutions, nine tenths of the
  // work, in bfloat16: on a CPU with AVX512-BF16 by the kernels of
  // networks/cpu, elsewhere by LibTorch's autocast. All that says where a pixel
  // comes from stays float32: eight bits would move it. Runs on any processor,
  // but slowly where it has no units for it.
  kBfloat16,
  // The same in float16, which GPUs before Ampere have, too. Not on the CPU.
  kFloat16,
};

// "auto", "float32", "bfloat16" or "float16". InvalidArgument for anything
// else.
absl::StatusOr<Precision> ParsePrecision(const std::string& name);
const char* PrecisionName(Precision precision);

// Whether this processor has matrix units for bfloat16 that programs may use
// (AMX-BF16). Vector instructions for it (AVX512-BF16) do not count, though
// they are faster than float32: whoever did not ask for bfloat16 gets float32's
// frames there.
bool CpuHasBfloat16Matrices();

// What `asked` stands for: itself, or what kAuto chooses where networks run on
// the CPU (`on_cpu`) and that has matrix units. Never kAuto.
Precision ChoosePrecision(
    Precision asked, bool on_cpu,
    bool cpu_has_bfloat16_matrices = CpuHasBfloat16Matrices());

}  // namespace pipelines

#endif  // PIPELINES_ANIMATION_PRECISION_H_
