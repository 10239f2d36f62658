#include "cpab/keypoint_objective.h"

#include <cmath>
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

double ResidualNorm::Squared(const Eigen::Matrix2Xd& r) const {
  return r.colwise().squaredNorm().dot(weights_);
}

double ResidualNorm::Rho(const Eigen::Matrix2Xd& r) const {
  return std::sqrt(Squared(r) + floor_);
}

double ResidualNorm::Value(const Eigen::Matrix2Xd& r, double tension) const {
  // rho - rho_0 without cancellation.
  return tension * Squared(r) / (Rho(r) + std::sqrt(floor_));
}

Eigen::Matrix2Xd ResidualNorm::Forces(const Eigen::Matrix2Xd& r,
                                      double tension) const {
  return tension / Rho(r) * (r.array().rowwise() * weights_.array()).matrix();
}

Eigen::RowVectorXd ResidualNorm::Compliance(const Eigen::Matrix2Xd& r,
                                            double tension) const {
  return Rho(r) / tension * weights_.cwiseInverse();
}

Eigen::Matrix2Xd ResidualNorm::HessianTimes(const Eigen::Matrix2Xd& r,
                                            double tension,
                                            const Eigen::Matrix2Xd& v) const {
  const double rho = Rho(r);
  const double along = (r.cwiseProduct(v)).colwise().sum().dot(weights_);
  return tension / rho *
         ((v - along / (rho * rho) * r).array().rowwise() * weights_.array())
             .matrix();
}

Eigen::MatrixXd ResidualNorm::InverseHessian(const Eigen::Matrix2Xd& r,
                                             double tension) const {
  const Eigen::Map<const Eigen::VectorXd> flat(r.data(), r.size());
  Eigen::MatrixXd inverse = flat * flat.transpose() / floor_;
  for (int i = 0; i < inverse.rows(); ++i) inverse(i, i) += 1 / weights_[i / 2];
  return Rho(r) / tension * inverse;
}

double MaxGradient(const CellCoefficients& cells) {
  return std::sqrt(
      (cells.col(0).array().square() + cells.col(1).array().square() +
       cells.col(3).array().square() + cells.col(4).array().square())
          .maxCoeff());
}

}  // namespace cpab
