#include "networks/cpu/instructions.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <cstdlib>
#include <optional>

namespace networks::cpu {
namespace {

constexpr struct {
  const char* name;
  Instructions value;
} kNames[] = {
    {"none", Instructions::kNone},
    {"avx2", Instructions::kAvx2},
    {"avx512", Instructions::kAvx512},
    {"avx512_bfloat16", Instructions::kAvx512Bfloat16},
    {"amx_bfloat16", Instructions::kAmxBfloat16},
};

std::optional<Instructions> InstructionsNamed(const std::string& name) {
  for (const auto& known : kNames) {
    if (name == known.name) return known.value;
  }
  return std::nullopt;
}

std::string Variable() {
  const char* const value = std::getenv(kInstructionsVariable);
  return value == nullptr ? "" : value;
}

}  // namespace

Instructions MostInstructions() {
  static const Instructions most =
      InstructionsNamed(Variable()).value_or(Instructions::kAmxBfloat16);
  return most;
}

std::string InstructionsError() {
  const std::string name = Variable();
  if (name.empty() || InstructionsNamed(name)) return "";
  std::string error = std::string("the environment variable ") +
                      kInstructionsVariable + " is '" + name + "'; use one of";
  for (const auto& known : kNames) error += std::string(" ") + known.name;
  return error;
}

std::string InstructionsOfProcessor() {
  std::string names;
  const auto add = [&names](bool has, const char* name) {
    if (has) names += (names.empty() ? "" : " ") + std::string(name);
  };
#if defined(__x86_64__)
  add(__builtin_cpu_supports("avx2"), "avx2");
  add(__builtin_cpu_supports("fma"), "fma");
  add(__builtin_cpu_supports("avx512f"), "avx512f");
  // Clang 14 does not know the others by name.
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0) {
    add((ecx & (1u << 11)) != 0, "avx512_vnni");
    add((edx & (1u << 24)) != 0, "amx_tile");
    add((edx & (1u << 22)) != 0, "amx_bf16");
    add((edx & (1u << 25)) != 0, "amx_int8");
  }
  if (__get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) != 0) {
    add((eax & (1u << 5)) != 0, "avx512_bf16");
  }
#endif
  return names.empty() ? "none" : names;
}

}  // namespace networks::cpu
