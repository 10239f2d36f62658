#include "cpab/flow/packed_path.h"

#include <cmath>
#include <limits>
#include <memory>
#include <vector>

#include "cpab/field/velocity_field.h"
#include "cpab/flow/affine_flow.h"
#include "cpab/flow/path.h"
#include "cpab/testing/draws.h"
#include "gtest/gtest.h"

namespace cpab {
namespace {

using test_util::DrawPoints;

class PackedPathTest : public ::testing::TestWithParam<TessellationOptions> {
 protected:
  const std::shared_ptr<const Basis> basis_ = Basis::Create(GetParam()).value();
};

INSTANTIATE_TEST_SUITE_P(Kinds, PackedPathTest,
                         ::testing::ValuesIn(test_util::AllKinds()),
                         [](const auto& info) {
                           return test_util::KindName(info.param);
                         });

// Inside, outside, on edges and at vertices; from gentle to violent. Both round
// an arc by some 1e-15, which the flow stretches by e^K at most.
TEST_P(PackedPathTest, EndsWhereEachPathEnds) {
  for (const double magnitude : {0.05, 0.5, 2.0}) {
    const VelocityField field(basis_,
                              test_util::DrawTheta(*basis_, magnitude, 1));
    const PathWalker walker(field);
    const Eigen::Matrix2Xd inside = DrawPoints(301, 0, 1, 2);
    const Eigen::Matrix2Xd around = DrawPoints(50, -0.5, 1.5, 3);
    const Eigen::Matrix2Xd edges =
        test_util::PointsOnEdges(basis_->tessellation(), 4);
    Eigen::Matrix2Xd points(2, inside.cols() + around.cols() + edges.cols());
    points << inside, around, edges;
    Eigen::Matrix2Xd y = points;
    WalkTogether(walker, &y);
    const double bound =
        1e-13 * std::exp(test_util::GradientBound(field.cells()));
    for (Eigen::Index n = 0; n < points.cols(); ++n) {
      const Eigen::Vector2d alone =
          walker.Walk(points.col(n), [](const Arc&) {});
      EXPECT_LT((y.col(n) - alone).norm(), bound) << n;
    }
  }
}

TEST_P(PackedPathTest, ResultsDoNotDependOnTheCompany) {
  const PathWalker walker(
      VelocityField(basis_, test_util::DrawTheta(*basis_, 0.5, 1)));
  Eigen::Matrix2Xd points = DrawPoints(40, -0.1, 1.1, 2);
  points(0, 7) = std::numeric_limits<double>::quiet_NaN();
  Eigen::Matrix2Xd y = points;
  WalkTogether(walker, &y);
  for (Eigen::Index n = 0; n < points.cols(); ++n) {
    Eigen::Matrix2Xd alone = points.col(n);
    WalkTogether(walker, &alone);
    if (n == 7) {
      EXPECT_TRUE(alone.array().isNaN().all());
      EXPECT_TRUE(y.col(n).array().isNaN().all());
    } else {
      EXPECT_EQ(alone, y.col(n)) << n;
    }
  }
}

// Each path's arcs take unit time, one begins where the one before ends, and
// the ends are those that are not recorded.
TEST_P(PackedPathTest, RecordsTheArcsOfEachPathInOrder) {
  const PathWalker walker(
      VelocityField(basis_, test_util::DrawTheta(*basis_, 0.5, 1)));
  const Eigen::Matrix2Xd points = DrawPoints(301, 0, 1, 2);
  Eigen::Matrix2Xd y = points, recorded = points;
  WalkTogether(walker, &y);
  std::vector<PackedArc> arcs;
  ASSERT_TRUE(WalkAndRecordTogether(walker, &recorded, &arcs));
  EXPECT_EQ(recorded, y);
  Eigen::Matrix2Xd next = points;
  Eigen::VectorXd time = Eigen::VectorXd::Zero(points.cols());
  for (const PackedArc& arc : arcs) {
    for (int i = 0; i < arc.count; ++i) {
      const int n = arc.lanes[i];
      const Eigen::Vector2d start(arc.start.x[i], arc.start.y[i]);
      const AffineFlow& flow = walker.flow(arc.cell);
      EXPECT_LT((start - next.col(n)).norm(), 1e-13);
      const MatrixFunction f = flow.Integral(arc.duration[i]);
      const Eigen::Vector2d v = flow.Velocity(start);
      next.col(n) = start + f.identity * v + f.matrix * flow.Linear(v);
      time[n] += arc.duration[i];
    }
  }
  EXPECT_LT((time.array() - 1).abs().maxCoeff(), 1e-13);
  EXPECT_LT((next - y).cwiseAbs().maxCoeff(), 1e-13);
}

// More memory than that is asked for by fields that have diverged: here by a
// rotation about the centre of 2000 radians, of which no arc takes more than 1.
TEST(PackedPath, RecordsNoMoreThanSomeArcs) {
  const auto basis = Basis::Create({3, 3}).value();
  const auto& vertices = basis->tessellation().vertices();
  Eigen::Matrix2Xd velocities(2, vertices.cols());
  velocities << -2000 * (vertices.row(1).array() - 0.5).matrix(),
      2000 * (vertices.row(0).array() - 0.5).matrix();
  const PathWalker walker(
      VelocityField(basis, basis->ThetaFromVertices(velocities)));
  Eigen::Matrix2Xd points = DrawPoints(512, 0.2, 0.8, 2);
  std::vector<PackedArc> arcs;
  EXPECT_FALSE(WalkAndRecordTogether(walker, &points, &arcs));
  EXPECT_LE(arcs.size(), kMaxPackedArcs + 512);
}

}  // namespace
}  // namespace cpab
