// The objective of keypoint inference about one field, to second order. With
// the forces f = dE/dT of the pairs and the flow's Jacobian J = dT/dtheta,
//
//   grad E = Sigma^-1 theta - J^T f,
//   Hess E = G - C,    G = Sigma^-1 + J^T H J,    C = d(J^T f)/dtheta, f kept,
//
// where H is the exact Hessian of the norm. G, the Gauss-Newton Hessian, is
// positive definite at every theta. C comes from the curvature of the flow and
// grows with the forces: it can leave Hess E near singular or indefinite.
//
// Private to //cpab/fit and to a test of //cpab/cuda.
#ifndef CPAB_FIT_KEYPOINT_CURVATURE_H_
#define CPAB_FIT_KEYPOINT_CURVATURE_H_

#include "Eigen/Core"
#include "cpab/field/velocity_field.h"
#include "cpab/fit/dual_system.h"
#include "cpab/fit/fit_problem.h"
#include "cpab/fit/keypoint_objective.h"
#include "cpab/fit/objective_curvature.h"

namespace cpab {

// Refers to `model` and `pairs`, which must outlive it. `pairs` has at least
// one pair.
class KeypointCurvature : public ObjectiveCurvature {
 public:
  KeypointCurvature(const FitModel& model, const FitOptions& options,
                    const WeightedPairs& pairs, double tension,
                    const Eigen::VectorXd& theta);

  double cost() const { return cost_; }  // E
  // What rounding leaves uncertain of E.
  double rounding() const {
    return norm_.Rounding(flow_.residual, tension_, pairs_.Size());
  }
  const Eigen::VectorXd& gradient() const { return gradient_; }  // [d]

  // G^-1 v.
  Eigen::VectorXd SolveGaussNewton(const Eigen::VectorXd& v) const override;

  // H J v: how the forces change as theta moves along v, [2, K].
  Eigen::Matrix2Xd ForceChange(const Eigen::VectorXd& v) const;

  // C v: how J^T f changes as theta moves along v, f kept. By a difference of
  // J^T f to one side, good to 1e-5 of it.
  Eigen::VectorXd CurvatureTimes(const Eigen::VectorXd& v) const override;
  Eigen::VectorXd CentralCurvatureTimes(
      const Eigen::VectorXd& v) const override {
    return TransportAlong(v).theta;
  }

  // C v, and how (dT/dp)^T f changes as theta moves along v, f kept, [2, K]. By
  // central differences: twice the work, good to 1e-10.
  struct Transport {
    Eigen::VectorXd theta;
    Eigen::Matrix2Xd points;
  };
  Transport TransportAlong(const Eigen::VectorXd& v) const;

  // (dT/dp)^T f for f [2, K].
  Eigen::Matrix2Xd ToPoints(const Eigen::Matrix2Xd& f) const;

 private:
  Eigen::VectorXd ToTheta(const VertexVector& force) const;

  const FitModel& model_;
  const WeightedPairs& pairs_;
  ResidualNorm norm_;
  double tension_;
  VelocityField field_;
  FlowAtPairs flow_;
  Eigen::Matrix2Xd forces_;
  VertexVector vertex_force_;  // (dT/du)^T f; J^T f = W^T of it.
  double cost_;
  Eigen::VectorXd gradient_;
  // The inverse of J Sigma J^T + H^-1 is dual_^-1 - outer_ outer_^T: dual_ has
  // the diagonal part of H^-1 = diag + r r^T / s, [2 K, 2 K], and outer_ is
  // dual_^-1 r / sqrt(s + r . dual_^-1 r).
  DualSystem dual_;
  Eigen::VectorXd outer_;
};

}  // namespace cpab

#endif  // CPAB_FIT_KEYPOINT_CURVATURE_H_
