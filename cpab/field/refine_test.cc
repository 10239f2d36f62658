#include "cpab/field/refine.h"

#include "cpab/flow/flow.h"
#include "cpab/testing/draws.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"

namespace cpab {
namespace {

using ::testing::HasSubstr;

class RefineTest : public ::testing::TestWithParam<TessellationOptions> {};

INSTANTIATE_TEST_SUITE_P(Kinds, RefineTest,
                         ::testing::ValuesIn(test_util::AllKinds()),
                         [](const auto& info) {
                           return test_util::KindName(info.param);
                         });

TEST_P(RefineTest, TheFieldAndItsFlowStay) {
  const auto coarse = Basis::Create(GetParam()).value();
  const Eigen::VectorXd theta = test_util::DrawTheta(*coarse, 0.5, 1);
  const Eigen::Matrix2Xd points = test_util::DrawPoints(300, -0.4, 1.4, 2);
  for (const int factor : {2, 3}) {
    TessellationOptions options = GetParam();
    options.nx *= factor;
    options.ny *= factor;
    const auto fine = Basis::Create(options).value();
    const auto refined = RefineTheta(*coarse, theta, *fine);
    ASSERT_THAT(refined, IsOk());
    const Flow coarse_flow(coarse, theta), fine_flow(fine, *refined);
    for (const auto& x : points.colwise()) {
      // Rounding of the coefficients, of order 10.
      EXPECT_LT((coarse_flow.field()(x) - fine_flow.field()(x)).norm(), 1e-12);
      EXPECT_LT((coarse_flow(x) - fine_flow(x)).norm(), 1e-11);
    }
  }
}

TEST(RefineErrors, TessellationsThatDoNotNestAreNamed) {
  const auto coarse = Basis::Create({4, 4}).value();
  const Eigen::VectorXd theta = Eigen::VectorXd::Zero(coarse->theta_size());
  for (const TessellationOptions& options :
       {TessellationOptions{6, 6}, TessellationOptions{8, 4},
        TessellationOptions{2, 2}, TessellationOptions{8, 8, true, false}}) {
    const auto fine = Basis::Create(options).value();
    EXPECT_THAT(RefineTheta(*coarse, theta, *fine),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("a field on 4x4 cells cannot be had on")));
  }
}

}  // namespace
}  // namespace cpab
