#include "cpab/batch/basis_prior.h"

#include <cmath>
#include <random>

#include "Eigen/Core"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"

namespace cpab {
namespace {

using ::testing::HasSubstr;

// The energy of samples has mean d and variance 2 d: of 100.
template <typename AnyBasis>
void ExpectSamplesOfTheirEnergy(const AnyBasis& basis) {
  const auto prior = SparsePriorOf(basis, {}).value();
  const double d = basis.theta_size();
  ASSERT_EQ(prior->theta_size(), d);
  std::mt19937_64 generator(1);
  double mean = 0;
  for (int i = 0; i < 100; ++i) {
    mean += prior->Energy(prior->Sample(generator)) / 100;
  }
  EXPECT_NEAR(mean, d, 5 * std::sqrt(2 * d / 100));
}

TEST(BasisPrior, DrawsFieldsOfThePlaneAndOfSpace) {
  for (const bool zero_boundary : {false, true}) {
    ExpectSamplesOfTheirEnergy(
        *Basis::Create({5, 4, zero_boundary, false, true}).value());
    ExpectSamplesOfTheirEnergy(
        *VolumeBasis::Create({4, 3, 5, zero_boundary, false, true}).value());
  }
}

TEST(BasisPrior, IsOfTheBasisKind) {
  EXPECT_NE(BasisPriorOf(*IntervalBasis::Create({4}).value(), {})->dense,
            nullptr);
  for (const bool sparse : {false, true}) {
    const auto plane = Basis::Create({3, 3, false, false, sparse}).value();
    const auto volume =
        VolumeBasis::Create({2, 2, 2, false, false, sparse}).value();
    for (const BasisPrior& prior : {BasisPriorOf(*plane, {}).value(),
                                    BasisPriorOf(*volume, {}).value()}) {
      EXPECT_EQ(prior.sparse != nullptr, sparse);
      EXPECT_EQ(prior.dense != nullptr, !sparse);
    }
    EXPECT_GT(BasisPriorOf(*plane, {})
                  ->Energy(Eigen::VectorXd::Ones(plane->theta_size())),
              0);
  }
}

TEST(BasisPrior, WantsASparseBasis) {
  const auto error = [](const auto& basis) {
    return SparsePriorOf(basis, {}).status();
  };
  const auto expected = StatusIs(absl::StatusCode::kInvalidArgument,
                                 HasSubstr("not stored sparsely"));
  EXPECT_THAT(error(*IntervalBasis::Create({4}).value()), expected);
  EXPECT_THAT(error(*Basis::Create({2, 2}).value()), expected);
  EXPECT_THAT(error(*VolumeBasis::Create({2, 2, 2}).value()), expected);
}

}  // namespace
}  // namespace cpab
