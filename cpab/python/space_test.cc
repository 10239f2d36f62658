#include "cpab/python/space.h"

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "Eigen/LU"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"

namespace cpab::python {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kPoints = 30;

// Two thetas over points of their own, [2, D, N] in C order.
class SpaceTest : public ::testing::TestWithParam<std::vector<int>> {
 protected:
  SpaceTest() {
    std::srand(1);
    theta_ = 0.3 * RowMajorMatrix::Random(2, space_->theta_size());
    points_ = 0.5 + 0.7 * Eigen::ArrayXd::Random(2 * D() * kPoints);
  }

  int D() const { return space_->dimensions(); }
  template <typename Scalar>
  PointArray<Scalar> View(Scalar* data) const {
    return {data, D() * kPoints, kPoints, 1};
  }
  Eigen::VectorXd Transform(const RowMajorMatrix& theta,
                            const Eigen::VectorXd& points) const {
    Eigen::VectorXd y(points.size());
    space_->Transform(theta, 1, kPoints, View<const double>(points.data()),
                      View<double>(y.data()), Serially);
    return y;
  }

  const std::shared_ptr<const Space> space_ =
      Space::Create(GetParam(), false, false, false).value();
  RowMajorMatrix theta_;
  Eigen::VectorXd points_;
};

INSTANTIATE_TEST_SUITE_P(Dimensions, SpaceTest,
                         ::testing::Values(std::vector<int>{5},
                                           std::vector<int>{3, 4},
                                           std::vector<int>{2, 1, 2}),
                         [](const auto& info) {
                           return std::to_string(info.param.size());
                         });

TEST_P(SpaceTest, NegatedThetaUndoesTheFlow) {
  const Eigen::VectorXd y = Transform(theta_, points_);
  EXPECT_GT((y - points_).cwiseAbs().maxCoeff(), 1e-3);
  EXPECT_LT((Transform(-theta_, y) - points_).cwiseAbs().maxCoeff(), 1e-11);
}

TEST_P(SpaceTest, CoefficientsAndVerticesGiveThetaBack) {
  EXPECT_LT(
      (space_->ThetaFromCells(space_->CellsFromTheta(theta_)) - theta_).norm(),
      1e-12);
  const Eigen::MatrixXd vertices = space_->Vertices();
  const RowMajorMatrix W = space_->VertexBasis();
  ASSERT_EQ(W.rows(), vertices.size());
  EXPECT_LT((space_->ThetaFromVertices(theta_ * W.transpose()) - theta_).norm(),
            1e-12);
  EXPECT_EQ(space_->CellCenters().cols(), space_->num_cells());
}

// Differences have kinks where a path passes a border of cells in their step.
TEST_P(SpaceTest, DerivativesAreThoseOfDifferences) {
  const int64_t d = space_->theta_size();
  std::vector<double> y(2 * kPoints * D()), dy_dx(2 * kPoints * D() * D()),
      log_det(2 * kPoints), dy_dtheta(2 * kPoints * D() * d);
  space_->Jacobians(theta_, kPoints, View<const double>(points_.data()),
                    {y.data(), dy_dx.data(), log_det.data(), dy_dtheta.data()},
                    Serially);
  const double h = 1e-6;
  const RowMajorMatrix step = RowMajorMatrix::Random(2, d);
  const Eigen::VectorXd slope = (Transform(theta_ + h * step, points_) -
                                 Transform(theta_ - h * step, points_)) /
                                (2 * h);
  std::vector<double> of_log_det(2 * kPoints);
  space_->LogDet(theta_, 1, kPoints, View<const double>(points_.data()),
                 of_log_det.data(), Serially);
  for (int64_t b = 0; b < 2; ++b) {
    for (int64_t n = 0; n < kPoints; ++n) {
      const int64_t i = b * kPoints + n;
      const Eigen::Map<const RowMajorMatrix> by_theta(
          dy_dtheta.data() + i * D() * d, D(), d);
      const Eigen::VectorXd expected = by_theta * step.row(b).transpose();
      for (int a = 0; a < D(); ++a) {
        EXPECT_NEAR(slope[(b * D() + a) * kPoints + n], expected[a], 1e-4);
      }
      const Eigen::Map<const RowMajorMatrix> by_x(dy_dx.data() + i * D() * D(),
                                                  D(), D());
      EXPECT_NEAR(log_det[i], std::log(by_x.determinant()), 1e-9);
      EXPECT_NEAR(of_log_det[i], log_det[i], 1e-12);
    }
  }
}

TEST_P(SpaceTest, PullbackIsTheGradientOfASum) {
  const Eigen::VectorXd weights = Eigen::VectorXd::Random(points_.size());
  RowMajorMatrix dl_dtheta(2, space_->theta_size());
  Eigen::VectorXd dl_dpoints(points_.size());
  space_->Pullback(theta_, 1, kPoints, View<const double>(points_.data()),
                   View<const double>(weights.data()), dl_dtheta,
                   View<double>(dl_dpoints.data()), Serially);
  const double h = 1e-6;
  const RowMajorMatrix step = RowMajorMatrix::Random(2, space_->theta_size());
  const Eigen::VectorXd move = Eigen::VectorXd::Random(points_.size());
  const double slope =
      weights.dot(Transform(theta_ + h * step, points_ + h * move) -
                  Transform(theta_ - h * step, points_ - h * move)) /
      (2 * h);
  EXPECT_NEAR(dl_dtheta.cwiseProduct(step).sum() + dl_dpoints.dot(move), slope,
              1e-3);
}

TEST(Space, NamesWhatItDoesNotHave) {
  const auto error = [](const std::vector<int>& cells, bool sparse) {
    return Space::Create(cells, false, false, sparse).status();
  };
  const auto code = absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(error({}, false), StatusIs(code, HasSubstr("along 0 axes")));
  EXPECT_THAT(error({2, 2, 2, 2}, false),
              StatusIs(code, HasSubstr("along 4 axes")));
  EXPECT_THAT(error({5}, true), StatusIs(code, HasSubstr("this has 1")));
  EXPECT_FALSE(error({0, 3}, false).ok());
}

}  // namespace
}  // namespace cpab::python
