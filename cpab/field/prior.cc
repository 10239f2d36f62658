#include "cpab/field/prior.h"

#include <cmath>
#include <utility>

#include "Eigen/Cholesky"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "third_party/absl/status_macros.h"

namespace cpab {
namespace {

absl::Status Validate(const PriorOptions& options) {
  const auto above_zero = [](double x) { return std::isfinite(x) && x > 0; };
  if (!above_zero(options.length_scale)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "prior.length_scale is ", options.length_scale, "; use above 0"));
  }
  if (!above_zero(options.speed)) {
    return absl::InvalidArgumentError(
        absl::StrCat("prior.speed is ", options.speed, "; use above 0"));
  }
  if (!std::isfinite(options.gradient) || options.gradient < 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "prior.gradient is ", options.gradient, "; use at least 0"));
  }
  return absl::OkStatus();
}

// K, [vertices, vertices]: the covariance of one velocity component.
Eigen::MatrixXd VertexCovariance(const Eigen::Matrix2Xd& vertices,
                                 const PriorOptions& options) {
  const Eigen::Matrix2Xd centred = vertices.array() - 0.5;
  Eigen::MatrixXd covariance =
      std::pow(options.gradient, 2) * centred.transpose() * centred;
  for (int q = 0; q < vertices.cols(); ++q) {
    const Eigen::ArrayXd distance =
        (vertices.colwise() - vertices.col(q)).colwise().norm().transpose();
    covariance.col(q).array() +=
        std::pow(options.speed, 2) * (-distance / options.length_scale).exp();
  }
  return covariance;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Prior>> Prior::Create(
    std::shared_ptr<const Basis> basis, const PriorOptions& options) {
  RETURN_IF_ERROR(Validate(options));
  return std::shared_ptr<const Prior>(new Prior(std::move(basis), options));
}

Prior::Prior(std::shared_ptr<const Basis> basis, const PriorOptions& options)
    : basis_(std::move(basis)) {
  const Eigen::LLT<Eigen::MatrixXd> vertex_factor(
      VertexCovariance(basis_->tessellation().vertices(), options));
  // Row 2 v + a of W is component a of vertex v: seen as [vertices, 2 d], both
  // components are whitened by one solve.
  const RowMajorMatrix& vertex_basis = basis_->vertex_basis();
  RowMajorMatrix whitened = Eigen::Map<const RowMajorMatrix>(
      vertex_basis.data(), vertex_basis.rows() / 2, 2 * vertex_basis.cols());
  vertex_factor.matrixL().solveInPlace(whitened);
  const Eigen::Map<const RowMajorMatrix> columns(
      whitened.data(), vertex_basis.rows(), vertex_basis.cols());
  precision_ = columns.transpose() * columns;

  const Eigen::LLT<Eigen::MatrixXd> factor(precision_);
  const auto size = precision_.rows();
  factor_ = factor.matrixL();
  covariance_ = factor.solve(Eigen::MatrixXd::Identity(size, size));
  covariance_ = (0.5 * (covariance_ + covariance_.transpose())).eval();
}

double Prior::Energy(const Eigen::Ref<const Eigen::VectorXd>& theta) const {
  return (factor_.transpose().triangularView<Eigen::Upper>() * theta)
      .squaredNorm();
}

double Prior::LogDensity(const Eigen::Ref<const Eigen::VectorXd>& theta) const {
  const double log_two_pi = std::log(2 * M_PI);
  return factor_.diagonal().array().log().sum() -
         0.5 * (theta.size() * log_two_pi + Energy(theta));
}

Eigen::VectorXd Prior::Sample(std::mt19937_64& generator) const {
  std::normal_distribution<double> normal;
  Eigen::VectorXd white(precision_.rows());
  for (double& w : white) w = normal(generator);
  return factor_.transpose().triangularView<Eigen::Upper>().solve(white);
}

}  // namespace cpab
