#include "cpab/volume/volume_flow.h"

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include <array>
#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "Eigen/Dense"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "cpab/testing/flow_laws.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"
#include "unsupported/Eigen/MatrixFunctions"

namespace cpab {
namespace {

using ::testing::HasSubstr;

std::string KindName(const VolumeOptions& options) {
  return absl::StrCat(options.nx, "x", options.ny, "x", options.nz,
                      options.zero_boundary ? "_zb1" : "_zb0",
                      options.volume_preserving ? "_vp1" : "_vp0",
                      options.sparse_basis ? "_sparse" : "");
}

Eigen::VectorXd DrawTheta(const VolumeBasis& basis, double magnitude,
                          uint64_t seed) {
  std::mt19937_64 generator(seed);
  std::normal_distribution<double> normal(0, magnitude);
  Eigen::VectorXd theta(basis.theta_size());
  for (double& element : theta) element = normal(generator);
  return theta;
}

// [3, n], uniform in [low, high]^3.
Eigen::Matrix3Xd DrawPoints(int n, double low, double high, uint64_t seed) {
  std::mt19937_64 generator(seed);
  std::uniform_real_distribution<double> uniform(low, high);
  Eigen::Matrix3Xd points(3, n);
  for (int i = 0; i < n; ++i) {
    for (int a = 0; a < 3; ++a) points(a, i) = uniform(generator);
  }
  return points;
}

double MaxDifference(const Eigen::Matrix3Xd& a, const Eigen::Matrix3Xd& b) {
  return (a - b).cwiseAbs().maxCoeff();
}

Eigen::Vector3d VelocityIn(const VolumeCoefficients& cells, int cell,
                           const Eigen::Vector3d& x) {
  return Eigen::Map<const AffineVelocity>(cells.row(cell).data()) *
         x.homogeneous();
}

// Each arc rounds, and may linger 1e-14 in the wrong piece, where the field
// differs by as much again.
constexpr double kArcRounding = 1e-12;

class VolumeFlowTest : public ::testing::TestWithParam<VolumeOptions> {
 protected:
  static constexpr int kDraws = 12;

  // From gentle to violent.
  Eigen::VectorXd Theta(int draw) const {
    return DrawTheta(*basis_, 0.02 * std::pow(50, draw / (kDraws - 1.0)), draw);
  }
  // Inside, outside, and where cells meet.
  Eigen::Matrix3Xd Points(int draw) const {
    const Eigen::Matrix3Xd inside = DrawPoints(20, 0, 1, draw);
    const Eigen::Matrix3Xd around = DrawPoints(10, -0.4, 1.4, draw + 100);
    Eigen::Matrix3Xd points(3, 30 + basis_->vertices().cols());
    points << inside, around, basis_->vertices();
    return points;
  }
  // A bound on |D phi|, by which rounding grows: e^K with K the largest norm
  // of a cell's linear part.
  static double Stretch(const VolumeFlow& flow) {
    double largest = 0;
    for (Eigen::Index c = 0; c < flow.cells().rows(); ++c) {
      const Eigen::Map<const AffineVelocity> A(flow.cells().row(c).data());
      largest =
          std::max(largest, Eigen::Matrix3d(A.leftCols<3>()).operatorNorm());
    }
    return std::exp(largest);
  }

  test_util::FlowUnderTest UnderTest() const {
    return {[this](const Eigen::VectorXd& theta,
                   const Eigen::MatrixXd& points) -> Eigen::MatrixXd {
              return VolumeFlow(basis_, theta).Transform(points);
            },
            [this](const Eigen::VectorXd& theta) {
              return std::log(Stretch(VolumeFlow(basis_, theta)));
            },
            [](const Eigen::VectorXd&) { return kArcRounding; }};
  }

