// The objective of keypoint inference at one field, and its quadratic model:
// what cpab/fit.cc minimises and cpab/fit_gradient.cc differentiates.
//
// A field is given by forces at the vertices: u = W Sigma W^T force are its
// vertex velocities, theta = Sigma W^T force its coefficients, and
// theta^T Sigma^-1 theta = force . u its energy. All that the minimiser meets
// is of this form, because the minimum is theta = Sigma J^T alpha.
//
// Private to //cpab.
#ifndef CPAB_KEYPOINT_OBJECTIVE_H_
#define CPAB_KEYPOINT_OBJECTIVE_H_

#include <memory>
#include <vector>

#include "Eigen/Core"
#include "cpab/basis.h"
#include "cpab/prior.h"
#include "cpab/velocity_field.h"
#include "cpab/vertex_jacobian.h"

namespace cpab {

// What the fits of one tessellation share.
struct FitModel {
  explicit FitModel(std::shared_ptr<const Prior> prior);

  const std::shared_ptr<const Basis>& basis() const { return prior->basis(); }

  std::shared_ptr<const Prior> prior;
  RowMajorMatrix vertex_covariance;  // W Sigma W^T, [2 vertices, 2 vertices]
  RowMajorMatrix theta_from_force;   // Sigma W^T, [d, 2 vertices]
};

// The pairs that count, with their weights, all above 0.
struct WeightedPairs {
  Eigen::Matrix2Xd from;
  Eigen::Matrix2Xd to;
  Eigen::RowVectorXd weights;
  std::vector<int> index;  // Column of each in the caller's pairs.
};

// The flow of a field at the pairs.
struct FlowAtPairs {
  FlowAtPairs(const VelocityField& field, const WeightedPairs& pairs);

  VertexJacobian jacobian;
  Eigen::Matrix2Xd residual;  // q - T(p), [2, K]
};

// E's first term as a function of the residuals r [2, K]:
// tension (rho - rho_0), rho^2 = sum w |r|^2 + noise^2 sum w.
class ResidualNorm {
 public:
  ResidualNorm(const Eigen::RowVectorXd& weights, double noise)
      : weights_(weights), floor_(noise * noise * weights.sum()) {}

  // sum w |r|^2.
  double Squared(const Eigen::Matrix2Xd& r) const;
  double Rho(const Eigen::Matrix2Xd& r) const;
  double Value(const Eigen::Matrix2Xd& r, double tension) const;

  // The forces tension w r / rho: the gradient.
  Eigen::Matrix2Xd Forces(const Eigen::Matrix2Xd& r, double tension) const;

  // The diagonal of the inverse of the majorising quadratic's Hessian, one
  // number a pair: rho / (tension w).
  Eigen::RowVectorXd Compliance(const Eigen::Matrix2Xd& r,
                                double tension) const;

  // The exact Hessian (tension / rho) (diag w - w r (w r)^T / rho^2) times v.
  Eigen::Matrix2Xd HessianTimes(const Eigen::Matrix2Xd& r, double tension,
                                const Eigen::Matrix2Xd& v) const;
  // Its inverse, [2 K, 2 K]: (rho / tension) (diag 1/w + r r^T / floor).
  Eigen::MatrixXd InverseHessian(const Eigen::Matrix2Xd& r,
                                 double tension) const;

 private:
  Eigen::RowVectorXd weights_;
  double floor_;
};

// Largest Frobenius norm of the velocity gradient in any cell.
double MaxGradient(const CellCoefficients& cells);

}  // namespace cpab

#endif  // CPAB_KEYPOINT_OBJECTIVE_H_
