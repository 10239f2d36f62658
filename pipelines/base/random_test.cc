#include "pipelines/base/random.h"

#include <set>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pipelines {
namespace {

using ::testing::ElementsAre;

// The sequence law of dataset.h promises equal samples on every machine; these
// numbers must never change, or resumed runs see other data.
TEST(Random, StreamIsFixedForAllTime) {
  Random random({1, 2, 3});
  const std::vector<uint64_t> bits = {random.Bits(), random.Bits()};
  Random again({1, 2, 3});
  EXPECT_EQ(bits[0], again.Bits());
  EXPECT_THAT(bits, ElementsAre(5099347523678025176u, 16530113727575779703u));
}

TEST(Random, KeysOfAllPartsAndOrdersDiffer) {
  std::set<uint64_t> firsts;
  for (uint64_t a = 0; a < 16; ++a) {
    for (uint64_t b = 0; b < 16; ++b) firsts.insert(Random({a, b}).Bits());
    firsts.insert(Random({a}).Bits());
  }
  EXPECT_EQ(firsts.size(), 16u * 17u);
}

TEST(Random, BelowReachesAllValuesEvenly) {
  Random random({7});
  std::vector<int> counts(6);
  constexpr int kDraws = 60000;
  for (int i = 0; i < kDraws; ++i) ++counts.at(random.Below(6));
  // Binomial with mean 10000 and deviation 91: five deviations.
  for (int count : counts) EXPECT_NEAR(count, kDraws / 6, 460);
}

TEST(Random, UniformStaysInItsRange) {
  Random random({8});
  double sum = 0;
  for (int i = 0; i < 10000; ++i) {
    const double x = random.Uniform(-2, 3);
    ASSERT_GE(x, -2);
    ASSERT_LT(x, 3);
    sum += x;
  }
  // Mean 0.5, deviation of the mean 5 / sqrt(12 * 10000) = 0.0144: five.
  EXPECT_NEAR(sum / 10000, 0.5, 0.072);
}

TEST(RandomOrder, IsAPermutationForEverySize) {
  for (int64_t n : {1, 2, 3, 4, 5, 16, 17, 57, 1000}) {
    const RandomOrder order(n, {11});
    std::vector<bool> seen(n, false);
    for (int64_t i = 0; i < n; ++i) {
      const int64_t element = order[i];
      ASSERT_GE(element, 0);
      ASSERT_LT(element, n);
      EXPECT_FALSE(seen[element]) << "n " << n << " position " << i;
      seen[element] = true;
    }
  }
}

// Each element should come first in a share 1 / n of the orders.
TEST(RandomOrder, EveryElementMayComeFirst) {
  constexpr int kElements = 5, kOrders = 20000;
  std::vector<int> first(kElements);
  for (uint64_t key = 0; key < kOrders; ++key) {
    ++first[RandomOrder(kElements, {key})[0]];
  }
  // Binomial with mean 4000 and deviation 57: five deviations.
  for (int count : first) EXPECT_NEAR(count, kOrders / kElements, 290);
}

}  // namespace
}  // namespace pipelines
