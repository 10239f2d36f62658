#include "pipelines/media/rational.h"

#include <optional>
#include <ostream>

#include "gtest/gtest.h"

namespace pipelines::media {

// As gtest prints one.
void PrintTo(const Rational& value, std::ostream* out) {
  *out << value.num << "/" << value.den;
}

namespace {

TEST(Rational, IsEqualToWhatItIsReducedTo) {
  EXPECT_EQ((Rational{50, 2}), (Rational{25, 1}));
  EXPECT_NE((Rational{30000, 1001}), (Rational{2997, 100}));
  EXPECT_DOUBLE_EQ((Rational{30000, 1001}).value(), 30000. / 1001);
}

TEST(Rational, ComparesProductsThatNeedMoreThanThirtyTwoBits) {
  // 2^31 - 1 squared and less: 2^32 is 0 in 32 bits.
  EXPECT_NE((Rational{1 << 16, 1}), (Rational{0, 1 << 16}));
  EXPECT_EQ((Rational{2147483647, 2147483646}),
            (Rational{2147483647, 2147483646}));
}

TEST(ParseRational, TakesFractionsOfWholeNumbersAboveZero) {
  const auto parsed = ParseRational("30000/1001");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->num, 30000);
  EXPECT_EQ(parsed->den, 1001);
  EXPECT_EQ(ParseRational("30"), (Rational{30, 1}));
  for (const char* bad : {"", "/", "30/", "/1", "30/0", "0/30", "-30/-1",
                          "29.97", "1/2/3", "x", "4294967297"}) {
    EXPECT_EQ(ParseRational(bad), std::nullopt) << bad;
  }
}

TEST(ParseFrameRate, TakesFractionsAndDecimalNumbers) {
  EXPECT_EQ(ParseFrameRate("25"), (Rational{25, 1}));
  EXPECT_EQ(ParseFrameRate("29.97"), (Rational{2997, 100}));
  EXPECT_EQ(ParseFrameRate("30000/1001"), (Rational{30000, 1001}));
  EXPECT_EQ(ParseFrameRate("0.001"), (Rational{1, 1000}));
  EXPECT_EQ(ParseFrameRate("1000"), (Rational{1000, 1}));
  EXPECT_EQ(ParseFrameRate("1e2"), (Rational{100, 1}));
}

TEST(ParseFrameRate, ReducesWhatItRounds) {
  const auto parsed = ParseFrameRate("12.5");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->num, 25);
  EXPECT_EQ(parsed->den, 2);
}

TEST(ParseFrameRate, TakesNothingOutsideItsRange) {
  // 0.0001 is nothing in thousandths.
  for (const char* bad : {"", "0", "-1", "0.0001", "1000.5", "1001", "5000/1",
                          "nan", "inf", "25 frames", "30/1001/1", "30/1.5"}) {
    EXPECT_EQ(ParseFrameRate(bad), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace pipelines::media
