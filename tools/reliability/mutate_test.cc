#include "tools/reliability/mutate.h"

#include <cstdint>
#include <set>

#include "gtest/gtest.h"

namespace reliability {
namespace {

TEST(Mutated, DependsOnTheSeedAlone) {
  const std::string bytes(1000, 'x');
  std::set<std::string> different;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    std::mt19937_64 one(seed), two(seed);
    const std::string mutated = Mutated(bytes, one);
    EXPECT_EQ(mutated, Mutated(bytes, two));
    different.insert(mutated);
  }
  // Of equal bytes, some changes are none, and some cuts are alike.
  EXPECT_GT(different.size(), 150u);
}

TEST(Mutated, TakesAnyLength) {
  for (const size_t size : {0, 1, 2, 3, 5}) {
    for (uint64_t seed = 0; seed < 100; ++seed) {
      std::mt19937_64 random(seed);
      EXPECT_LE(Mutated(std::string(size, 'x'), random).size(), 16 * size);
    }
  }
}

}  // namespace
}  // namespace reliability
