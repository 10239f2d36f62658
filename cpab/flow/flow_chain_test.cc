#include "cpab/flow/flow_chain.h"

#include <cmath>

#include "cpab/field/basis.h"
#include "cpab/field/parallel.h"
#include "cpab/testing/draws.h"
#include "gtest/gtest.h"

namespace cpab {
namespace {

constexpr auto kEach = FlowChain::Time::kUnitEach;
constexpr auto kTogether = FlowChain::Time::kUnitTogether;

class FlowChainTest : public ::testing::Test {
 protected:
  Eigen::MatrixXd DrawThetas(int stages, uint64_t seed) const {
    Eigen::MatrixXd thetas(basis_->theta_size(), stages);
    for (int i = 0; i < stages; ++i) {
      thetas.col(i) = test_util::DrawTheta(*basis_, 0.3, seed + i);
    }
    return thetas;
  }

  const std::shared_ptr<const Basis> basis_ = Basis::Create({3, 2}).value();
  const Eigen::Matrix2Xd points_ = test_util::DrawPoints(50, -0.2, 1.2, 1);
};

TEST_F(FlowChainTest, IsItsStagesOneAfterTheOther) {
  const Eigen::MatrixXd thetas = DrawThetas(3, 1);
  const FlowChain chain(basis_, thetas, kEach);
  Eigen::Matrix2Xd y(2, points_.cols());
  chain.Transform<double>(points_, y);
  for (int n = 0; n < points_.cols(); ++n) {
    Eigen::Vector2d x = points_.col(n);
    double log_det = 0;
    for (int i = 0; i < 3; ++i) {
      const Flow flow(basis_, thetas.col(i));
      log_det += flow.LogDetJacobian(x);
      x = flow(x);
    }
    EXPECT_EQ(chain(points_.col(n)), x);
    // Points in company take their arcs in packs.
    EXPECT_LT((y.col(n) - x).norm(), 1e-13);
    EXPECT_NEAR(chain.LogDetJacobian(points_.col(n)), log_det, 1e-14);
  }
  Eigen::Matrix2Xd threaded(2, points_.cols());
  chain.Transform<double>(points_, threaded, OnThreads(3));
  EXPECT_EQ(threaded, y);
}

TEST_F(FlowChainTest, InverseGoesBack) {
  for (const auto time : {kEach, kTogether}) {
    const FlowChain chain(basis_, DrawThetas(4, 2), time);
    Eigen::Matrix2Xd y(2, points_.cols());
    chain.Transform<double>(points_, y);
    chain.Inverse().Transform<double>(y, y);
    EXPECT_LT((y - points_).cwiseAbs().maxCoeff(), 1e-10);
  }
}

TEST_F(FlowChainTest, EqualStagesTogetherAreOneFlow) {
  const Eigen::VectorXd theta = test_util::DrawTheta(*basis_, 0.5, 3);
  const FlowChain chain(basis_, theta.replicate(1, 5), kTogether);
  const Flow flow(basis_, theta);
  for (int n = 0; n < points_.cols(); ++n) {
    EXPECT_LT((chain(points_.col(n)) - flow(points_.col(n))).norm(), 1e-12);
  }
}

TEST_F(FlowChainTest, NoStageIsTheIdentity) {
  const FlowChain chain(std::vector<Flow>{});
  EXPECT_EQ(chain(points_.col(0)), points_.col(0));
  const auto gradient = chain.Pullback<double>(points_, points_);
  EXPECT_EQ(gradient.points, points_);
  EXPECT_TRUE(gradient.cells.empty());
}

// Kinks of the second derivative leave an error of order h.
TEST_F(FlowChainTest, PullbackIsTheGradientOfAllStages) {
  const double h = 1e-6;
  const Eigen::MatrixXd thetas = DrawThetas(3, 4), along = DrawThetas(3, 14);
  const Eigen::Matrix2Xd steps = test_util::DrawPoints(50, -1, 1, 5);
  const Eigen::Matrix2Xd dl_dy = test_util::DrawPoints(50, -1, 1, 6);
  const auto loss = [&](double t) {
    Eigen::Matrix2Xd y = points_ + t * steps;
    FlowChain(basis_, thetas + t * along, kTogether).Transform<double>(y, y);
    return y.cwiseProduct(dl_dy).sum();
  };
  const FlowChain chain(basis_, thetas, kTogether);
  const auto gradient = chain.Pullback<double>(points_, dl_dy);
  double slope = gradient.points.cwiseProduct(steps).sum();
  for (int i = 0; i < 3; ++i) {
    slope += basis_->ThetaFromCells(gradient.cells[i]).dot(along.col(i)) / 3;
  }
  EXPECT_NEAR(slope, (loss(h) - loss(-h)) / (2 * h), 1e-4);
  const auto same = chain.Pullback<double>(points_, dl_dy, OnThreads(3));
  EXPECT_EQ(gradient.points, same.points);
  EXPECT_EQ(gradient.cells[0], same.cells[0]);
}

}  // namespace
}  // namespace cpab
