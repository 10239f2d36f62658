// Which of the processor's vector instructions the kernels of this folder may
// use.
//
// A frame's bits depend on the instruction set: with a lower limit a processor
// makes the frames of an older one. And on one machine, times of all can be
// measured.
#ifndef NETWORKS_CPU_INSTRUCTIONS_H_
#define NETWORKS_CPU_INSTRUCTIONS_H_

#include <string>

namespace networks::cpu {

// From few to many. kNone: LibTorch's operators.
enum class Instructions {
  kNone,
  kAvx2,
  kAvx512,
  kAvx512Bfloat16,
  kAmxBfloat16
};

// The environment variable that says the most to be used: "none", "avx2",
// "avx512", "avx512_bfloat16" or "amx_bfloat16".
inline constexpr char kInstructionsVariable[] = "CPAB_CPU_INSTRUCTIONS";

// What the variable names; without it amx_bfloat16, which is all there are.
// Read once. An unknown name counts as if the variable were not set;
// InstructionsError says so.
Instructions MostInstructions();

// What is wrong with the variable, in words for its user; empty if nothing.
std::string InstructionsError();

// The names of those that this processor has, of the ones above and of their
// parts, separated by spaces; "none" if it has none of them.
std::string InstructionsOfProcessor();

}  // namespace networks::cpu

#endif  // NETWORKS_CPU_INSTRUCTIONS_H_
