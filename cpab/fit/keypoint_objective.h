// The objective of keypoint inference at one field, and its quadratic model:
// what gauss_newton.cc minimises and keypoint_pullback.cc differentiates.
//
// A field is given by forces at the vertices: u = W Sigma W^T force are its
// vertex velocities, theta = Sigma W^T force its coefficients, and
// theta^T Sigma^-1 theta = force . u its energy. All that the minimiser meets
// is of this form, because the minimum is theta = Sigma J^T alpha.
//
// Private to //cpab/fit; FitModel is for //cpab/torch and the tests of
// //cpab/cuda, too.
#ifndef CPAB_FIT_KEYPOINT_OBJECTIVE_H_
#define CPAB_FIT_KEYPOINT_OBJECTIVE_H_

#include <algorithm>
#include <memory>
#include <vector>

#include "Eigen/Core"
#include "cpab/field/basis.h"
#include "cpab/field/prior.h"
#include "cpab/field/velocity_field.h"
#include "cpab/fit/fit_problem.h"
#include "cpab/flow/vertex_jacobian.h"

namespace cpab {

// What the fits of one tessellation share.
struct FitModel {
  explicit FitModel(std::shared_ptr<const Prior> prior);

  const std::shared_ptr<const Basis>& basis() const { return prior->basis(); }

  // u = W Sigma W^T force.
  VertexVector Velocities(const VertexVector& force) const;

  std::shared_ptr<const Prior> prior;
  RowMajorMatrix vertex_covariance;  // W Sigma W^T, [2 vertices, 2 vertices]
  RowMajorMatrix theta_from_force;   // Sigma W^T, [d, 2 vertices]
  // A force h with W^T h = g for a g [d], such as a gradient by theta:
  // P^T P W, since W^T P^T P W = B^T B is the identity. [2 vertices, d]
  RowMajorMatrix force_from_dual;
};

// matrix^T force, by the rows of vertices that have a force: few, those that
// paths pass.
Eigen::VectorXd TransposeTimesForce(const RowMajorMatrix& matrix,
                                    const VertexVector& force);

// The pairs that count, with their weights, all above 0.
struct WeightedPairs {
  Eigen::Matrix2Xd from;
  Eigen::Matrix2Xd to;
  Eigen::RowVectorXd weights;
  std::vector<int> index;  // Column of each in the caller's pairs.

  // The largest coordinate, and at least a side of the square.
  double Size() const {
    return std::max(
        {1.0, from.cwiseAbs().maxCoeff(), to.cwiseAbs().maxCoeff()});
  }
};

// The flow of a field at the pairs.
struct FlowAtPairs {
  FlowAtPairs(const VelocityField& field, const WeightedPairs& pairs);

  VertexJacobian jacobian;
  Eigen::Matrix2Xd residual;  // q - T(p), [2, K]
};

// The data term of E, tension (rho - rho_0), as a function of the residuals r
// [2, K]: convex, with forces (gradients) bounded by the tension.
class ResidualNorm {
 public:
  ResidualNorm(const Eigen::RowVectorXd& weights, const FitOptions& options);

  double Value(const Eigen::Matrix2Xd& r, double tension) const;

  // The gradient, [2, K].
  Eigen::Matrix2Xd Forces(const Eigen::Matrix2Xd& r, double tension) const;

  // What rounding in the flow and in coordinates of at most `size` leaves
  // uncertain of Value().
  double Rounding(const Eigen::Matrix2Xd& r, double tension, double size) const;

  // The diagonal of the inverse Hessian of the quadratic that touches the norm
  // at r and lies above it everywhere, one number a pair.
  Eigen::RowVectorXd Compliance(const Eigen::Matrix2Xd& r,
                                double tension) const;

  // The exact Hessian times v [2, K].
  Eigen::Matrix2Xd HessianTimes(const Eigen::Matrix2Xd& r, double tension,
                                const Eigen::Matrix2Xd& v) const;
  // The exact Hessian's inverse is diag Compliance() + r r^T / OuterDivisor():
  // not as a sum, which loses its first term where r is far above the noise.
  double OuterDivisor(const Eigen::Matrix2Xd& r, double tension) const;

 private:
  // sum w r.v.
  double Dot(const Eigen::Matrix2Xd& r, const Eigen::Matrix2Xd& v) const;
  double Rho(const Eigen::Matrix2Xd& r) const;

  Eigen::RowVectorXd weights_;
  double floor_;  // rho^2 at r = 0: rho_0^2.
};

// What becomes of the tension where the minimum of E at that tension has a
// velocity gradient of `max_gradient`, above that of `options`. Where the data
// dominate, the field grows about as the square root of the tension; two per
// cent less keep the last reductions from being ever smaller.
struct TensionChange {
  double factor;  // max(1/4, 0.98 (bound / max_gradient)^2)
  double slope;   // d factor / d max_gradient
};
TensionChange LoweredTension(double max_gradient, const FitOptions& options);

// sum w |r|^2.
double WeightedSquaredNorm(const Eigen::Matrix2Xd& r,
                           const Eigen::RowVectorXd& weights);

// Largest Frobenius norm of the velocity gradient in any cell.
double MaxGradient(const CellCoefficients& cells);

}  // namespace cpab

#endif  // CPAB_FIT_KEYPOINT_OBJECTIVE_H_
