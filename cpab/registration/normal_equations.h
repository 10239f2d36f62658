// The linear system of a Gauss-Newton step in registration.
//
// Private to //cpab.
#ifndef CPAB_REGISTRATION_NORMAL_EQUATIONS_H_
#define CPAB_REGISTRATION_NORMAL_EQUATIONS_H_

#include <utility>

#include "Eigen/Cholesky"
#include "Eigen/Core"
#include "Eigen/SparseCore"
#include "cpab/field/basis.h"

namespace cpab {

// The Hessian [n d, n d] by theta of n stages, of H [n u, n u] by the
// velocities u = W theta in each of them: the blocks W^T H_ij W. Of H the
// blocks i <= j are read, and of those with i = j the upper triangle. Few
// entries of H are not 0, as a vertex shares pixels or voxels with those near
// it alone.
inline Eigen::MatrixXd HessianByTheta(const Eigen::Ref<const RowMajorMatrix>& W,
                                      const Eigen::MatrixXd& H,
                                      int num_stages) {
  const Eigen::Index d = W.cols(), u = W.rows();
  Eigen::MatrixXd result(num_stages * d, num_stages * d);
  for (int i = 0; i < num_stages; ++i) {
    for (int j = i; j < num_stages; ++j) {
      Eigen::MatrixXd block = H.block(i * u, j * u, u, u).transpose();
      if (i == j) block = block.selfadjointView<Eigen::Lower>();
      const Eigen::SparseMatrix<double, Eigen::RowMajor> entries =
          block.sparseView();
      // By rows, as is W: many times as fast as columns of such a product.
      const RowMajorMatrix product = entries * W;
      auto below = result.block(j * d, i * d, d, d);
      if (i == j) {
        below.triangularView<Eigen::Lower>() = W.transpose() * product;
      } else {
        below.noalias() = W.transpose() * product;
      }
    }
  }
  return result.selfadjointView<Eigen::Lower>();
}

// Of an objective at one theta: its gradient, and a positive definite
// approximation of its Hessian.
class NormalEquations {
 public:
  virtual ~NormalEquations() = default;

  // The x with (Hessian + damping D) x = gradient, D a positive definite matrix
  // of the implementation's choice: theta - x is the step's end.
  virtual Eigen::VectorXd Solve(double damping) const = 0;
};

// By a matrix [d, d], of which the lower triangle is read. D is its diagonal.
class DenseNormalEquations : public NormalEquations {
 public:
  DenseNormalEquations(Eigen::VectorXd gradient, Eigen::MatrixXd hessian)
      : gradient_(std::move(gradient)), hessian_(std::move(hessian)) {}

  Eigen::VectorXd Solve(double damping) const override {
    Eigen::MatrixXd damped = hessian_;
    damped.diagonal() *= 1 + damping;
    return damped.selfadjointView<Eigen::Lower>().llt().solve(gradient_);
  }

 private:
  Eigen::VectorXd gradient_;
  Eigen::MatrixXd hessian_;
};

}  // namespace cpab

#endif  // CPAB_REGISTRATION_NORMAL_EQUATIONS_H_
