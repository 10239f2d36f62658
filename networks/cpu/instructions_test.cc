#include "networks/cpu/instructions.h"

#include <cstdlib>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/cpu/bfloat16_kernels.h"
#include "networks/cpu/kernels.h"

namespace networks::cpu {
namespace {

TEST(Instructions, UnknownNamesAreErrorsThatListTheKnownOnes) {
  unsetenv(kInstructionsVariable);
  EXPECT_EQ(InstructionsError(), "");
  setenv(kInstructionsVariable, "amx_bfloat16", 1);
  EXPECT_EQ(InstructionsError(), "");
  setenv(kInstructionsVariable, "avx", 1);
  EXPECT_THAT(
      InstructionsError(),
      testing::AllOf(testing::HasSubstr("CPAB_CPU_INSTRUCTIONS is 'avx'"),
                     testing::HasSubstr("avx512_bfloat16")));
}

int CodeOfKernels() {
  const Kernels* const kernels = BestKernels();
  const int code = kernels == nullptr ? 0 : kernels == Avx2Kernels() ? 1 : 2;
  return code + (BestBfloat16Kernels() == nullptr ? 0 : 4);
}

// The limit is read once, so that each needs a process of its own.
TEST(InstructionsDeathTest, NoneAreUsedBeyondTheLimit) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  const int avx2 = Avx2Kernels() == nullptr ? 0 : 1;
  const int avx512 = Avx512Kernels() == nullptr ? avx2 : 2;
  const auto code_within = [](const char* limit) {
    setenv(kInstructionsVariable, limit, 1);
    std::exit(CodeOfKernels());
  };
  EXPECT_EXIT(code_within("none"), testing::ExitedWithCode(0), "");
  EXPECT_EXIT(code_within("avx2"), testing::ExitedWithCode(avx2), "");
  EXPECT_EXIT(code_within("avx512"), testing::ExitedWithCode(avx512), "");
}

}  // namespace
}  // namespace networks::cpu
