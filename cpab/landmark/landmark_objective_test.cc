#include "cpab/landmark/landmark_objective.h"

#include <cstdlib>
#include <memory>

#include "gtest/gtest.h"

namespace cpab {
namespace {

// Three pairs in the cube, over a dense and over a sparse basis.
class LandmarkObjectiveTest : public ::testing::TestWithParam<bool> {
 protected:
  LandmarkObjectiveTest() {
    pairs_.from.resize(3, 3);
    pairs_.from << 0.2, 0.5, 0.7, 0.3, 0.6, 0.4, 0.8, 0.2, 0.5;
    pairs_.to = pairs_.from.array() + 0.05;
    pairs_.to(0, 1) -= 0.1;
    pairs_.weights.resize(3);
    pairs_.weights << 1, 2, 0.5;
    pairs_.index = {0, 1, 2};
    std::srand(1);
    theta_ = 0.1 * Eigen::VectorXd::Random(model_->theta_size());
  }

  const FitOptions options_;
  const std::shared_ptr<const LandmarkModel> model_ =
      LandmarkModel::Create(
          VolumeBasis::Create({2, 2, 2, true, false, GetParam()}).value(), {},
          2)
          .value();
  CountedPairs pairs_;
  Eigen::VectorXd theta_;
};

INSTANTIATE_TEST_SUITE_P(Bases, LandmarkObjectiveTest, ::testing::Bool(),
                         [](const auto& info) {
                           return info.param ? "sparse" : "dense";
                         });

TEST_P(LandmarkObjectiveTest, GradientIsTheSlopeOfTheCost) {
  const LandmarkObjective objective(*model_, options_, pairs_, 3);
  const Eigen::VectorXd gradient = objective.Gradient(objective.At(theta_));
  for (int i = 0; i < 5; ++i) {
    const Eigen::VectorXd along = Eigen::VectorXd::Random(theta_.size());
    const double h = 1e-5;
    const double slope = (objective.At(theta_ + h * along).cost -
                          objective.At(theta_ - h * along).cost) /
                         (2 * h);
    EXPECT_NEAR(gradient.dot(along), slope, 1e-7 * gradient.norm());
  }
}

TEST_P(LandmarkObjectiveTest, PullbackIsTheTransposeOfTheDerivatives) {
  const LandmarkObjective objective(*model_, options_, pairs_, 3);
  const FlowAtLandmarks flow = objective.FlowAt(theta_);
  EXPECT_LT((model_->Transform(theta_, pairs_.from) - flow.y).norm(), 1e-14);
  const Eigen::MatrixXd f = Eigen::MatrixXd::Random(3, 3);
  const LandmarkPullback pullback = objective.Pullback(theta_, f);
  EXPECT_LT((pullback.theta - flow.dy_dtheta.transpose() * Flat(f)).norm(),
            1e-13);
  for (int k = 0; k < 3; ++k) {
    EXPECT_LT((pullback.points.col(k) -
               flow.dy_dx.middleRows(3 * k, 3).transpose() * f.col(k))
                  .norm(),
              1e-13);
  }
}

// The Hessian of the norm is the slope of the forces, and its inverse undoes
// it.
TEST_P(LandmarkObjectiveTest, HessianOfTheNormHasItsInverse) {
  const LandmarkObjective objective(*model_, options_, pairs_, 3);
  const Eigen::MatrixXd r = 1e-3 * Eigen::MatrixXd::Random(3, 3);
  for (int i = 0; i < 9; ++i) {
    const Eigen::VectorXd unit = Eigen::VectorXd::Unit(9, i);
    const Eigen::MatrixXd step = 1e-9 * Columns(unit, 3);
    const Eigen::VectorXd slope =
        (objective.Forces(r + step) - objective.Forces(r - step)) / 2e-9;
    const Eigen::VectorXd product = objective.HessianTimes(r, unit);
    EXPECT_LT((product - slope).norm(), 1e-5 * slope.norm());
    const Eigen::VectorXd back =
        objective.Compliance(r).cwiseProduct(product) +
        Flat(r).dot(product) / objective.OuterDivisor(r) * Flat(r);
    EXPECT_LT((back - unit).norm(), 1e-9);
  }
}

}  // namespace
}  // namespace cpab
