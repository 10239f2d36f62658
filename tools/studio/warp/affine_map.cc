// Tested by point_map_test.cc.
#include "tools/studio/warp/affine_map.h"

#include <cmath>
#include <limits>

#include "Eigen/LU"
#include "Eigen/QR"

namespace studio {
namespace {

// Below this the points of a fit lie on one line: rounding of coordinates of
// size 1, squared in nothing.
constexpr double kRankThreshold = 1e-9;

}  // namespace

AffineMap AffineMap::Fit(const Eigen::Matrix2Xd& from,
                         const Eigen::Matrix2Xd& to) {
  AffineMap map;
  if (from.cols() == 0) return map;
  const Eigen::Matrix2Xd displacement = to - from;
  map.centre_ = from.rowwise().mean();
  map.translation_ = displacement.rowwise().mean();
  Eigen::CompleteOrthogonalDecomposition<Eigen::MatrixXd> solver;
  solver.setThreshold(kRankThreshold);
  solver.compute((from.colwise() - map.centre_).transpose());
  map.gradient_ =
      solver
          .solve((displacement.colwise() - map.translation_).transpose().eval())
          .transpose();
  return map;
}

AffineMap AffineMap::Inverse() const {
  // y = c + t + (1 + G)(x - c), so x = y - t + H (y - c - t) with
  // 1 + H = (1 + G)^-1, H = -(1 + G)^-1 G.
  AffineMap inverse;
  inverse.centre_ = centre_ + translation_;
  inverse.translation_ = -translation_;
  const Eigen::Matrix2d jacobian = Eigen::Matrix2d::Identity() + gradient_;
  if (std::abs(jacobian.determinant()) <
      std::numeric_limits<double>::epsilon()) {
    inverse.gradient_.setConstant(std::numeric_limits<double>::quiet_NaN());
  } else {
    inverse.gradient_ = -jacobian.inverse() * gradient_;
  }
  return inverse;
}

Eigen::Matrix2Xd AffineMap::Apply(const Eigen::Matrix2Xd& points) const {
  return points +
         ((gradient_ * (points.colwise() - centre_)).colwise() + translation_);
}

Eigen::VectorXd AffineMap::Determinants(const Eigen::Matrix2Xd& points) const {
  return Eigen::VectorXd::Constant(
      points.cols(), (Eigen::Matrix2d::Identity() + gradient_).determinant());
}

}  // namespace studio
