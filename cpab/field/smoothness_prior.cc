#include "cpab/field/smoothness_prior.h"

#include <cmath>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "third_party/absl/status_macros.h"

namespace cpab {
namespace {

// A pivot that is this share of the diagonal has lost twelve of its sixteen
// digits to rounding.
constexpr double kLeastPivot = 1e-12;

// K, [vertices, vertices]: the covariance of one velocity component.
template <int D>
Eigen::MatrixXd VertexCovariance(
    const Eigen::Matrix<double, D, Eigen::Dynamic>& vertices,
    const PriorOptions& options) {
  const Eigen::Matrix<double, D, Eigen::Dynamic> centred =
      vertices.array() - 0.5;
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

// With the number of dimensions known at compile time.
Eigen::MatrixXd VertexCovarianceOf(const Eigen::MatrixXd& vertices,
                                   const PriorOptions& options) {
  switch (vertices.rows()) {
    case 1:
      return VertexCovariance<1>(vertices, options);
    case 2:
      return VertexCovariance<2>(vertices, options);
    default:
      return VertexCovariance<3>(vertices, options);
  }
}

}  // namespace

absl::Status SmoothnessPrior::Validate(const PriorOptions& options) {
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

absl::StatusOr<std::shared_ptr<const SmoothnessPrior>> SmoothnessPrior::Create(
    const Eigen::MatrixXd& vertices, const RowMajorMatrix& vertex_basis,
    const PriorOptions& options) {
  std::shared_ptr<SmoothnessPrior> prior(new SmoothnessPrior);
  RETURN_IF_ERROR(prior->Init(vertices, vertex_basis, options));
  return prior;
}

absl::Status SmoothnessPrior::CheckFactor(const Eigen::VectorXd& of_factor,
                                          const Eigen::VectorXd& of_matrix,
                                          const PriorOptions& options) {
  // NaN is not.
  if ((of_factor.array().square() / of_matrix.array() >= kLeastPivot).all()) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "prior.length_scale is ", options.length_scale, ", prior.speed ",
      options.speed, " and prior.gradient ", options.gradient,
      ": the covariance of theta is singular to rounding; use a length_scale "
      "of at most 1, and a speed and gradient closer to 1"));
}

absl::Status SmoothnessPrior::CheckFactor(
    const Eigen::LLT<Eigen::MatrixXd>& factor, const Eigen::VectorXd& of_matrix,
    const PriorOptions& options) {
  Eigen::VectorXd of_factor = factor.matrixLLT().diagonal();
  if (factor.info() != Eigen::Success) of_factor.setConstant(std::nan(""));
  return CheckFactor(of_factor, of_matrix, options);
}

absl::Status SmoothnessPrior::Init(const Eigen::MatrixXd& vertices,
                                   const RowMajorMatrix& vertex_basis,
                                   const PriorOptions& options) {
  RETURN_IF_ERROR(Validate(options));
  if (vertex_basis.rows() != vertices.size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the basis of ", vertices.cols(),
        " vertices is stored sparsely, and this needs a dense one: use at most "
        "32x32 cells, or 8x8x8, without sparse_basis"));
  }
  const Eigen::MatrixXd covariance = VertexCovarianceOf(vertices, options);
  const Eigen::LLT<Eigen::MatrixXd> vertex_factor(covariance);
  RETURN_IF_ERROR(CheckFactor(vertex_factor, covariance.diagonal(), options));
  // Row D v + a of W is component a of vertex v: seen as [vertices, D d], all
  // components are whitened by one solve.
  const Eigen::Index dimensions = vertices.rows();
  RowMajorMatrix whitened = Eigen::Map<const RowMajorMatrix>(
      vertex_basis.data(), vertex_basis.rows() / dimensions,
      dimensions * vertex_basis.cols());
  vertex_factor.matrixL().solveInPlace(whitened);
  const Eigen::Map<const RowMajorMatrix> columns(
      whitened.data(), vertex_basis.rows(), vertex_basis.cols());
  precision_ = columns.transpose() * columns;

  const Eigen::LLT<Eigen::MatrixXd> factor(precision_);
  const auto size = precision_.rows();
  RETURN_IF_ERROR(CheckFactor(factor, precision_.diagonal(), options));
  factor_ = factor.matrixL();
  covariance_ = factor.solve(Eigen::MatrixXd::Identity(size, size));
  covariance_ = (0.5 * (covariance_ + covariance_.transpose())).eval();
  return absl::OkStatus();
}

double SmoothnessPrior::Energy(
    const Eigen::Ref<const Eigen::VectorXd>& theta) const {
  return (factor_.transpose().triangularView<Eigen::Upper>() * theta)
      .squaredNorm();
}

double SmoothnessPrior::LogDensity(
    const Eigen::Ref<const Eigen::VectorXd>& theta) const {
  const double log_two_pi = std::log(2 * M_PI);
  return factor_.diagonal().array().log().sum() -
         0.5 * (theta.size() * log_two_pi + Energy(theta));
}

Eigen::VectorXd SmoothnessPrior::Sample(std::mt19937_64& generator) const {
  std::normal_distribution<double> normal;
  Eigen::VectorXd white(precision_.rows());
  for (double& w : white) w = normal(generator);
  return factor_.transpose().triangularView<Eigen::Upper>().solve(white);
}

}  // namespace cpab
