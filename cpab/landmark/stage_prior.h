// The prior of fields that change in time: with n stages theta [n d] holds
// those of all stages, one after the other, and
//
//   theta^T Sigma^-1 theta = mean over i of theta_i^T S^-1 theta_i,
//
// S^-1 being the prior's of one field (cpab/field/smoothness_prior.h, or
// cpab/field/sparse_prior.h of a basis that is stored sparsely).
//
// Private to //cpab/landmark.
#ifndef CPAB_LANDMARK_STAGE_PRIOR_H_
#define CPAB_LANDMARK_STAGE_PRIOR_H_

#include <memory>

#include "Eigen/Core"
#include "cpab/field/basis.h"
#include "cpab/field/smoothness_prior.h"
#include "cpab/field/sparse_prior.h"

namespace cpab {

// Immutable; safe to use from many threads.
class StagePrior {
 public:
  static std::unique_ptr<const StagePrior> Create(
      std::shared_ptr<const SmoothnessPrior> prior, int num_stages);
  static std::unique_ptr<const StagePrior> Create(
      std::shared_ptr<const SparsePrior> prior, int num_stages);

  virtual ~StagePrior() = default;

  virtual int theta_size() const = 0;  // n d

  // theta^T Sigma^-1 theta.
  virtual double Energy(const Eigen::VectorXd& theta) const = 0;
  // Sigma^-1 theta.
  virtual Eigen::VectorXd PrecisionTimes(
      const Eigen::VectorXd& theta) const = 0;
  // Sigma J^T, [n d, rows], of J [rows, n d].
  virtual Eigen::MatrixXd CovarianceTimesTranspose(
      const RowMajorMatrix& J) const = 0;
  // Whether it is of matrices, not of a basis that is stored sparsely.
  virtual bool is_dense() const = 0;
  // Sigma^-1, [n d, n d]; only of a dense prior. A new matrix, of which all but
  // the n blocks [d, d] along the diagonal is 0.
  virtual Eigen::MatrixXd Precision() const = 0;
};

}  // namespace cpab

#endif  // CPAB_LANDMARK_STAGE_PRIOR_H_