  const std::shared_ptr<const VolumeBasis> basis_ =
      VolumeBasis::Create(GetParam()).value();
};

INSTANTIATE_TEST_SUITE_P(
    Kinds, VolumeFlowTest,
    ::testing::Values(VolumeOptions{1, 1, 1},
                      VolumeOptions{1, 1, 1, false, true},
                      VolumeOptions{2, 2, 2}, VolumeOptions{2, 2, 2, true},
                      VolumeOptions{2, 2, 2, true, true},
                      VolumeOptions{1, 2, 3, false, true},
                      VolumeOptions{3, 2, 1, true},
                      VolumeOptions{3, 2, 3, false, false, true},
                      VolumeOptions{2, 3, 2, true, false, true}),
    [](const auto& info) { return KindName(info.param); });

TEST_P(VolumeFlowTest, BasisIsOrthonormal) {
  const int d = basis_->theta_size();
  for (int k = 0; k < d; ++k) {
    const Eigen::VectorXd unit = Eigen::VectorXd::Unit(d, k);
    EXPECT_LT((basis_->ThetaFromCells(basis_->CellsFromTheta(unit)) - unit)
                  .cwiseAbs()
                  .maxCoeff(),
              1e-13);
  }
}

TEST_P(VolumeFlowTest, CellsFillTheCubeAndHoldTheirPoints) {
  double volume = 0;
  for (int c = 0; c < basis_->num_cells(); ++c) {
    volume += 1 / std::abs(6 * basis_->shape_matrix(c).determinant());
  }
  EXPECT_NEAR(volume, 1, 1e-13);
  const Eigen::Matrix3Xd points = DrawPoints(500, 0, 1, 1);
  for (const auto& x : points.colwise()) {
    const int cell = basis_->FindCell(x);
    const Eigen::Vector4d weights =
        basis_->shape_matrix(cell) * Eigen::Vector4d(x[0], x[1], x[2], 1);
    EXPECT_GT(weights.minCoeff(), -1e-13);
  }
}

// On all faces, by what their three vertices have in common.
TEST_P(VolumeFlowTest, FieldsAreContinuous) {
  const VolumeCoefficients cells = basis_->CellsFromTheta(Theta(9));
  std::mt19937_64 generator(2);
  std::uniform_real_distribution<double> uniform(0, 1);
  int faces = 0;
  for (int c = 0; c < basis_->num_cells(); ++c) {
    for (int other = 0; other < c; ++other) {
      std::vector<int> shared;
      for (const int v : basis_->cells()[c]) {
        for (const int w : basis_->cells()[other]) {
          if (v == w) shared.push_back(v);
        }
      }
      if (shared.size() < 3) continue;
      ++faces;
      Eigen::Vector3d x = Eigen::Vector3d::Zero();
      double sum = 0;
      for (const int v : shared) {
        const double weight = uniform(generator);
        sum += weight;
        x += weight * basis_->vertices().col(v);
      }
      EXPECT_LT(
          (VelocityIn(cells, c, x / sum) - VelocityIn(cells, other, x / sum))
              .norm(),
          1e-13 * cells.cwiseAbs().maxCoeff());
    }
  }
  // Four inside each box, and two on each side between boxes.
  const int nx = GetParam().nx, ny = GetParam().ny, nz = GetParam().nz;
  EXPECT_EQ(faces,
            4 * nx * ny * nz + 2 * ((nx - 1) * ny * nz + nx * (ny - 1) * nz +
                                    nx * ny * (nz - 1)));
}

TEST_P(VolumeFlowTest, ObeysTheLawsOfAFlow) {
  for (int draw = 0; draw < kDraws; ++draw) {
    SCOPED_TRACE(draw);
    test_util::ExpectFlowLaws(UnderTest(), {Theta(draw), Points(draw)});
  }
}

TEST_P(VolumeFlowTest, PowersAreFlowsOfScaledFields) {
  for (int draw = 0; draw < kDraws; draw += 3) {
    const Eigen::VectorXd theta = Theta(draw);
    const VolumeFlow flow(basis_, theta);
    for (const double t : {-1.0, 0.5}) {
      const Eigen::Matrix3Xd images =
          VolumeFlow(basis_, t * theta).Transform(Points(draw));
      EXPECT_LT(
          MaxDifference(flow.Power(t).Transform(Points(draw)), images),
          kArcRounding * (1 + images.cwiseAbs().maxCoeff()) * Stretch(flow))
          << "draw " << draw << ", t " << t;
    }
  }
}

// A slow, obvious twin: Runge-Kutta with small steps, fourth order within
// pieces and of order h^2 where a step straddles two.
TEST_P(VolumeFlowTest, SolvesTheDifferentialEquation) {
  const VolumeFlow flow(basis_, Theta(7));
  const Eigen::Matrix3Xd points = Points(7).leftCols(30);
  const Eigen::Matrix3Xd images = flow.Transform(points);
  constexpr int kSteps = 1000;
  const double h = 1.0 / kSteps;
  for (Eigen::Index n = 0; n < points.cols(); ++n) {
    Eigen::Vector3d x = points.col(n);
    for (int step = 0; step < kSteps; ++step) {
      const Eigen::Vector3d k1 = flow.Velocity(x);
      const Eigen::Vector3d k2 = flow.Velocity(x + h / 2 * k1);
      const Eigen::Vector3d k3 = flow.Velocity(x + h / 2 * k2);
      const Eigen::Vector3d k4 = flow.Velocity(x + h * k3);
      x += h / 6 * (k1 + 2 * k2 + 2 * k3 + k4);
    }
    EXPECT_LT((images.col(n) - x).norm(), 2e-6) << n;
  }
}

TEST_P(VolumeFlowTest, DerivativesAreThoseOfDifferences) {
  const Eigen::VectorXd theta = DrawTheta(*basis_, 0.3, 3);
  const Eigen::VectorXd dtheta = DrawTheta(*basis_, 1, 4);
  const VolumeFlow flow(basis_, theta);
  const Eigen::Matrix3Xd points = DrawPoints(15, -0.2, 1.2, 5);
  const Eigen::Matrix3Xd dpoints = DrawPoints(15, -1, 1, 6);
  const Eigen::Matrix3Xd cotangent = DrawPoints(15, -1, 1, 7);
  const double h = 1e-6;
  const Eigen::Matrix3Xd differences =
      (VolumeFlow(basis_, theta + h * dtheta).Transform(points + h * dpoints) -
       VolumeFlow(basis_, theta - h * dtheta).Transform(points - h * dpoints)) /
      (2 * h);
  for (Eigen::Index n = 0; n < points.cols(); ++n) {
    const VolumeJacobian jacobian = flow.Jacobian(points.col(n));
    EXPECT_EQ(jacobian.y, flow(points.col(n)));
    // Kinks of the second derivative: an error of order h.
    EXPECT_LT((jacobian.dy_dtheta * dtheta + jacobian.dy_dx * dpoints.col(n) -
               differences.col(n))
                  .norm(),
              1e-4)
        << n;
    EXPECT_EQ(flow.LogDetJacobian(points.col(n)), jacobian.log_det);
    EXPECT_NEAR(std::exp(jacobian.log_det), jacobian.dy_dx.determinant(),
                1e-11 * Stretch(flow) * Stretch(flow));
  }
  const VolumeGradient gradient = flow.Pullback(points, cotangent);
  const double expected = differences.cwiseProduct(cotangent).sum();
  EXPECT_NEAR(
      gradient.theta.dot(dtheta) + gradient.points.cwiseProduct(dpoints).sum(),
      expected, 1e-4 * (1 + std::abs(expected)));
}

TEST_P(VolumeFlowTest, KeepsOrientation) {
  for (int draw = 0; draw < kDraws; ++draw) {
    const VolumeFlow flow(basis_, Theta(draw));
    const Eigen::Matrix3Xd points = DrawPoints(10, 0, 1, draw);
    for (const auto& x : points.colwise()) {
      EXPECT_GT(flow.Jacobian(x).dy_dx.determinant(), 0);
    }
  }
}

TEST_P(VolumeFlowTest, ObeysTheLawsOfManyPoints) {
  for (int draw = 0; draw < kDraws; draw += 4) {
    SCOPED_TRACE(draw);
    const VolumeFlow flow(basis_, Theta(draw));
    test_util::ExpectLawsOfMany(
        {[&flow](const Eigen::MatrixXd& x, const ParallelFor& parallel_for) {
           return Eigen::MatrixXd(flow.Transform(x, parallel_for));
         },
         [&flow](const Eigen::MatrixXd& x, const Eigen::MatrixXd& dl_dy,
                 const ParallelFor& parallel_for) {
           const VolumeGradient gradient =
               flow.Pullback(x, dl_dy, parallel_for);
           return test_util::FlowOfMany::Gradient{gradient.theta,
                                                  gradient.points};
         }},
        Points(draw));
    EXPECT_EQ(flow(Points(draw).col(0)), flow.Transform(Points(draw)).col(0));
  }
}

TEST_P(VolumeFlowTest, PointsThatAreNotFiniteAreNan) {
  const VolumeFlow flow(basis_, Theta(3));
  const Eigen::Vector3d bad(0.5, std::numeric_limits<double>::infinity(), 0.5);
  EXPECT_TRUE(flow(bad).array().isNaN().all());
  EXPECT_TRUE(std::isnan(flow.Jacobian(bad).log_det));
  EXPECT_TRUE(std::isnan(flow.LogDetJacobian(bad)));
}

// Laws of the constraints.

TEST_P(VolumeFlowTest, ZeroBoundaryMapsTheCubeOntoItself) {
  if (!GetParam().zero_boundary) GTEST_SKIP() << "has no zero boundary";
  for (int draw = 0; draw < 10; ++draw) {
    SCOPED_TRACE(draw);
    Eigen::Matrix3Xd points = DrawPoints(60, 0, 1, draw);
    // Ten points on each side.
    for (int n = 0; n < 60; ++n) points(n % 3, n) = (n / 3) % 2;
    test_util::ExpectCubeOntoItself(UnderTest(),
                                    {DrawTheta(*basis_, 1, draw), points});
  }
}

TEST(VolumeFlow, VolumePreservationKeepsVolumes) {
  for (const bool zero_boundary : {false, true}) {
    const auto basis =
        VolumeBasis::Create({2, 2, 2, zero_boundary, true}).value();
    const VolumeFlow flow(basis, DrawTheta(*basis, 0.5, 1));
    // Inside; outside no field that keeps volumes is bounded.
    const Eigen::Matrix3Xd points = DrawPoints(30, 0.4, 0.6, 2);
    for (const auto& x : points.colwise()) {
      const VolumeJacobian jacobian = flow.Jacobian(x);
      if ((jacobian.y.array() < 0).any() || (jacobian.y.array() > 1).any()) {
        continue;
      }
      EXPECT_NEAR(jacobian.dy_dx.determinant(), 1, 1e-10);
    }
  }
}

TEST(VolumeFlow, AffineFieldsFlowByTheMatrixExponential) {
  const auto basis = VolumeBasis::Create({2, 3, 2}).value();
  Eigen::Matrix4d A = Eigen::Matrix4d::Zero();
  A.topRows<3>() << 0.2, -0.9, 0.3, 0.3, 0.8, -0.1, -0.4, -0.2, 0.1, 0.5, 0.1,
      -0.3;
  const Eigen::Matrix3Xd velocities =
      (A * basis->vertices().colwise().homogeneous()).topRows<3>();
  const VolumeFlow flow(basis, basis->ThetaFromVertices(velocities));
  const Eigen::Matrix4d expected = A.exp();
  const Eigen::Matrix3Xd points = DrawPoints(50, 0.35, 0.65, 1);
  for (const auto& x : points.colwise()) {
    const Eigen::Vector3d y = (expected * x.homogeneous()).head<3>();
    EXPECT_LT((flow(x) - y).norm(), 1e-12);
  }
}

// The columns differ; what they span does not.
TEST(VolumeBasis, SparseBasesSpanWhatDenseOnesDo) {
  for (const bool zero_boundary : {false, true}) {
    for (const auto& [nx, ny, nz] :
         {std::array<int, 3>{1, 1, 1}, std::array<int, 3>{2, 3, 1},
          std::array<int, 3>{3, 4, 5}}) {
      const auto dense = VolumeBasis::Create({nx, ny, nz, zero_boundary});
      const auto sparse =
          VolumeBasis::Create({nx, ny, nz, zero_boundary, false, true});
      ASSERT_EQ(dense.ok(), sparse.ok());
      if (!dense.ok()) continue;
      ASSERT_EQ((*sparse)->theta_size(), (*dense)->theta_size());
      EXPECT_TRUE((*sparse)->is_sparse());
      const Eigen::VectorXd theta = DrawTheta(**sparse, 1, 1);
      const VolumeCoefficients cells = (*sparse)->CellsFromTheta(theta);
      const VolumeCoefficients same =
          (*dense)->CellsFromTheta((*dense)->ThetaFromCells(cells));
      EXPECT_LT((same - cells).cwiseAbs().maxCoeff(),
                1e-12 * cells.cwiseAbs().maxCoeff());
    }
  }
}

// 20480 cells: continuous by their vertices, orthonormal to the condition of
// the Gram matrix times rounding, at rest on the border.
TEST(VolumeBasis, SixteenBoxesAlongEachAxis) {
  const auto basis = VolumeBasis::Create({16, 16, 16, true}).value();
  EXPECT_EQ(basis->theta_size(), 3 * 15 * 17 * 17);
  const Eigen::VectorXd theta = DrawTheta(*basis, 0.01, 1);
  const VolumeCoefficients cells = basis->CellsFromTheta(theta);
  EXPECT_LT((basis->ThetaFromCells(cells) - theta).norm(), 1e-9 * theta.norm());
  const VolumeFlow flow(basis, theta);
  const Eigen::Matrix3Xd points = DrawPoints(300, 0, 1, 2);
  EXPECT_LT(
      MaxDifference(flow.Inverse().Transform(flow.Transform(points)), points),
      1e-10);
  // No velocity normal to the sides at the vertices there.
  for (Eigen::Index v = 0; v < basis->vertices().cols(); ++v) {
    for (int a = 0; a < 3; ++a) {
      const double x = basis->vertices()(a, v);
      if (x != 0 && x != 1) continue;
      EXPECT_NEAR(flow.Velocity(basis->vertices().col(v))[a], 0, 1e-15);
    }
  }
  const double h = 1e-6;
  const Eigen::VectorXd along = DrawTheta(*basis, 1, 3);
  const Eigen::Vector3d x(0.31, 0.47, 0.62);
  const Eigen::Vector3d slope = (VolumeFlow(basis, theta + h * along)(x) -
                                 VolumeFlow(basis, theta - h * along)(x)) /
                                (2 * h);
  EXPECT_LT((flow.Jacobian(x).dy_dtheta * along - slope).norm(), 1e-4);
}

// The rows of the original library's table in three dimensions.
TEST(VolumeBasis, FindsACellOfEveryPoint) {
  const auto basis = *VolumeBasis::Create({});
  const double kNaN = std::numeric_limits<double>::quiet_NaN();
  const double kInfinity = std::numeric_limits<double>::infinity();
  for (const double x :
       {kNaN, -kInfinity, -1e300, 0.0, 1.0, 1e300, kInfinity}) {
    for (const double y : {kNaN, 0.5}) {
      for (const Eigen::Vector3d& point :
           {Eigen::Vector3d(x, y, y), Eigen::Vector3d(y, x, y),
            Eigen::Vector3d(y, y, x)}) {
        const int cell = basis->FindCell(point);
        EXPECT_GE(cell, 0) << point.transpose();
        EXPECT_LT(cell, basis->num_cells()) << point.transpose();
      }
    }
  }
}

TEST(VolumeBasis, ThetaIsAsLongAsLibcpabs) {
  std::ifstream stream("cpab/testdata/cpab_dims.json");
  const std::string json((std::istreambuf_iterator<char>(stream)), {});
  google::protobuf::Struct table;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(json, &table).ok());
  int checked = 0;
  for (const auto& [name, row] : table.fields()) {
    const std::vector<std::string> sizes = absl::StrSplit(name, 'x');
    VolumeOptions options;
    if (sizes.size() != 3) continue;
    ASSERT_TRUE(absl::SimpleAtoi(sizes[0], &options.nx));
    ASSERT_TRUE(absl::SimpleAtoi(sizes[1], &options.ny));
    ASSERT_TRUE(absl::SimpleAtoi(sizes[2], &options.nz));
    for (const auto& [key, d] : row.struct_value().fields()) {
      if (key == "D") continue;
      options.zero_boundary = absl::StrContains(key, "zb1");
      options.volume_preserving = absl::StrContains(key, "vp1");
      const auto basis = VolumeBasis::Create(options);
      ++checked;
      if (d.number_value() == 0) {
        EXPECT_THAT(basis, StatusIs(absl::StatusCode::kInvalidArgument,
                                    HasSubstr("no velocity field but zero")));
      } else {
        ASSERT_THAT(basis, IsOk());
        EXPECT_EQ((*basis)->theta_size(), d.number_value()) << name << key;
      }
    }
  }
  EXPECT_EQ(checked, 16);
  EXPECT_THAT(VolumeBasis::Create({2, 33, 2}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("volume.ny is 33; use 1 to 32")));
  EXPECT_THAT(VolumeBasis::Create({2, 9, 2, true, true}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("volume.ny is 9; use 1 to 8 with "
                                 "volume_preserving")));
  EXPECT_THAT(VolumeBasis::Create({2, 2, 2, true, true, true}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("sparse_basis is set with")));
}

}  // namespace
}  // namespace cpab
