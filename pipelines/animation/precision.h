// In which numbers the networks compute during animation.
#ifndef PIPELINES_ANIMATION_PRECISION_H_
#define PIPELINES_ANIMATION_PRECISION_H_

#include <string>

#include "absl/status/statusor.h"

namespace pipelines {

enum class Precision {
  // Where the processor has units for bfloat16, the faster of the two on a
  // first frame; else float32.
  kAuto,
  // On the CPU by the kernels of networks/cpu.
  kFloat32,
  // The inpainting network's convolutions, nine tenths of the work, in bfloat16
  // by LibTorch's autocast. All that says where a pixel comes from stays
  // float32: eight bits would move it. Runs on any processor, but slowly where
  // it has no units for it.
  kBfloat16,
};

// "auto", "float32" or "bfloat16". InvalidArgument for anything else.
absl::StatusOr<Precision> ParsePrecision(const std::string& name);
const char* PrecisionName(Precision precision);

// Whether this processor multiplies bfloat16 itself (AVX512-BF16, AMX).
bool CpuHasBfloat16();

}  // namespace pipelines

#endif  // PIPELINES_ANIMATION_PRECISION_H_
