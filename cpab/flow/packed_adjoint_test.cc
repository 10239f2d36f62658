#include "cpab/flow/packed_adjoint.h"

#include <cmath>
#include <limits>
#include <memory>
#include <vector>

#include "cpab/field/velocity_field.h"
#include "cpab/flow/flow.h"
#include "cpab/flow/packed_path.h"
#include "cpab/flow/path.h"
#include "cpab/testing/draws.h"
#include "gtest/gtest.h"

namespace cpab {
namespace {

using test_util::DrawPoints;

class PackedAdjointTest : public ::testing::TestWithParam<TessellationOptions> {
 protected:
  struct Gradients {
    Eigen::Matrix2Xd points;
    CellCoefficients cells;
  };
  Gradients PulledBack(const PathWalker& walker, const Eigen::Matrix2Xd& points,
                       const Eigen::Matrix2Xd& dl_dy) const {
    Eigen::Matrix2Xd y = points;
    std::vector<PackedArc> arcs;
    EXPECT_TRUE(WalkAndRecordTogether(walker, &y, &arcs));
    Gradients result = {
        dl_dy, CellCoefficients::Zero(basis_->tessellation().num_cells(), 6)};
    PullBackTogether(walker, SeriesOfCells(walker), arcs, &result.points,
                     &result.cells);
    return result;
  }

  const std::shared_ptr<const Basis> basis_ = Basis::Create(GetParam()).value();
};

INSTANTIATE_TEST_SUITE_P(Kinds, PackedAdjointTest,
                         ::testing::ValuesIn(test_util::AllKinds()),
                         [](const auto& info) {
                           return test_util::KindName(info.param);
                         });

// Few points go one by one in Flow::Pullback. Both round a gradient by some
// 1e-15 an arc, which the adjoint stretches by e^K at most, as the flow does.
TEST_P(PackedAdjointTest, PullsBackWhatEachPathPullsBack) {
  for (const double magnitude : {0.05, 0.5, 2.0}) {
    const VelocityField field(basis_,
                              test_util::DrawTheta(*basis_, magnitude, 1));
    const Flow flow(field);
    const Eigen::Matrix2Xd inside = DrawPoints(301, 0, 1, 2);
    const Eigen::Matrix2Xd edges =
        test_util::PointsOnEdges(basis_->tessellation(), 4);
    Eigen::Matrix2Xd points(2, inside.cols() + edges.cols());
    points << inside, edges;
    const Eigen::Matrix2Xd dl_dy =
        DrawPoints(static_cast<int>(points.cols()), -1, 1, 5);
    const Gradients together = PulledBack(PathWalker(field), points, dl_dy);
    CellCoefficients cells = CellCoefficients::Zero(together.cells.rows(), 6);
    const double bound =
        1e-13 * std::exp(test_util::GradientBound(field.cells()));
    for (Eigen::Index n = 0; n < points.cols(); ++n) {
      const FlowGradient<double> alone =
          flow.Pullback<double>(points.col(n), dl_dy.col(n));
      EXPECT_LT((together.points.col(n) - alone.points).norm(), bound) << n;
      cells += alone.cells;
    }
    // Not the cells' own: which of two cells has an arc along their edge is
    // rounding's choice, and makes no difference to theta.
    EXPECT_LT(
        (basis_->ThetaFromCells(together.cells) - basis_->ThetaFromCells(cells))
            .norm(),
        bound * points.cols());
  }
}

TEST_P(PackedAdjointTest, PointsDoNotDependOnTheCompany) {
  const PathWalker walker(
      VelocityField(basis_, test_util::DrawTheta(*basis_, 0.5, 1)));
  const Eigen::Matrix2Xd points = DrawPoints(90, 0, 1, 2);
  Eigen::Matrix2Xd dl_dy = DrawPoints(90, -1, 1, 3);
  dl_dy(0, 7) = std::numeric_limits<double>::quiet_NaN();
  const Gradients together = PulledBack(walker, points, dl_dy);
  EXPECT_TRUE(together.points.col(7).hasNaN());
  for (Eigen::Index n = 0; n < points.cols(); ++n) {
    if (n == 7) continue;
    EXPECT_EQ(together.points.col(n),
              PulledBack(walker, points.col(n), dl_dy.col(n)).points)
        << n;
  }
}

}  // namespace
}  // namespace cpab
