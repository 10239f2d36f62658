// The arithmetic of the kernels, in float and in double, against the flow that
// is computed in double (cpab/flow).
//
// Errors. An arc rounds its displacement and the time at which it ends by a few
// epsilon, and leaves its cell up to 16 epsilon of the cell's size late; later
// arcs amplify that by e^K at most, K a bound on the velocity's gradient. A
// path has up to some ten arcs on the grids below: 90 epsilon e^K, which is the
// bound that cpab/flow/flow_test.cc has in double.
#include "cpab/cuda/flow_arrays.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "Eigen/Dense"
#include "cpab/cuda/grid.h"
#include "cpab/field/basis.h"
#include "cpab/flow/flow.h"
#include "cpab/testing/draws.h"
#include "cpab/testing/flow_laws.h"
#include "cpab/testing/golden_file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"

namespace cpab::kernels {
namespace {

using test_util::DrawPoints;
using test_util::DrawTheta;
using test_util::GoldenPoints;

template <typename Real>
constexpr double kPathRounding = 90 * Precision<Real>::kEpsilon;

template <typename Real>
using Columns = Eigen::Matrix<Real, 2, Eigen::Dynamic>;

double MaxDifference(const Eigen::MatrixXd& a, const Eigen::MatrixXd& b) {
  return a.size() == 0 ? 0 : (a - b).cwiseAbs().maxCoeff();
}

// One field of a basis under points, or several fields one after another.
template <typename Real>
class Batch {
 public:
  explicit Batch(const Basis& basis)
      : grid_{basis.tessellation().options().nx,
              basis.tessellation().options().ny,
              basis.tessellation().options().zero_boundary},
        basis_(basis) {}

  void Add(const Eigen::VectorXd& theta) {
    const Eigen::Matrix2Xd u = basis_.VerticesFromTheta(theta);
    for (const double velocity : u.reshaped()) {
      velocities_.push_back(static_cast<Real>(velocity));
    }
  }

  // points: [2, N] for all fields or [2, B N].
  Columns<Real> Transform(const Columns<Real>& points, bool are_shared) const {
    const FlowBatch<Real> flows = FlowsOf(points, are_shared);
    Columns<Real> y(2, flows.batch * flows.count);
    TransformOnHost(flows, y.data());
    return y;
  }

  struct Gradient {
    Columns<Real> points;
    Eigen::MatrixXd velocities;  // [2 vertices, B]
  };
  Gradient Pullback(const Columns<Real>& points, const Columns<Real>& dl_dy,
                    bool are_shared) const {
    const FlowBatch<Real> flows = FlowsOf(points, are_shared);
    Gradient gradient;
    gradient.points.resize(2, flows.batch * flows.count);
    gradient.velocities.setConstant(2 * grid_.num_vertices(), flows.batch,
                                    std::nan(""));
    PullbackOnHost(flows, dl_dy.data(), gradient.points.data(),
                   gradient.velocities.data());
    return gradient;
  }

 private:
  FlowBatch<Real> FlowsOf(const Columns<Real>& points, bool are_shared) const {
    const int64_t batch =
        static_cast<int64_t>(velocities_.size()) / (2 * grid_.num_vertices());
    return {grid_,
            batch,
            are_shared ? points.cols() : points.cols() / batch,
            velocities_.data(),
            points.data(),
            are_shared};
  }

