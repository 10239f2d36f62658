#include "pipelines/animation/precision.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace pipelines {

absl::StatusOr<Precision> ParsePrecision(const std::string& name) {
  for (const Precision precision :
       {Precision::kAuto, Precision::kFloat32, Precision::kBfloat16,
        Precision::kFloat16}) {
    if (name == PrecisionName(precision)) return precision;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "precision is '", name, "'; use auto, float32, bfloat16 or float16"));
}

const char* PrecisionName(Precision precision) {
  switch (precision) {
    case Precision::kAuto:
      return "auto";
    case Precision::kFloat32:
      return "float32";
    case Precision::kFloat16:
      return "float16";
    case Precision::kBfloat16:
      break;
  }
  return "bfloat16";
}

bool CpuHasBfloat16Matrices() {
#if defined(__x86_64__)
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  constexpr unsigned kOsSavesMore = 1u << 27;  // OSXSAVE
  if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) == 0 ||
      (ecx & kOsSavesMore) == 0) {
    return false;
  }
  constexpr unsigned kBfloat16 = 1u << 22, kTiles = 1u << 24;
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) == 0 ||
      (edx & kBfloat16) == 0 || (edx & kTiles) == 0) {
    return false;
  }
  // The system has to save the tiles, too: bits 17 and 18 of XCR0. In assembly,
  // since the intrinsic needs a file compiled for newer processors.
  unsigned low = 0, high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  constexpr unsigned kTileState = 3u << 17;
  return (low & kTileState) == kTileState;
#else
  return false;
#endif
}

Precision ChoosePrecision(Precision asked, bool on_cpu,
                          bool cpu_has_bfloat16_matrices) {
  if (asked != Precision::kAuto) return asked;
  return on_cpu && cpu_has_bfloat16_matrices ? Precision::kBfloat16
                                             : Precision::kFloat32;
}

}  // namespace pipelines
