#include "cpab/landmark/landmark_curvature.h"

#include <cstdlib>
#include <memory>

#include "cpab/landmark/landmark_model.h"
#include "cpab/landmark/landmark_objective.h"
#include "gtest/gtest.h"

namespace cpab {
namespace {

struct Cells {
  const char* name;
  int side;
  bool sparse;
};

// A small move, and a pull so weak that the Hessian is positive definite.
class LandmarkCurvatureTest : public ::testing::TestWithParam<Cells> {
 protected:
  LandmarkCurvatureTest() {
    pairs_.from.resize(2, 3);
    pairs_.from << 0.2, 0.5, 0.7, 0.3, 0.6, 0.4;
    pairs_.to = pairs_.from.array() + 0.02;
    pairs_.weights.setOnes(3);
    pairs_.index = {0, 1, 2};
    std::srand(1);
    theta_ = 0.05 * Eigen::VectorXd::Random(model_->theta_size());
  }

  FitOptions options_;
  const std::shared_ptr<const LandmarkModel> model_ =
      LandmarkModel::Create(Basis::Create({GetParam().side, GetParam().side,
                                           true, false, GetParam().sparse})
                                .value(),
                            {}, 1)
          .value();
  CountedPairs pairs_;
  Eigen::VectorXd theta_;
};

// 322 numbers, the last, are too many for matrices.
INSTANTIATE_TEST_SUITE_P(Bases, LandmarkCurvatureTest,
                         ::testing::Values(Cells{"dense", 3, false},
                                           Cells{"sparse", 3, true},
                                           Cells{"long_dense", 9, false}),
                         [](const auto& info) { return info.param.name; });

// (Hess E) x = b, Hess E by differences of the gradient. Residuals are far
// above the least noise.
TEST_P(LandmarkCurvatureTest, SolvesWithTheHessian) {
  for (const double noise : {2e-4, 2e-4, 1e-12, 1e-12}) {
    options_.noise = noise;
    const LandmarkObjective objective(*model_, options_, pairs_,
                                      /*tension=*/0.1);
    const auto curvature = LandmarkCurvature::Create(objective, theta_);
    EXPECT_EQ(curvature->gradient(), objective.Gradient(objective.At(theta_)));
    const Eigen::VectorXd b = Eigen::VectorXd::Random(theta_.size());
    const CurvatureSolution solution = curvature->Solve(b);
    EXPECT_GT(solution.least_curvature, 0.1);
    const double h = 1e-6 / solution.x.norm();
    const Eigen::VectorXd product =
        (objective.Gradient(objective.At(theta_ + h * solution.x)) -
         objective.Gradient(objective.At(theta_ - h * solution.x))) /
        (2 * h);
    EXPECT_LT((product - b).norm(), 1e-4 * b.norm());
  }
}

}  // namespace
}  // namespace cpab
