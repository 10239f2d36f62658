// A smoothness prior over velocity fields whose memory and time grow with the
// number of cells, not with its square: for the fine tessellations whose basis
// is stored sparsely (cpab/field/sparse_basis.h).
//
// As in cpab/field/smoothness_prior.h the velocities at the vertices are
// Gaussian with mean zero, a rough field of correlation length `length_scale`
// plus a global affine one. The rough field here is the solution of
//
//   (kappa^2 - Laplace) v = white noise,
//
// by linear finite elements on the cells: its precision is sparse. Its
// covariance is Matern's with smoothness 1/2 in three dimensions, the
// exponential of the dense prior with kappa = 1 / length_scale, and 1 in the
// plane, a little smoother, with kappa = sqrt(2) / length_scale, so that
// correlations fade at the same distance. Its slope normal to the border is 0
// (natural conditions), which lets it vary more there: at a side of the cube
// its variance is twice speed^2.
//
// That holds for length_scale up to about 0.3. From a side of the cube on, the
// whole moves as one, unless zero_boundary forbids it: the standard deviation
// is sqrt(2 pi) length_scale speed in the plane, sqrt(8 pi) length_scale^(3/2)
// speed in space, where the dense prior's stays `speed`.
//
// With Q the rough field's precision and X the vertices' coordinates about the
// centre, u = W theta has the energy
//
//   u^T K^-1 u,   K^-1 = Q - Q X (1 / gradient^2 + X^T Q X)^-1 X^T Q.
//
// Source: [SPDE].
#ifndef CPAB_FIELD_SPARSE_PRIOR_H_
#define CPAB_FIELD_SPARSE_PRIOR_H_

#include <memory>
#include <random>

#include "Eigen/Core"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cpab/field/finite_elements.h"
#include "cpab/field/smoothness_prior.h"
#include "cpab/field/sparse_basis.h"

namespace cpab {

// Immutable; safe to use from many threads. Made once per basis and shared.
class SparsePrior {
 public:
  // Of parts; SparsePriorOf in cpab/batch/basis_prior.h has them from a Basis
  // or a VolumeBasis, and is what users outside of //cpab call.
  //
  // basis: of D V unknowns, D v + a being component a of vertex v's velocity.
  // vertices: [D, V] in the unit square or cube. elements: of the cells between
  // these vertices, as MakeFiniteElements returns them.
  //
  // InvalidArgument if an option is out of range, if the precision is singular
  // to rounding (length_scale far above 1), or if the basis is null, as
  // that of a Basis is which is not stored sparsely. In space memory and time
  // are those of the factor (cpab/field/nested_cholesky.h): 16x16x16 boxes take
  // 0.3 s, 32x32x32 11 s and 1.4 GB.
  static absl::StatusOr<std::shared_ptr<const SparsePrior>> Create(
      std::shared_ptr<const SparseBasis> basis, const Eigen::MatrixXd& vertices,
      const FiniteElements& elements, const PriorOptions& options);
  ~SparsePrior();

  int theta_size() const { return static_cast<int>(basis_->cols()); }

  // theta^T Sigma^-1 theta: 0 for the identity, d on average over samples.
  double Energy(const Eigen::Ref<const Eigen::VectorXd>& theta) const;

  // Sigma^-1 theta.
  Eigen::VectorXd PrecisionTimes(
      const Eigen::Ref<const Eigen::VectorXd>& theta) const;
  // Sigma times each column, [d, m].
  Eigen::MatrixXd CovarianceTimes(
      const Eigen::Ref<const Eigen::MatrixXd>& duals) const;

  // log N(theta; 0, Sigma).
  double LogDensity(const Eigen::Ref<const Eigen::VectorXd>& theta) const;

  // A draw from N(0, Sigma). The same generator state gives the same theta.
  Eigen::VectorXd Sample(std::mt19937_64& generator) const;

  // In terms of z, the columns of the basis' Z, Sigma^-1 is H - R M R^T.
  const std::shared_ptr<const SparseBasis>& basis() const { return basis_; }
  const SparseMatrix& rough() const { return rough_; }           // H
  const Eigen::MatrixXd& affine() const { return affine_; }      // R, or empty.
  const Eigen::MatrixXd& coupling() const { return coupling_; }  // M
  // Where the elements of z lie, [D, d].
  const Eigen::MatrixXd& free_places() const { return free_places_; }

 private:
  class RoughFactor;

  SparsePrior(std::shared_ptr<const SparseBasis> basis,
              const Eigen::MatrixXd& vertices);

  absl::Status Factorise(const Eigen::MatrixXd& vertices,
                         const FiniteElements& elements,
                         const PriorOptions& options);

  std::shared_ptr<const SparseBasis> basis_;
  Eigen::MatrixXd free_places_;
  SparseMatrix rough_;  // H = Z^T Q Z.
  std::unique_ptr<const RoughFactor> rough_factor_;
  Eigen::MatrixXd affine_;            // R = Z^T Q X, [d, D^2].
  Eigen::MatrixXd solved_affine_;     // H^-1 R.
  Eigen::MatrixXd coupling_;          // M = (1 / gradient^2 + X^T Q X)^-1.
  Eigen::MatrixXd affine_deviation_;  // C with C C^T = (M^-1 - R^T H^-1 R)^-1.
  double log_determinant_;            // Of Sigma^-1.
};

}  // namespace cpab

#endif  // CPAB_FIELD_SPARSE_PRIOR_H_
