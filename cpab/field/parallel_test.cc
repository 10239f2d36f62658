#include "cpab/field/parallel.h"

#include <atomic>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "gtest/gtest.h"

namespace cpab {
namespace {

void ExpectEachOnce(const ParallelFor& loop) {
  std::vector<std::atomic<int>> visits(100);
  loop(100, [&](int64_t i) { ++visits[i]; });
  for (const std::atomic<int>& count : visits) EXPECT_EQ(count, 1);
}

TEST(Parallel, VisitsEachIndexOnce) {
  ExpectEachOnce(Serially);
  for (const int threads : {1, 2, 4}) ExpectEachOnce(OnThreads(threads));
}

// Whichever thread it comes from: in the calling one, others still run.
TEST(Parallel, ThrowsAgainWhatABodyThrows) {
  const ParallelFor loop = OnThreads(4);
  for (int repeat = 0; repeat < 100; ++repeat) {
    EXPECT_THROW(loop(1000,
                      [](int64_t i) {
                        if (i % 7 == 3) throw std::runtime_error("no");
                      }),
                 std::runtime_error);
  }
  ExpectEachOnce(loop);
}

}  // namespace
}  // namespace cpab
