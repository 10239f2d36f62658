#include "pipelines/base/peak_memory.h"

#include <cstddef>
#include <vector>

#include "gtest/gtest.h"

namespace pipelines {
namespace {

TEST(PeakMemoryMb, GrowsByWhatIsHeld) {
  EXPECT_GT(PeakMemoryMb(), 0);
  constexpr size_t kBytes = 64 << 20;
  std::vector<char> memory(kBytes);
  // So that the compiler cannot do without it.
  volatile char* const held = memory.data();
  for (size_t i = 0; i < kBytes; i += 1024) held[i] = 1;
  EXPECT_GE(PeakMemoryMb(), 64);
  EXPECT_LT(PeakMemoryMb(), 8192);  // no smaller unit
}

}  // namespace
}  // namespace pipelines
