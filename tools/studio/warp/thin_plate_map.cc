#include "tools/studio/warp/thin_plate_map.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "Eigen/Cholesky"
#include "Eigen/LU"
#include "Eigen/QR"

namespace studio {
namespace {

// U of squared distances. The smallest number keeps 0 log 0 at 0.
template <typename Derived>
auto Kernel(const Eigen::ArrayBase<Derived>& squares) {
  return squares * (squares + std::numeric_limits<double>::min()).log();
}

// [N, K] of [2, N] and [2, K].
Eigen::MatrixXd KernelMatrix(const Eigen::Matrix2Xd& x,
                             const Eigen::Matrix2Xd& centres) {
  Eigen::MatrixXd kernel(x.cols(), centres.cols());
  for (Eigen::Index k = 0; k < centres.cols(); ++k) {
    kernel.col(k) =
        Kernel((x.colwise() - centres.col(k)).colwise().squaredNorm().array())
            .transpose();
  }
  return kernel;
}

// An orthonormal basis of the weights that no affine function notices,
// [K, K - rank].
Eigen::MatrixXd BalancedWeights(const Eigen::Matrix2Xd& points) {
  constexpr double kRankThreshold = 1e-9;
  Eigen::MatrixXd affine(points.cols(), 3);
  affine << Eigen::VectorXd::Ones(points.cols()), points.transpose();
  Eigen::ColPivHouseholderQR<Eigen::MatrixXd> qr;
  qr.setThreshold(kRankThreshold);
  qr.compute(affine);
  const Eigen::MatrixXd q = qr.householderQ();
  return q.rightCols(points.cols() - qr.rank());
}

}  // namespace

ThinPlateMap ThinPlateMap::Fit(const Eigen::Matrix2Xd& from,
                               const Eigen::Matrix2Xd& to) {
  ThinPlateMap map;
  map.centres_ = from;
  map.weights_ = Eigen::Matrix2Xd::Zero(2, from.cols());
  if (from.cols() == 0) return map;
  const Eigen::MatrixXd kernel = KernelMatrix(from, from);
  const Eigen::MatrixXd balanced = BalancedWeights(from);
  if (balanced.cols() > 0) {
    // Positive definite: U is so for balanced weights of distinct points.
    const Eigen::MatrixXd gram = balanced.transpose() * kernel * balanced;
    const Eigen::MatrixXd solution =
        gram.ldlt().solve(balanced.transpose() * (to - from).transpose());
    map.weights_ = (balanced * solution).transpose();
  }
  map.affine_ = AffineMap::Fit(from, to - map.weights_ * kernel.transpose());
  return map;
}

Eigen::Matrix2Xd ThinPlateMap::Apply(const Eigen::Matrix2Xd& points) const {
  // In blocks whose kernels stay in the processor's cache.
  constexpr Eigen::Index kBlock = 512;
  Eigen::Matrix2Xd moved(2, points.cols());
  for (Eigen::Index begin = 0; begin < points.cols(); begin += kBlock) {
    const Eigen::Index count = std::min(kBlock, points.cols() - begin);
    const Eigen::Matrix2Xd x = points.middleCols(begin, count);
    moved.middleCols(begin, count) =
        affine_.Apply(x) + weights_ * KernelMatrix(x, centres_).transpose();
  }
  return moved;
}

Eigen::Matrix2d ThinPlateMap::Jacobian(const Eigen::Vector2d& x) const {
  // dU/dx = 2 (log s + 1) (x - p), 0 at p itself.
  Eigen::Matrix2d jacobian = Eigen::Matrix2d::Identity() + affine_.gradient();
  for (Eigen::Index k = 0; k < centres_.cols(); ++k) {
    const Eigen::Vector2d offset = x - centres_.col(k);
    const double square = offset.squaredNorm();
    if (square == 0) continue;
    jacobian +=
        2 * (std::log(square) + 1) * weights_.col(k) * offset.transpose();
  }
  return jacobian;
}

Eigen::VectorXd ThinPlateMap::Determinants(
    const Eigen::Matrix2Xd& points) const {
  Eigen::VectorXd determinants(points.cols());
  for (Eigen::Index n = 0; n < points.cols(); ++n) {
    determinants[n] = Jacobian(points.col(n)).determinant();
  }
  return determinants;
}

InverseThinPlateMap::InverseThinPlateMap(ThinPlateMap spline,
                                         ThinPlateMap guess)
    : spline_(std::move(spline)), guess_(std::move(guess)) {}

InverseThinPlateMap InverseThinPlateMap::Fit(const Eigen::Matrix2Xd& from,
                                             const Eigen::Matrix2Xd& to) {
  return InverseThinPlateMap(ThinPlateMap::Fit(from, to),
                             ThinPlateMap::Fit(to, from));
}

Eigen::Matrix2Xd InverseThinPlateMap::Apply(
    const Eigen::Matrix2Xd& points) const {
  constexpr int kSteps = 8;
  constexpr double kClose = 1e-9;  // of the square's side
  const Eigen::Matrix2Xd guess = guess_.Apply(points);
  Eigen::Matrix2Xd y = guess;
  for (int step = 0; step < kSteps; ++step) {
    const Eigen::Matrix2Xd residual = points - spline_.Apply(y);
    for (Eigen::Index n = 0; n < y.cols(); ++n) {
      if (residual.col(n).norm() < kClose) continue;
      y.col(n) += spline_.Jacobian(y.col(n)).inverse() * residual.col(n);
    }
  }
  const Eigen::Matrix2Xd residual = points - spline_.Apply(y);
  for (Eigen::Index n = 0; n < y.cols(); ++n) {
    if (!(residual.col(n).norm() < kClose)) y.col(n) = guess.col(n);
  }
  return y;
}

Eigen::VectorXd InverseThinPlateMap::Determinants(
    const Eigen::Matrix2Xd& points) const {
  return spline_.Determinants(Apply(points)).cwiseInverse();
}

}  // namespace studio
