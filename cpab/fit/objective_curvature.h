// What a solver of systems with an objective's Hessian needs of the objective
// about one field: Hess E = G - C, with the Gauss-Newton Hessian G, positive
// definite, and the curvature C that the flow adds.
//
// Private to //cpab.
#ifndef CPAB_FIT_OBJECTIVE_CURVATURE_H_
#define CPAB_FIT_OBJECTIVE_CURVATURE_H_

#include "Eigen/Core"

namespace cpab {

class ObjectiveCurvature {
 public:
  virtual ~ObjectiveCurvature() = default;

  // G^-1 v.
  virtual Eigen::VectorXd SolveGaussNewton(const Eigen::VectorXd& v) const = 0;

  // C v, by differences to one side, good to 1e-5 of it, and by central ones:
  // twice the work, good to 1e-10.
  virtual Eigen::VectorXd CurvatureTimes(const Eigen::VectorXd& v) const = 0;
  virtual Eigen::VectorXd CentralCurvatureTimes(
      const Eigen::VectorXd& v) const = 0;
};

}  // namespace cpab

#endif  // CPAB_FIT_OBJECTIVE_CURVATURE_H_
