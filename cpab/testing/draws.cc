#include "cpab/testing/draws.h"

#include <algorithm>

#include "Eigen/Eigenvalues"

namespace cpab::test_util {

Eigen::VectorXd DrawNormal(int64_t size, double magnitude, uint64_t seed) {
  std::mt19937_64 generator(seed);
  std::normal_distribution<double> normal(0, magnitude);
  Eigen::VectorXd draws(size);
  for (double& element : draws) element = normal(generator);
  return draws;
}

Eigen::VectorXd DrawTheta(const Basis& basis, double magnitude, uint64_t seed) {
  return DrawNormal(basis.theta_size(), magnitude, seed);
}

Eigen::Matrix2Xd DrawPoints(int n, double low, double high, uint64_t seed) {
  std::mt19937_64 generator(seed);
  std::uniform_real_distribution<double> uniform(low, high);
  Eigen::Matrix2Xd points(2, n);
  for (int i = 0; i < n; ++i) {
    points(0, i) = uniform(generator);
    points(1, i) = uniform(generator);
  }
  return points;
}

double GradientBound(const CellCoefficients& cells) {
  double largest = 0;
  for (Eigen::Index c = 0; c < cells.rows(); ++c) {
    Eigen::Matrix2d linear;
    linear << cells(c, 0), cells(c, 1), cells(c, 3), cells(c, 4);
    largest = std::max(largest, linear.operatorNorm());
  }
  return largest;
}

Eigen::Matrix2Xd PointsOnEdges(const Tessellation& tessellation,
                               uint64_t seed) {
  std::mt19937_64 generator(seed);
  std::uniform_real_distribution<double> uniform(0, 1);
  std::vector<Eigen::Vector2d> points;
  for (int v = 0; v < tessellation.num_vertices(); ++v) {
    points.push_back(tessellation.vertices().col(v));
  }
  for (const auto& cell : tessellation.cells()) {
    for (int e = 0; e < 3; ++e) {
      const Eigen::Vector2d from = tessellation.vertices().col(cell[e]);
      const Eigen::Vector2d to = tessellation.vertices().col(cell[(e + 1) % 3]);
      points.push_back((from + to) / 2);
      points.push_back(from + uniform(generator) * (to - from));
    }
  }
  Eigen::Matrix2Xd result(2, points.size());
  for (size_t i = 0; i < points.size(); ++i) result.col(i) = points[i];
  return result;
}

std::vector<TessellationOptions> AllKinds() {
  std::vector<TessellationOptions> kinds;
  for (const auto& [nx, ny] :
       {std::pair(4, 4), std::pair(3, 5), std::pair(1, 2), std::pair(1, 6)}) {
    for (const bool zero_boundary : {false, true}) {
      for (const bool volume_preserving : {false, true}) {
        kinds.push_back({nx, ny, zero_boundary, volume_preserving});
      }
    }
  }
  return kinds;
}

std::string KindName(const TessellationOptions& options) {
  return std::to_string(options.nx) + "x" + std::to_string(options.ny) +
         (options.zero_boundary ? "_zb1" : "_zb0") +
         (options.volume_preserving ? "_vp1" : "_vp0");
}

Eigen::Matrix2Xd NearestVelocities(int nx, int ny,
                                   const Eigen::Matrix2Xd& velocities) {
  TessellationOptions options;
  options.nx = nx;
  options.ny = ny;
  options.sparse_basis = true;
  const auto basis = Basis::Create(options).value();
  return basis->VerticesFromTheta(basis->ThetaFromVertices(velocities));
}

}  // namespace cpab::test_util
