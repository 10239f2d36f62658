#include "cpab/cuda/cell_flow.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "Eigen/Core"
#include "Eigen/LU"
#include "cpab/cuda/grid.h"
#include "cpab/cuda/host_device.h"
#include "gtest/gtest.h"

namespace cpab::kernels {
namespace {

constexpr Grid kGrid = {3, 2};

template <typename Real>
std::vector<Real> DrawVelocities(double magnitude, uint64_t seed) {
  std::mt19937_64 generator(seed);
  std::normal_distribution<double> normal(0, magnitude);
  std::vector<Real> velocities(2 * kGrid.num_vertices());
  for (Real& v : velocities) v = static_cast<Real>(normal(generator));
  return velocities;
}

// Cells at the border and within, and the extension of one.
std::vector<Region> SomeRegions() {
  std::vector<Region> regions;
  for (int side = 0; side < 4; ++side) {
    regions.push_back({0, 0, side, false});
    regions.push_back({1, 1, side, false});
  }
  regions.push_back({2, 1, 1, true});
  return regions;
}

// [M b; 0 0 0].
template <typename Real>
Eigen::Matrix3d GeneratorOf(const CellFlow<Real>& flow) {
  Eigen::Matrix3d generator;
  generator << flow.m_a.x, flow.m_o.x, flow.b.x, flow.m_a.y, flow.m_o.y,
      flow.b.y, 0, 0, 0;
  return generator;
}

// e^A, by squaring the series of A / 1024 in long double, since each square
// doubles the error.
Eigen::Matrix3d Exponential(const Eigen::Matrix3d& A) {
  using Matrix = Eigen::Matrix<long double, 3, 3>;
  const Matrix small = A.cast<long double>() / 1024;
  Matrix power = Matrix::Identity(), sum = power;
  for (int k = 1; k < 12; ++k) {
    power = power * small / k;
    sum += power;
  }
  for (int i = 0; i < 10; ++i) sum = (sum * sum).eval();
  return sum.cast<double>();
}

// Where the arc from u ends after t.
template <typename Real>
Vector<Real> EndOf(const CellFlow<Real>& flow, Vector<Real> u, Real t) {
  const MatrixFunction<Real> f = flow.Integral(t);
  const Vector<Real> v = flow.Velocity(u);
  return u + f.identity * v + f.matrix * flow.Linear(v);
}

template <typename Real>
class CellFlowTest : public ::testing::Test {};
using Reals = ::testing::Types<float, double>;
TYPED_TEST_SUITE(CellFlowTest, Reals);

TYPED_TEST(CellFlowTest, HasTheVelocitiesOfItsVertices) {
  using Real = TypeParam;
  const std::vector<Real> velocities = DrawVelocities<Real>(1, 1);
  for (const Region& region : SomeRegions()) {
    const CellFlow<Real> flow(kGrid, velocities.data(), region);
    const CellVertices vertices(kGrid, region);
    const auto expect_at = [&](Vector<Real> u, int vertex) {
      const Vector<Real> expected = ToFrame(
          region.side,
          Vector<Real>{velocities[2 * vertex], velocities[2 * vertex + 1]});
      const Vector<Real> actual = flow.Velocity(u);
      // Differences of velocities of size 2, divided by a side and multiplied.
      EXPECT_NEAR(actual.x, expected.x, 32 * Precision<Real>::kEpsilon);
      EXPECT_NEAR(actual.y, expected.y, 32 * Precision<Real>::kEpsilon);
    };
    expect_at({-flow.size.w, flow.size.h}, vertices.from);
    expect_at({flow.size.w, flow.size.h}, vertices.to);
    expect_at({0, 0}, vertices.centre);
  }
}

// The larger magnitude of the two eigenvalues.
double SpectralRadius(const Eigen::Matrix2d& matrix) {
  const double mean = matrix.trace() / 2;
  const double product = matrix.determinant();
  const double discriminant = mean * mean - product;
  return discriminant < 0 ? std::sqrt(product)
                          : std::abs(mean) + std::sqrt(discriminant);
}

// For fields that need the fewest terms of the series, and the most.
TYPED_TEST(CellFlowTest, MovesAsTheMatrixExponential) {
  using Real = TypeParam;
  int fewest = Precision<Real>::kMaxTerms, most = 0;
  for (const double magnitude : {1e-6, 1e-3, 0.03, 0.1, 0.3, 3.0}) {
    const std::vector<Real> velocities = DrawVelocities<Real>(magnitude, 2);
    for (const Region& region : SomeRegions()) {
      const CellFlow<Real> flow(kGrid, velocities.data(), region);
      fewest = std::min(fewest, flow.num_terms);
      most = std::max(most, flow.num_terms);
      const Eigen::Matrix3d generator = GeneratorOf(flow);
      const double radius = SpectralRadius(generator.topLeftCorner<2, 2>());
      EXPECT_LE(flow.max_duration, 1);
      EXPECT_LE(flow.max_duration * radius, 1 + 8 * Precision<Real>::kEpsilon);
      const Vector<Real> u = {Real(0.07), Real(-0.11)};
      for (const double share : {0.0, 0.3, 1.0}) {
        const Real t = static_cast<Real>(share) * flow.max_duration;
        const Eigen::Vector3d expected =
            Exponential(double{t} * generator) * Eigen::Vector3d(u.x, u.y, 1);
        const Vector<Real> end = EndOf(flow, u, t);
        // A series of terms that fall as 1 / k!, and a sum of three vectors.
        const double tolerance = 16 * Precision<Real>::kEpsilon *
                                 (1 + (double{t} * generator).norm()) *
                                 (1 + expected.norm());
        EXPECT_NEAR(end.x, expected.x(), tolerance) << magnitude << " " << t;
        EXPECT_NEAR(end.y, expected.y(), tolerance) << magnitude << " " << t;
      }
    }
  }
  EXPECT_EQ(fewest, 4);
  EXPECT_EQ(most, Precision<Real>::kMaxTerms);
}

// In double, by central differences: an error of h^2 = 1e-10 times third
// derivatives of order 1, and 1e-16 / h of rounding.
TEST(ArcSensitivityTest, IsThatOfDifferences) {
  constexpr double kStep = 1e-5, kTolerance = 1e-8;
  std::vector<double> velocities = DrawVelocities<double>(0.3, 3);
  const Vector<double> u = {0.07, -0.11};
  for (const Region& region : SomeRegions()) {
    const CellFlow<double> flow(kGrid, velocities.data(), region);
    const double t = 0.8 * flow.max_duration;
    const ArcSensitivity<double> sensitivity(flow, u, t);
    // What the end moves by when a vertex has component c of its velocity, in
    // the cell's frame, changed.
    const auto expect_share = [&](int vertex, MatrixFunction<double> share) {
      for (const bool along : {true, false}) {
        const Vector<double> e =
            along ? Vector<double>{1, 0} : Vector<double>{0, 1};
        const Vector<double> expected =
            share.identity * e + share.matrix * flow.Linear(e);
        const Vector<double> change = FromFrame(region.side, kStep * e);
        Vector<double> ends[2];
        for (const int ahead : {0, 1}) {
          std::vector<double> moved = velocities;
          moved[2 * vertex] += ahead == 1 ? change.x : -change.x;
          moved[2 * vertex + 1] += ahead == 1 ? change.y : -change.y;
          ends[ahead] =
              EndOf(CellFlow<double>(kGrid, moved.data(), region), u, t);
        }
        const Vector<double> slope = (1 / (2 * kStep)) * (ends[1] - ends[0]);
        EXPECT_NEAR(slope.x, expected.x, kTolerance) << vertex;
        EXPECT_NEAR(slope.y, expected.y, kTolerance) << vertex;
      }
    };
    const CellVertices vertices(kGrid, region);
    expect_share(vertices.from, sensitivity.OfSideEnd(flow, -1));
    expect_share(vertices.to, sensitivity.OfSideEnd(flow, 1));
    expect_share(vertices.centre, sensitivity.OfCentre(flow));

    const Eigen::Matrix3d exponential = Exponential(t * GeneratorOf(flow));
    for (const bool along : {true, false}) {
      const Vector<double> e =
          along ? Vector<double>{1, 0} : Vector<double>{0, 1};
      const Vector<double> actual =
          sensitivity.exponential.identity * e +
          sensitivity.exponential.matrix * flow.Linear(e);
      const int column = along ? 0 : 1;
      EXPECT_NEAR(actual.x, exponential(0, column), 1e-13);
      EXPECT_NEAR(actual.y, exponential(1, column), 1e-13);
    }
  }
}

}  // namespace
}  // namespace cpab::kernels
