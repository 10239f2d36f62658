#include "pipelines/animation/precision.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

constexpr Precision kAll[] = {Precision::kAuto, Precision::kFloat32,
                              Precision::kBfloat16, Precision::kFloat16};

TEST(ParsePrecision, IsTheInverseOfPrecisionName) {
  for (const Precision precision : kAll) {
    const auto parsed = ParsePrecision(PrecisionName(precision));
    ASSERT_THAT(parsed, IsOk());
    EXPECT_EQ(*parsed, precision);
  }
  EXPECT_THAT(
      ParsePrecision("half"),
      StatusIs(absl::StatusCode::kInvalidArgument,
               testing::HasSubstr("use auto, float32, bfloat16 or float16")));
}

TEST(ChoosePrecision, KeepsWhatIsAskedFor) {
  for (const bool on_cpu : {false, true}) {
    for (const bool has_matrices : {false, true}) {
      for (const Precision asked :
           {Precision::kFloat32, Precision::kBfloat16, Precision::kFloat16}) {
        EXPECT_EQ(ChoosePrecision(asked, on_cpu, has_matrices), asked);
      }
    }
  }
}

TEST(ChoosePrecision, TakesBfloat16OnlyOnACpuWithMatrixUnits) {
  const auto choice = [](bool on_cpu, bool has_matrices) {
    return ChoosePrecision(Precision::kAuto, on_cpu, has_matrices);
  };
  EXPECT_EQ(choice(true, true), Precision::kBfloat16);
  EXPECT_EQ(choice(true, false), Precision::kFloat32);
  EXPECT_EQ(choice(false, true), Precision::kFloat32);
  EXPECT_EQ(choice(false, false), Precision::kFloat32);
}

}  // namespace
}  // namespace pipelines