  Grid grid_;
  const Basis& basis_;
  std::vector<Real> velocities_;
};

template <typename Real>
Eigen::Matrix2Xd Transformed(const Basis& basis, const Eigen::VectorXd& theta,
                             const Eigen::Matrix2Xd& points) {
  Batch<Real> batch(basis);
  batch.Add(theta);
  return batch.Transform(points.cast<Real>(), true).template cast<double>();
}

struct Gradients {
  Eigen::Matrix2Xd points;
  Eigen::VectorXd theta;
};

// `bound` is relative to the largest element and at least 1.
void ExpectNear(const Gradients& actual, const Gradients& expected,
                double bound) {
  const Eigen::Index count = expected.points.cols();
  const Eigen::VectorXd norms =
      (actual.points - expected.points).colwise().norm();
  std::vector<double> errors(norms.begin(), norms.end());
  std::sort(errors.begin(), errors.end());
  const double size = 1 + expected.points.cwiseAbs().maxCoeff();
  EXPECT_LT(errors[count / 2], bound * size);
  EXPECT_LT(errors.back(), 10 * count * bound * size);
  EXPECT_LT(MaxDifference(actual.theta, expected.theta),
            10 * count * bound * (1 + expected.theta.cwiseAbs().maxCoeff()));
}

class FlowBatchTest : public ::testing::TestWithParam<TessellationOptions> {
 protected:
  static constexpr int kDraws = 20;

  // From a standard deviation of 0.01 to 2.
  Eigen::VectorXd Theta(int draw) const {
    return DrawTheta(*basis_, 0.01 * std::pow(200, draw / double(kDraws - 1)),
                     draw);
  }
  // Rounded to float, so that both precisions start from the same.
  Eigen::Matrix2Xd Points(int draw) const {
    const Eigen::Matrix2Xd edges =
        test_util::PointsOnEdges(basis_->tessellation(), draw);
    Eigen::Matrix2Xd points(2, 60 + edges.cols());
    points << DrawPoints(60, -0.3, 1.3, draw), edges;
    return points.cast<float>().cast<double>();
  }
  double Stretch(const Eigen::VectorXd& theta) const {
    return std::exp(test_util::GradientBound(basis_->CellsFromTheta(theta)));
  }

  template <typename Real>
  void ExpectLaws() const {
    const test_util::FlowUnderTest flow = {
        [this](const Eigen::VectorXd& theta,
               const Eigen::MatrixXd& points) -> Eigen::MatrixXd {
          return Transformed<Real>(*basis_, theta, points);
        },
        [this](const Eigen::VectorXd& theta) {
          return test_util::GradientBound(basis_->CellsFromTheta(theta));
        },
        [](const Eigen::VectorXd&) { return kPathRounding<Real>; }};
    for (int draw = 0; draw < kDraws; ++draw) {
      SCOPED_TRACE(draw);
      test_util::ExpectFlowLaws(flow, {Theta(draw), Points(draw)});
      if (GetParam().zero_boundary) {
        test_util::ExpectCubeOntoItself(
            flow, {Theta(draw), Points(draw).cwiseMax(0).cwiseMin(1)});
      }
    }
  }

  template <typename Real>
  void ExpectNearFlow() const {
    for (int draw = 0; draw < kDraws; ++draw) {
      const Eigen::VectorXd theta = Theta(draw);
      const Eigen::Matrix2Xd points = Points(draw);
      Eigen::Matrix2Xd expected(2, points.cols());
      Flow(basis_, theta).Transform<double>(points, expected);
      EXPECT_LT(
          MaxDifference(Transformed<Real>(*basis_, theta, points), expected),
          kPathRounding<Real> * Stretch(theta) *
              (1 + expected.cwiseAbs().maxCoeff()))
          << draw;
    }
  }

  // At random points: on an edge or a vertex the gradient depends on the side
  // that rounding puts a path on.
  template <typename Real>
  void ExpectPullbackNearFlow() const {
    for (int draw = 0; draw < kDraws; ++draw) {
      const Eigen::VectorXd theta = Theta(draw);
      const Eigen::Matrix2Xd points = Points(draw).leftCols(60);
      const Eigen::Matrix2Xd dl_dy =
          DrawPoints(60, -1, 1, draw + 7).cast<float>().cast<double>();
      const Flow flow(basis_, theta);
      const FlowGradient<double> expected =
          flow.Pullback<double>(points, dl_dy);
      const Eigen::VectorXd dl_dtheta = basis_->ThetaFromCells(expected.cells);
      Batch<Real> batch(*basis_);
      batch.Add(theta);
      const auto gradient =
          batch.Pullback(points.cast<Real>(), dl_dy.cast<Real>(), true);
      SCOPED_TRACE(draw);
      ExpectNear({gradient.points.template cast<double>(),
                  basis_->vertex_basis().transpose() * gradient.velocities},
                 {expected.points, dl_dtheta},
                 kPathRounding<Real> * std::pow(Stretch(theta), 2));
    }
  }

