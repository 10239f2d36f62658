#include "cpab/fit/keypoint_objective.h"

#include <cmath>
#include <limits>
#include <utility>

namespace cpab {

FitModel::FitModel(std::shared_ptr<const Prior> shared_prior)
    : prior(std::move(shared_prior)) {
  const RowMajorMatrix& vertex_basis = basis()->vertex_basis();  // W
  theta_from_force = prior->covariance() * vertex_basis.transpose();
  vertex_covariance = vertex_basis * theta_from_force;
}

FlowAtPairs::FlowAtPairs(const VelocityField& field, const WeightedPairs& pairs)
    : jacobian(SensitivitiesOfPoints(field, pairs.from),
               field.tessellation().num_vertices()),
      residual(pairs.to) {
  for (int k = 0; k < residual.cols(); ++k) {
    residual.col(k) -= jacobian.point(k).y;
  }
}

// Every norm below is rho - rho_0 with rho^2 = sum of w |r|^2 + floor over its
// pairs: all of them, or one, of weight 1 in its own norm and then weighted.
ResidualNorm::ResidualNorm(const Eigen::RowVectorXd& weights,
                           const FitOptions& options)
    : weights_(weights), joint_(options.norm == FitOptions::Norm::kJoint) {
  const double noise = options.noise * options.noise;
  floor_ = joint_ ? noise * weights.sum() : noise;
  share_ = joint_ ? 1 : 1 / std::sqrt(weights.sum());
}

Eigen::RowVectorXd ResidualNorm::Dot(const Eigen::Matrix2Xd& r,
                                     const Eigen::Matrix2Xd& v) const {
  Eigen::RowVectorXd dot = r.cwiseProduct(v).colwise().sum();
  if (joint_) dot.setConstant(dot.dot(weights_));
  return dot;
}

Eigen::RowVectorXd ResidualNorm::Rho(const Eigen::Matrix2Xd& r) const {
  return (Dot(r, r).array() + floor_).sqrt();
}

double ResidualNorm::Value(const Eigen::Matrix2Xd& r, double tension) const {
  // rho - rho_0 without cancellation.
  const Eigen::ArrayXXd excess =
      r.colwise().squaredNorm().array() / (Rho(r).array() + std::sqrt(floor_));
  return tension * share_ * (excess * weights_.array()).sum();
}

Eigen::Matrix2Xd ResidualNorm::Forces(const Eigen::Matrix2Xd& r,
                                      double tension) const {
  return (r.array().rowwise() / Compliance(r, tension).array()).matrix();
}

// Each residual is uncertain by a few epsilon of `size`: to first order forces
// times that, and of second order at a residual of 0, where forces vanish.
double ResidualNorm::Rounding(const Eigen::Matrix2Xd& r, double tension,
                              double size) const {
  const double unit = 8 * std::numeric_limits<double>::epsilon() * size;
  return unit * Forces(r, tension).colwise().norm().sum() +
         unit * unit * tension * share_ * weights_.sum() / std::sqrt(floor_);
}

Eigen::RowVectorXd ResidualNorm::Compliance(const Eigen::Matrix2Xd& r,
                                            double tension) const {
  return Rho(r).cwiseQuotient(tension * share_ * weights_);
}

Eigen::Matrix2Xd ResidualNorm::HessianTimes(const Eigen::Matrix2Xd& r,
                                            double tension,
                                            const Eigen::Matrix2Xd& v) const {
  const Eigen::RowVectorXd along = Dot(r, v).cwiseQuotient(Rho(r).cwiseAbs2());
  return ((v.array() - r.array().rowwise() * along.array()).rowwise() /
          Compliance(r, tension).array())
      .matrix();
}

Eigen::MatrixXd ResidualNorm::InverseHessian(const Eigen::Matrix2Xd& r,
                                             double tension) const {
  // Of a joint norm (rho / tension) (diag 1/w + r r^T / floor); of one pair's
  // w rho, (rho / (tension w)) (I + r r^T / floor).
  const Eigen::RowVectorXd compliance = Compliance(r, tension);
  Eigen::MatrixXd inverse = Eigen::MatrixXd::Zero(r.size(), r.size());
  for (int k = 0; k < r.cols(); ++k) {
    inverse.diagonal().segment<2>(2 * k).setConstant(compliance[k]);
    const double scale = compliance[k] * (joint_ ? weights_[k] : 1);
    for (int j = 0; j < r.cols(); ++j) {
      if (!joint_ && j != k) continue;
      inverse.block<2, 2>(2 * j, 2 * k) +=
          scale / floor_ * r.col(j) * r.col(k).transpose();
    }
  }
  return inverse;
}

TensionChange LoweredTension(double max_gradient, const FitOptions& options) {
  const double excess = max_gradient / options.max_gradient;
  const double factor = 0.98 / (excess * excess);
  if (factor <= 0.25) return {0.25, 0};
  return {factor, -2 * factor / max_gradient};
}

double WeightedSquaredNorm(const Eigen::Matrix2Xd& r,
                           const Eigen::RowVectorXd& weights) {
  return r.colwise().squaredNorm().dot(weights);
}

double MaxGradient(const CellCoefficients& cells) {
  return std::sqrt(
      (cells.col(0).array().square() + cells.col(1).array().square() +
       cells.col(3).array().square() + cells.col(4).array().square())
          .maxCoeff());
}

}  // namespace cpab
