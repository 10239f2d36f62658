// CPAB with Eigen alone: moves a point along the flow of a velocity field, and
// back.
#include <cstdio>

#include "cpab/flow/flow.h"

int main() {
  const auto basis = cpab::Basis::Create({3, 3, /*zero_boundary=*/true});
  if (!basis.ok()) return std::puts(basis.status().ToString().c_str()), 1;
  const Eigen::VectorXd theta =
      Eigen::VectorXd::Constant((*basis)->theta_size(), 0.1);
  const cpab::Flow flow(*basis, theta);
  const Eigen::Vector2d x(0.45, 0.5), y = flow(x);
  const double error = (flow.Inverse()(y) - x).norm();
  std::printf("T(%g, %g) = (%.6f, %.6f), back within %.1e\n", x.x(), x.y(),
              y.x(), y.y(), error);
  return error < 1e-9 ? 0 : 1;
}