  const std::shared_ptr<const Basis> basis_ = Basis::Create(GetParam()).value();
};

INSTANTIATE_TEST_SUITE_P(Kinds, FlowBatchTest,
                         ::testing::ValuesIn(test_util::AllKinds()),
                         [](const auto& info) {
                           return test_util::KindName(info.param);
                         });

TEST_P(FlowBatchTest, ObeysTheLawsOfAFlow) {
  ExpectLaws<double>();
  ExpectLaws<float>();
}

TEST_P(FlowBatchTest, TransformIsNearFlow) {
  ExpectNearFlow<double>();
  ExpectNearFlow<float>();
}

TEST_P(FlowBatchTest, PullbackIsNearFlows) {
  ExpectPullbackNearFlow<double>();
  ExpectPullbackNearFlow<float>();
}

// Each field of a batch has, bit for bit, what it has alone; and points that
// are shared, what they have one by one.
TEST_P(FlowBatchTest, BatchesAreMadeOfSingles) {
  constexpr int kFields = 3, kPoints = 700;  // More than two blocks.
  const Eigen::Matrix2Xf shared = DrawPoints(kPoints, 0, 1, 1).cast<float>();
  const Eigen::Matrix2Xf separate = shared.replicate(1, kFields);
  const Eigen::Matrix2Xf dl_dy =
      DrawPoints(kPoints * kFields, -1, 1, 2).cast<float>();
  Batch<float> batch(*basis_);
  for (int b = 0; b < kFields; ++b) batch.Add(DrawTheta(*basis_, 0.3, b));
  const Eigen::Matrix2Xf y = batch.Transform(shared, true);
  const auto gradient = batch.Pullback(shared, dl_dy, true);
  EXPECT_EQ(y, batch.Transform(separate, false));
  const auto of_separate = batch.Pullback(separate, dl_dy, false);
  EXPECT_EQ(gradient.points, of_separate.points);
  EXPECT_EQ(gradient.velocities, of_separate.velocities);
  for (int b = 0; b < kFields; ++b) {
    Batch<float> single(*basis_);
    single.Add(DrawTheta(*basis_, 0.3, b));
    EXPECT_EQ(single.Transform(shared, true),
              y.middleCols(kPoints * b, kPoints));
    const auto alone =
        single.Pullback(shared, dl_dy.middleCols(kPoints * b, kPoints), true);
    EXPECT_EQ(alone.points, gradient.points.middleCols(kPoints * b, kPoints));
    EXPECT_EQ(alone.velocities, gradient.velocities.col(b));
  }
}

// Fine grids and a drift across most of the square: paths of tens of arcs,
// whose adjoint walks parts of them again.
TEST(FineGridTest, LongPathsAreThoseOfFlow) {
  const auto basis = Basis::Create({14, 12}).value();
  const Eigen::VectorXd theta =
      DrawTheta(*basis, 0.2, 1) +
      basis->ThetaFromVertices(Eigen::Vector2d(0.7, 0.5).replicate(
          1, basis->tessellation().num_vertices()));
  const double stretch =
      std::exp(test_util::GradientBound(basis->CellsFromTheta(theta)));
  const Eigen::Matrix2Xd points = DrawPoints(300, 0, 0.4, 2);
  const Eigen::Matrix2Xd dl_dy = DrawPoints(300, -1, 1, 3);
  const Flow flow(basis, theta);
  Eigen::Matrix2Xd y(2, 300);
  flow.Transform<double>(points, y);
  const FlowGradient<double> expected = flow.Pullback<double>(points, dl_dy);
  Batch<double> batch(*basis);
  batch.Add(theta);
  EXPECT_LT(MaxDifference(batch.Transform(points, true), y),
            kPathRounding<double> * stretch);
  const auto gradient = batch.Pullback(points, dl_dy, true);
  ExpectNear({gradient.points,
              basis->vertex_basis().transpose() * gradient.velocities},
             {expected.points, basis->ThetaFromCells(expected.cells)},
             kPathRounding<double> * stretch * stretch);
}

// ---- Goldens: see cpab/flow/flow_test.cc.

Eigen::VectorXd GoldenTheta(const Basis& basis,
                            const test_util::GoldenTensor& A, int64_t field) {
  const int64_t cells = A.shape[1];
  return basis.ThetaFromCells(Eigen::Map<const CellCoefficients>(
      A.values.data() + field * cells * 6, cells, 6));
}

class GoldenTest : public ::testing::TestWithParam<TessellationOptions> {
 protected:
  test_util::GoldenFile Read(const std::string& what) const {
    const auto golden =
        test_util::ReadGolden("cpab/testdata/cpab_" + what + "_" +
                              test_util::KindName(GetParam()) + ".safetensors");
    EXPECT_THAT(golden, IsOk());
    return *golden;
  }
  const std::shared_ptr<const Basis> basis_ = Basis::Create(GetParam()).value();
};
std::string NameOf(const ::testing::TestParamInfo<TessellationOptions>& info) {
  return test_util::KindName(info.param);
}

class GoldenTransformTest : public GoldenTest {};
INSTANTIATE_TEST_SUITE_P(Goldens, GoldenTransformTest,
                         ::testing::Values(TessellationOptions{3, 5},
                                           TessellationOptions{4, 4, true,
                                                               true},
                                           TessellationOptions{6, 6}),
                         NameOf);

// The bound in double is that of flow_test; in float, that of the laws.
TEST_P(GoldenTransformTest, IsTheExactFlow) {
  const test_util::GoldenFile golden = Read("traj");
  const Eigen::Matrix2Xd points = GoldenPoints(golden["points"], 0);
  for (int64_t field = 0; field < golden["A"].shape[0]; ++field) {
    const Eigen::VectorXd theta = GoldenTheta(*basis_, golden["A"], field);
    const Eigen::Matrix2Xd exact = GoldenPoints(golden["exact_f64"], field);
    EXPECT_LT(MaxDifference(Transformed<double>(*basis_, theta, points), exact),
              1e-10);
    const double stretch =
        std::exp(test_util::GradientBound(basis_->CellsFromTheta(theta)));
    EXPECT_LT(
        MaxDifference(Transformed<float>(*basis_, theta, points), exact),
        kPathRounding<float> * stretch * (1 + exact.cwiseAbs().maxCoeff()));
  }
}

class GoldenPullbackTest : public GoldenTest {};
INSTANTIATE_TEST_SUITE_P(Goldens, GoldenPullbackTest,
                         ::testing::Values(TessellationOptions{3, 5},
                                           TessellationOptions{6, 6}),
                         NameOf);

TEST_P(GoldenPullbackTest, IsTheExactGradient) {
  const test_util::GoldenFile golden = Read("grad");
  const double differences_error =
      std::stod(golden.metadata.at("fd_step_disagreement"));
  const Eigen::Matrix2Xd points = GoldenPoints(golden["points"], 0);
  const auto& projected = golden["grad_A_projected_exact"];
  for (int64_t field = 0; field < golden["A"].shape[0]; ++field) {
    Batch<double> batch(*basis_);
    batch.Add(GoldenTheta(*basis_, golden["A"], field));
    const auto gradient =
        batch.Pullback(points, GoldenPoints(golden["cotangent"], field), true);
    const CellCoefficients ours = basis_->CellsFromTheta(
        basis_->vertex_basis().transpose() * gradient.velocities);
    const Eigen::Map<const CellCoefficients> theirs(
        projected.values.data() + field * ours.size(), ours.rows(), 6);
    EXPECT_LT((ours - theirs).cwiseAbs().maxCoeff(), 2 * differences_error);
    EXPECT_LT(MaxDifference(gradient.points,
                            GoldenPoints(golden["grad_points_exact"], field)),
              2e-6);
  }
}

// ---- Edges of the domain of definition, in both precisions.

template <typename Real>
class EdgeCasesTest : public ::testing::Test {
 protected:
  const std::shared_ptr<const Basis> basis_ = Basis::Create({4, 4}).value();
};
using Reals = ::testing::Types<float, double>;
TYPED_TEST_SUITE(EdgeCasesTest, Reals);

// Constant velocities along lines of the tessellation, and through vertices.
TYPED_TEST(EdgeCasesTest, PathsAlongEdgesAndThroughVerticesGoOn) {
  const Tessellation& tessellation = this->basis_->tessellation();
  for (const Eigen::Vector2d& velocity :
       {Eigen::Vector2d(0.5, 0), Eigen::Vector2d(0, -0.5),
        Eigen::Vector2d(0.5, 0.5), Eigen::Vector2d(-0.25, 0.25)}) {
    const Eigen::Matrix2Xd points = test_util::PointsOnEdges(tessellation, 1);
    const Eigen::Matrix2Xd y = Transformed<TypeParam>(
        *this->basis_,
        this->basis_->ThetaFromVertices(
            velocity.replicate(1, tessellation.num_vertices())),
        points);
    EXPECT_LT(MaxDifference(y, points.colwise() + velocity),
              kPathRounding<TypeParam>);
  }
}

TYPED_TEST(EdgeCasesTest, NonFiniteInputIsNanAndDoesNotStopTheOthers) {
  const Basis& basis = *this->basis_;
  const double inf = std::numeric_limits<double>::infinity();
  const Eigen::VectorXd theta = DrawTheta(basis, 0.5, 1);
  for (const double bad : {inf, -inf, std::nan("")}) {
    Columns<TypeParam> points(2, 3);
    points << 0.5, bad, 0.2, 0.4, 0.1, 0.3;
    Batch<TypeParam> batch(basis);
    batch.Add(theta);
    const auto y = batch.Transform(points, true);
    EXPECT_TRUE(y.col(1).array().isNaN().all());
    EXPECT_TRUE(y.col(0).allFinite() && y.col(2).allFinite());
    const auto gradient = batch.Pullback(points, y, true);
    EXPECT_TRUE(gradient.points.col(1).array().isNaN().all());
    EXPECT_TRUE(gradient.points.col(0).allFinite());
    EXPECT_TRUE(gradient.velocities.allFinite());

    Eigen::VectorXd not_finite = theta;
    not_finite[3] = bad;
    Batch<TypeParam> broken(basis);
    broken.Add(not_finite);
    points(0, 1) = TypeParam(0.7);
    EXPECT_TRUE(broken.Transform(points, true).array().isNaN().all());
    EXPECT_TRUE((basis.vertex_basis().transpose() *
                 broken.Pullback(points, points, true).velocities)
                    .array()
                    .isNaN()
                    .all());
  }
}

TYPED_TEST(EdgeCasesTest, FarPointsFollowTheExtension) {
  const Basis& basis = *this->basis_;
  const Eigen::VectorXd theta = DrawTheta(basis, 0.3, 2);
  const Eigen::Matrix2Xd points = DrawPoints(100, -1e6, 1e6, 3);
  Eigen::Matrix2Xd expected(2, 100);
  Flow(this->basis_, theta).Transform<double>(points, expected);
  EXPECT_LT(
      MaxDifference(Transformed<TypeParam>(basis, theta, points), expected),
      kPathRounding<TypeParam> * 1e6 * 100);
}

TYPED_TEST(EdgeCasesTest, NoPointsAndNoFieldsAreFine) {
  Batch<TypeParam> batch(*this->basis_);
  batch.Add(DrawTheta(*this->basis_, 0.3, 2));
  const Columns<TypeParam> none(2, 0);
  EXPECT_EQ(batch.Transform(none, true).cols(), 0);
  EXPECT_TRUE(batch.Pullback(none, none, true).velocities.isZero(0));
}

}  // namespace
}  // namespace cpab::kernels
