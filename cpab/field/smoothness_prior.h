// A smoothness prior over velocity fields in any number of dimensions: which
// fields are likely before any data are seen.
//
// The velocities at the vertices are jointly Gaussian with mean zero, the
// components independent, and covariance
//
//   k(p, q) = speed^2 exp(-|p - q| / length_scale)
//           + gradient^2 (p - c).(q - c),
//
// c being the centre of the unit cube:
//
// a rough field with correlation length `length_scale` (the exponential, or
// Matern-1/2, kernel: continuous and, like the field itself, kinked) plus a
// global affine field. Restricted to the fields that the basis spans,
// u = W theta, that is
//
//   theta ~ N(0, Sigma),    Sigma^-1 = W^T K^-1 W.
//
// Why the exponential kernel: smoother ones (Matern-3/2, Gaussian) tie the
// slopes of near keypoints together, so that few pairs carry their slope on to
// far corners, and many are not met. cpab/findings.md has the figures.
//
// Source: [CPAB], its Gaussian prior over fields, which there is over the
// affine maps of the cells, by the distances of the cells' centres.
#ifndef CPAB_FIELD_SMOOTHNESS_PRIOR_H_
#define CPAB_FIELD_SMOOTHNESS_PRIOR_H_

#include <memory>
#include <random>

#include "Eigen/Cholesky"
#include "Eigen/Core"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cpab/field/basis.h"

namespace cpab {

struct PriorOptions {
  // Distance over which velocities are correlated; above 0, in sides of the
  // square.
  double length_scale = 0.3;
  // Standard deviation of the rough field's velocity, in sides of the square
  // per unit time; above 0.
  double speed = 1;
  // Standard deviation of each entry of the global affine field's gradient,
  // per unit time; at least 0.
  double gradient = 0.3;
};

// Immutable; safe to use from many threads. Made once per basis and shared:
// creation takes a Cholesky factorisation in the number of vertices and one in
// the length of theta.
class SmoothnessPrior {
 public:
  // vertices:     [D, V] in the unit cube, D = 1 to 3.
  // vertex_basis: W, [D V, d]: row D v + a is component a of vertex v's
  //               velocity.
  // InvalidArgument if an option is out of range, if the covariance is singular
  // to rounding (length_scale beyond about 1e9, speed below 1e-6 of gradient),
  // or if the basis is stored sparsely and W empty: those have
  // cpab/field/sparse_prior.h.
  static absl::StatusOr<std::shared_ptr<const SmoothnessPrior>> Create(
      const Eigen::MatrixXd& vertices, const RowMajorMatrix& vertex_basis,
      const PriorOptions& options);

  // InvalidArgument if an option is out of range.
  static absl::Status Validate(const PriorOptions& options);

  // InvalidArgument if a matrix of these options is singular to rounding: the
  // diagonals of its Cholesky factor, NaN if there is none, and of itself.
  static absl::Status CheckFactor(const Eigen::VectorXd& of_factor,
                                  const Eigen::VectorXd& of_matrix,
                                  const PriorOptions& options);
  static absl::Status CheckFactor(const Eigen::LLT<Eigen::MatrixXd>& factor,
                                  const Eigen::VectorXd& of_matrix,
                                  const PriorOptions& options);

  // Sigma, [d, d].
  const Eigen::MatrixXd& covariance() const { return covariance_; }
  // Sigma^-1, [d, d].
  const Eigen::MatrixXd& precision() const { return precision_; }

  // As SparsePrior, so that templates take either: d, Sigma^-1 theta, and Sigma
  // times each column, [d, m].
  int theta_size() const { return static_cast<int>(precision_.rows()); }
  Eigen::VectorXd PrecisionTimes(
      const Eigen::Ref<const Eigen::VectorXd>& theta) const {
    return precision_ * theta;
  }
  Eigen::MatrixXd CovarianceTimes(
      const Eigen::Ref<const Eigen::MatrixXd>& duals) const {
    return covariance_ * duals;
  }

  // theta^T Sigma^-1 theta: 0 for the identity, d on average over samples.
  double Energy(const Eigen::Ref<const Eigen::VectorXd>& theta) const;

  // log N(theta; 0, Sigma).
  double LogDensity(const Eigen::Ref<const Eigen::VectorXd>& theta) const;

  // A draw from N(0, Sigma). The same generator state gives the same theta.
  Eigen::VectorXd Sample(std::mt19937_64& generator) const;

 protected:
  SmoothnessPrior() = default;

  // As Create() has it.
  absl::Status Init(const Eigen::MatrixXd& vertices,
                    const RowMajorMatrix& vertex_basis,
                    const PriorOptions& options);

 private:
  Eigen::MatrixXd precision_;
  Eigen::MatrixXd covariance_;
  Eigen::MatrixXd factor_;  // L with L L^T = Sigma^-1, lower triangular.
};

}  // namespace cpab

#endif  // CPAB_FIELD_SMOOTHNESS_PRIOR_H_
