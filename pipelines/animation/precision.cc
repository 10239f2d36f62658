#include "pipelines/animation/precision.h"

#include "absl/strings/str_cat.h"

namespace pipelines {

absl::StatusOr<Precision> ParsePrecision(const std::string& name) {
  for (const Precision precision :
       {Precision::kAuto, Precision::kFloat32, Precision::kBfloat16}) {
    if (name == PrecisionName(precision)) return precision;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("precision is '", name, "'; use auto, float32 or bfloat16"));
}

const char* PrecisionName(Precision precision) {
  switch (precision) {
    case Precision::kAuto:
      return "auto";
    case Precision::kFloat32:
      return "float32";
    case Precision::kBfloat16:
      break;
  }
  return "bfloat16";
}

bool CpuHasBfloat16() {
#if defined(__x86_64__)
  // Every processor with AMX has it, too.
  return __builtin_cpu_supports("avx512bf16");
#else
  return false;
#endif
}

}  // namespace pipelines
