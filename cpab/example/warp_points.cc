// Bends the unit square: the smallest program that uses //cpab.
#include <cstdio>

#include "cpab/flow/flow.h"

int main() {
  // Velocity fields on 3x3 rectangles that keep the square's border in place.
  const auto basis = cpab::Basis::Create({3, 3, /*zero_boundary=*/true});
  if (!basis.ok()) return std::puts(basis.status().ToString().c_str()), 1;

  // The field with velocity (0.3, -0.2) at the middle of the square.
  const cpab::Tessellation& tessellation = (*basis)->tessellation();
  Eigen::Matrix2Xd velocities = tessellation.vertices();
  for (auto v : velocities.colwise()) {
    const double distance = (v - Eigen::Vector2d(0.5, 0.5)).norm();
    v = distance < 0.01 ? Eigen::Vector2d(0.3, -0.2) : Eigen::Vector2d(0, 0);
  }
  const cpab::Flow flow(*basis, (*basis)->ThetaFromVertices(velocities));

  const Eigen::Vector2d x(0.45, 0.5), y = flow(x);
  const Eigen::Vector2d back = flow.Inverse()(y);
  std::printf("T(%g, %g) = (%.6f, %.6f)\n", x.x(), x.y(), y.x(), y.y());
  std::printf("log det = %.6f\n", flow.LogDetJacobian(x));
  std::printf("there and back: %s\n", (back - x).norm() < 1e-12 ? "yes" : "no");
}
