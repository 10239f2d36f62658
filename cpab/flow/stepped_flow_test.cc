#include "cpab/flow/stepped_flow.h"

#include <algorithm>
#include <complex>
#include <vector>

#include "cpab/testing/draws.h"
#include "cpab/testing/flow_laws.h"
#include "cpab/testing/golden_file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"

namespace cpab {
namespace {

using test_util::DrawPoints;
using test_util::DrawTheta;
using test_util::GoldenPoints;
using test_util::KindName;

template <typename Scalar>
Eigen::Matrix2Xd Stepped(const VelocityField& field,
                         const Eigen::Matrix2Xd& points, int steps = 50) {
  Eigen::Matrix<Scalar, 2, Eigen::Dynamic> y = points.cast<Scalar>();
  SteppedFlow(field, steps).Transform<Scalar>(y, y);
  return y.template cast<double>();
}

class GoldenSteppedFlowTest
    : public ::testing::TestWithParam<TessellationOptions> {
 protected:
  void SetUp() override {
    auto golden = test_util::ReadGolden("cpab/testdata/cpab_traj_" +
                                        KindName(GetParam()) + ".safetensors");
    ASSERT_THAT(golden, IsOk());
    golden_ = *std::move(golden);
    basis_ = Basis::Create(GetParam()).value();
    points_ = GoldenPoints(golden_["points"], 0);
  }
  int64_t num_fields() const { return golden_["A"].shape[0]; }
  VelocityField Field(int64_t field) const {
    const auto& A = golden_["A"];
    const CellCoefficients cells = Eigen::Map<const CellCoefficients>(
        A.values.data() + field * A.shape[1] * 6, A.shape[1], 6);
    return VelocityField(basis_, basis_->ThetaFromCells(cells));
  }
  test_util::GoldenFile golden_;
  std::shared_ptr<const Basis> basis_;
  Eigen::Matrix2Xd points_;
};

INSTANTIATE_TEST_SUITE_P(
    Goldens, GoldenSteppedFlowTest,
    ::testing::Values(TessellationOptions{2, 2}, TessellationOptions{3, 5},
                      TessellationOptions{4, 4},
                      TessellationOptions{4, 4, false, true},
                      TessellationOptions{4, 4, true, false},
                      TessellationOptions{4, 4, true, true},
                      TessellationOptions{6, 6}),
    [](const auto& info) { return KindName(info.param); });

// Worst distance between columns, and that which nine points in ten keep.
struct Distances {
  Distances(const Eigen::Matrix2Xd& a, const Eigen::Matrix2Xd& b) {
    const Eigen::RowVectorXd scale =
        1 + a.cwiseAbs().colwise().maxCoeff().array();
    const Eigen::RowVectorXd distance =
        (a - b).colwise().norm().cwiseQuotient(scale);
    std::vector<double> sorted(distance.begin(), distance.end());
    std::sort(sorted.begin(), sorted.end());
    worst = sorted.back();
    most = sorted[sorted.size() * 9 / 10];
  }
  double worst, most;
};

TEST_P(GoldenSteppedFlowTest, DoublesAreLibcpabs) {
  for (int64_t i = 0; i < num_fields(); ++i) {
    const Distances d(Stepped<double>(Field(i), points_),
                      GoldenPoints(golden_["libcpab_f64"], i));
    // A step that begins within rounding of an edge may take the matrix of
    // either side: then results differ by a discretisation error of 1e-4.
    EXPECT_LT(d.most, 1e-11);
    EXPECT_LT(d.worst, 2e-4);
  }
}

TEST_P(GoldenSteppedFlowTest, FloatsAreLibcpabsUpToTheirRounding) {
  for (int64_t i = 0; i < num_fields(); ++i) {
    const Distances d(Stepped<float>(Field(i), points_),
                      GoldenPoints(golden_["libcpab_f32"], i));
    // Fifty accumulated roundings, those of a Pade exponential and of the
    // coefficients, which it has in float32 too: the golden README measures a
    // floor of 6e-6 to 1e-5, which strong fields stretch. Worst seen 3.1e-5.
    EXPECT_LT(d.most, 1e-4);
    EXPECT_LT(d.worst, 1e-3);
  }
}

// First-order in the step: an oracle for the exact flow that shares no search.
TEST_P(GoldenSteppedFlowTest, ConvergesToTheExactFlow) {
  const VelocityField field = Field(0);
  Eigen::Matrix2Xd exact(2, points_.cols());
  Flow(field).Transform<double>(points_, exact);
  const double coarse =
      (Stepped<double>(field, points_, 20) - exact).cwiseAbs().maxCoeff();
  const double fine =
      (Stepped<double>(field, points_, 20000) - exact).cwiseAbs().maxCoeff();
  EXPECT_LT(fine, 1e-7);
  EXPECT_LT(fine, coarse);
}

class SteppedFlowTest : public ::testing::TestWithParam<TessellationOptions> {};

INSTANTIATE_TEST_SUITE_P(Kinds, SteppedFlowTest,
                         ::testing::ValuesIn(test_util::AllKinds()),
                         [](const auto& info) { return KindName(info.param); });

// Up to the discretisation. A step of duration h that crosses an edge goes on
// by the matrix of the cell that it began in: at most h |v| beyond the edge,
// where matrices of norm K differ by 2 K h |v|, for h. Paths of gentle fields
// cross fewer than 20 edges, with the velocities of vertices V and K beyond
// them.
TEST_P(SteppedFlowTest, ObeysTheLawsOfAFlowUpToItsDiscretisation) {
  constexpr int kSteps = 1000;
  const auto basis = Basis::Create(GetParam()).value();
  const auto gradient_bound = [&](const Eigen::VectorXd& theta) {
    return test_util::GradientBound(basis->CellsFromTheta(theta));
  };
  const test_util::FlowUnderTest flow = {
      [&](const Eigen::VectorXd& theta,
          const Eigen::MatrixXd& points) -> Eigen::MatrixXd {
        return Stepped<double>(VelocityField(basis, theta), points, kSteps);
      },
      gradient_bound,
      [&](const Eigen::VectorXd& theta) {
        const double bound = gradient_bound(theta);
        const double speed =
            basis->VerticesFromTheta(theta).colwise().norm().maxCoeff();
        return 20 * 2 * bound * (speed + bound) / kSteps / kSteps + 1e-12;
      }};
  const double low = GetParam().zero_boundary ? 0 : -0.3;
  for (int draw = 0; draw < 6; ++draw) {
    SCOPED_TRACE(draw);
    const Eigen::Matrix2Xd edges =
        test_util::PointsOnEdges(basis->tessellation(), draw);
    Eigen::Matrix2Xd points(2, 40);
    points << DrawPoints(20, low, 1 - low, draw),
        edges.leftCols(std::min<Eigen::Index>(20, edges.cols())),
        DrawPoints(20 - std::min<int>(20, static_cast<int>(edges.cols())), low,
                   1 - low, draw + 50);
    test_util::ExpectFlowLaws(flow, {DrawTheta(*basis, 0.05, draw), points});
  }
}

using Complex = std::complex<double>;

Complex At(const Eigen::Matrix2Xd& points, Eigen::Index n) {
  return {points(0, n), points(1, n)};
}

// v(x) = a x + c everywhere, points being complex numbers.
VelocityField AffineField(Complex a, Complex c) {
  const auto basis = Basis::Create({1, 1}).value();
  Eigen::Matrix2Xd velocities = basis->tessellation().vertices();
  for (Eigen::Index n = 0; n < velocities.cols(); ++n) {
    const Complex v = a * At(velocities, n) + c;
    velocities.col(n) << v.real(), v.imag();
  }
  return VelocityField(basis, basis->ThetaFromVertices(velocities));
}

// In one step, of which the matrix exponential is squared up to six times. A
// few roundings of the field, times its gradient.
TEST(SteppedFlow, AffineFieldsFlowByTheExponential) {
  const Eigen::Matrix2Xd points = DrawPoints(5, 0, 1, 1);
  const Complex c(0.4, -0.7);
  for (const Complex a : {Complex(0.1, 0.2), Complex(3, 1), Complex(-20, 7),
                          Complex(30, -4), Complex(0, 40)}) {
    const Eigen::Matrix2Xd y = Stepped<double>(AffineField(a, c), points, 1);
    for (Eigen::Index n = 0; n < points.cols(); ++n) {
      const Complex expected =
          std::exp(a) * At(points, n) + (std::exp(a) - 1.0) / a * c;
      EXPECT_LT(std::abs(At(y, n) - expected), 1e-12 * std::abs(expected)) << a;
    }
  }
}

// The matrix exponentials of such fields have 2^30 pieces and more.
TEST(SteppedFlow, FieldsOfAnySizeOverflow) {
  for (const double size : {1e12, 1e150, 1e300}) {
    const VelocityField field = AffineField(size, size);
    EXPECT_FALSE(
        Stepped<double>(field, DrawPoints(3, 0, 1, 2)).array().isFinite().any())
        << size;
  }
}

TEST(SteppedFlow, DoesNotDependOnThreads) {
  const auto basis = Basis::Create({4, 4}).value();
  const SteppedFlow flow(VelocityField(basis, DrawTheta(*basis, 0.5, 1)));
  const Eigen::Matrix2Xd points = DrawPoints(1000, 0, 1, 2);
  Eigen::Matrix2Xd serial(2, 1000), parallel(2, 1000);
  flow.Transform<double>(points, serial);
  flow.Transform<double>(points, parallel, OnThreads(2));
  EXPECT_EQ(serial, parallel);
}

}  // namespace
}  // namespace cpab
