// The linear system of a Gauss-Newton step in registration.
//
// Private to //cpab.
#ifndef CPAB_REGISTRATION_NORMAL_EQUATIONS_H_
#define CPAB_REGISTRATION_NORMAL_EQUATIONS_H_

#include <utility>

#include "Eigen/Cholesky"
#include "Eigen/Core"

namespace cpab {

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
