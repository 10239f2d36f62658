#include "tools/weights/diff.h"

#include <torch/types.h>

#include <cmath>
#include <limits>
#include <sstream>
#include <string>

#include "gtest/gtest.h"
#include "tools/weights/testing_weights.h"

namespace tools::weights {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

bool Same(const std::string& a, const std::string& b,
          const DiffOptions& options = {}, std::string* text = nullptr) {
  std::ostringstream out;
  const bool same = Diff(a, b, options, out).value();
  if (text != nullptr) *text = out.str();
  return same;
}

TEST(Diff, FindsNothingInAFileAndItself) {
  EXPECT_TRUE(Same(kTiny, kTiny));
  const std::string nan =
      Written("nan.safetensors", {{"w", torch::full({2}, kNan)}});
  EXPECT_TRUE(Same(nan, nan));
}

TEST(Diff, NamesWhatDiffers) {
  const std::string a = Written("a.safetensors", {{"left", torch::ones({1})},
                                                  {"same", torch::ones({1})},
                                                  {"shape", torch::ones({1})},
                                                  {"dtype", torch::ones({1})},
                                                  {"value", torch::zeros({3})},
                                                  {"nan", torch::zeros({1})}});
  const std::string b =
      Written("b.safetensors", {{"right", torch::ones({1})},
                                {"same", torch::ones({1})},
                                {"shape", torch::ones({2, 1})},
                                {"dtype", torch::ones({1}, torch::kHalf)},
                                {"value", torch::tensor({0., .5, -.25})},
                                {"nan", torch::full({1}, kNan)}});
  std::string text;
  EXPECT_FALSE(Same(a, b, {}, &text));
  EXPECT_EQ(text,
            "! dtype: dtype float32 and float16\n"
            "- left: only in " +
                a +
                "\n"
                "! nan: 1 of 1 values differ, by at most inf\n"
                "! shape: shape 1 and 2x1\n"
                "! value: 2 of 3 values differ, by at most 0.5\n"
                "+ right: only in " +
                b +
                "\n"
                "1 tensors are the same, 6 differ\n");
}

// As where a half overflowed.
TEST(Diff, CallsTheDistanceToAnInfinityInfinite) {
  const std::string a = Written("a.safetensors", {{"w", torch::ones({2})}});
  const std::string b =
      Written("b.safetensors", {{"w", torch::full({2}, INFINITY)}});
  std::string text;
  EXPECT_FALSE(Same(a, b, {}, &text));
  EXPECT_EQ(text,
            "! w: 2 of 2 values differ, by at most inf\n"
            "0 tensors are the same, 1 differ\n");
  EXPECT_TRUE(Same(b, b));
}

TEST(Diff, TellsLargeWholeNumbersApart) {
  constexpr int64_t kLarge = int64_t{1} << 60;
  const std::string a = Written(
      "a.safetensors", {{"w", torch::full({2}, kLarge, torch::kInt64)}});
  const std::string b = Written(
      "b.safetensors", {{"w", torch::full({2}, kLarge + 1, torch::kInt64)}});
  EXPECT_FALSE(Same(a, b));
  EXPECT_TRUE(Same(a, b, {1, false}));
  // In float64, this is 2^60, too.
  const std::string c = Written(
      "c.safetensors", {{"w", torch::full({2}, kLarge + 100, torch::kInt64)}});
  EXPECT_FALSE(Same(a, c, {99, false}));
  EXPECT_TRUE(Same(a, c, {100, false}));
  // Their difference is beyond int64.
  const std::string d = Written(
      "d.safetensors", {{"w", torch::full({2}, -2 * kLarge, torch::kInt64)}});
  const std::string e = Written(
      "e.safetensors", {{"w", torch::full({2}, 7 * kLarge, torch::kInt64)}});
  EXPECT_FALSE(Same(d, e, {8.9 * kLarge, false}));
  EXPECT_TRUE(Same(d, e, {9. * kLarge, false}));
}

TEST(Diff, TakesATolerance) {
  const std::string a = Written("a.safetensors", {{"w", torch::zeros({2})}});
  const std::string b =
      Written("b.safetensors", {{"w", torch::full({2}, 0.25, torch::kHalf)}});
  EXPECT_FALSE(Same(a, b, {0.5, false}));
  EXPECT_TRUE(Same(a, b, {0.25, true}));
  EXPECT_FALSE(Same(a, b, {0.125, true}));
}

}  // namespace
}  // namespace tools::weights
