#include "cpab/keypoint_pullback.h"

#include <cmath>
#include <limits>

#include "Eigen/Cholesky"
#include "cpab/velocity_field.h"
#include "cpab/vertex_jacobian.h"

namespace cpab {
namespace {

// E at its minimum: grad E = Sigma^-1 theta - J^T f = 0 with the forces f(r),
// whose derivative is the norm's Hessian H.
class Minimum {
 public:
  Minimum(const FitModel& model, const FitOptions& options,
          const WeightedPairs& pairs, const FitResult& result)
      : model_(model),
        pairs_(pairs),
        norm_(pairs.weights, options),
        theta_(result.theta),
        tension_(result.tension),
        flow_(VelocityField(model.basis(), theta_), pairs),
        forces_(norm_.Forces(flow_.residual, tension_)) {
    const Eigen::MatrixXd gram = flow_.jacobian.UpperTimesTranspose(
        flow_.jacobian.TimesMatrix(model.vertex_covariance));
    dual_.compute(gram + norm_.InverseHessian(flow_.residual, tension_));
  }

  // J v, [2, K].
  Eigen::Matrix2Xd JacobianTimes(const Eigen::VectorXd& v) const {
    return flow_.jacobian.Times(model_.basis()->vertex_basis() * v);
  }

  // H J v.
  Eigen::Matrix2Xd ForceChange(const Eigen::VectorXd& v) const {
    return norm_.HessianTimes(flow_.residual, tension_, JacobianTimes(v));
  }

  // How J^T f and (dT/dp)^T f change as theta moves along v, f kept.
  struct Curvature {
    Eigen::VectorXd theta;    // [d]
    Eigen::Matrix2Xd points;  // [2, K]
  };
  // By central differences of exact derivatives. They are smooth but where a
  // path passes through a vertex, so a step that moves the velocity gradient
  // by 1e-5 leaves 1e-10 of truncation and as much of rounding.
  Curvature CurvatureAlong(const Eigen::VectorXd& v) const {
    const double size = MaxGradient(model_.basis()->CellsFromTheta(v));
    const double step = size > 0 ? 1e-5 / size : 1;
    Curvature ahead = ForceTransported(theta_ + step * v);
    const Curvature behind = ForceTransported(theta_ - step * v);
    ahead.theta = (ahead.theta - behind.theta) / (2 * step);
    ahead.points = (ahead.points - behind.points) / (2 * step);
    return ahead;
  }

  // The Hessian of E times v: (Sigma^-1 + J^T H J - d(J^T f)/dtheta) v.
  Eigen::VectorXd HessianTimes(const Eigen::VectorXd& v) const {
    return model_.prior->precision() * v +
           ToTheta(flow_.jacobian.TransposeTimes(ForceChange(v))) -
           CurvatureAlong(v).theta;
  }

  // (Sigma^-1 + J^T H J)^-1 v, through the dual system.
  Eigen::VectorXd SolveGaussNewton(const Eigen::VectorXd& v) const {
    const VertexVector velocities = model_.theta_from_force.transpose() * v;
    Eigen::Matrix2Xd alpha = flow_.jacobian.Times(velocities);
    Eigen::Map<Eigen::VectorXd> flat(alpha.data(), alpha.size());
    dual_.solveInPlace(flat);
    return model_.prior->covariance() * v -
           model_.theta_from_force * flow_.jacobian.TransposeTimes(alpha);
  }

  // f^T (dT/dp) for f [2, K].
  Eigen::Matrix2Xd ToPoints(const Eigen::Matrix2Xd& f) const {
    return ToPoints(flow_, f);
  }

 private:
  static Eigen::Matrix2Xd ToPoints(const FlowAtPairs& flow,
                                   const Eigen::Matrix2Xd& f) {
    Eigen::Matrix2Xd result(2, f.cols());
    for (int k = 0; k < f.cols(); ++k) {
      result.col(k) = flow.jacobian.point(k).dy_dx.transpose() * f.col(k);
    }
    return result;
  }

  Eigen::VectorXd ToTheta(const VertexVector& force) const {
    return model_.basis()->vertex_basis().transpose() * force;
  }

  Curvature ForceTransported(const Eigen::VectorXd& theta) const {
    const FlowAtPairs flow(VelocityField(model_.basis(), theta), pairs_);
    return {ToTheta(flow.jacobian.TransposeTimes(forces_)),
            ToPoints(flow, forces_)};
  }

  const FitModel& model_;
  const WeightedPairs& pairs_;
  ResidualNorm norm_;
  Eigen::VectorXd theta_;
  double tension_;
  FlowAtPairs flow_;
  Eigen::Matrix2Xd forces_;
  Eigen::LLT<Eigen::MatrixXd, Eigen::Upper> dual_;
};

// Solves (Hessian of E) x = b by conjugate gradients, preconditioned by the
// Gauss-Newton Hessian, which differs from it by the flow's curvature only: a
// few steps. Stops early should the Hessian prove indefinite, that is, if the
// fit is not at a minimum.
Eigen::VectorXd SolveHessian(const Minimum& minimum, const Eigen::VectorXd& b) {
  constexpr int kMaxSteps = 100;
  constexpr double kTolerance = 1e-9;  // What the differences are good for.
  Eigen::VectorXd x = Eigen::VectorXd::Zero(b.size());
  Eigen::VectorXd r = b;
  Eigen::VectorXd z = minimum.SolveGaussNewton(r);
  Eigen::VectorXd direction = z;
  double rz = r.dot(z);
  const double enough = kTolerance * kTolerance * rz;
  for (int step = 0; step < kMaxSteps && rz > enough; ++step) {
    const Eigen::VectorXd image = minimum.HessianTimes(direction);
    const double curvature = direction.dot(image);
    if (!(curvature > 0)) break;
    x += rz / curvature * direction;
    r -= rz / curvature * image;
    z = minimum.SolveGaussNewton(r);
    const double next = r.dot(z);
    direction = z + next / rz * direction;
    rz = next;
  }
  return x;
}

}  // namespace

PairsGradient PullbackToPairs(const FitModel& model, const FitOptions& options,
                              const WeightedPairs& pairs,
                              const FitResult& result,
                              const Eigen::VectorXd& dl_dtheta) {
  const auto count = pairs.from.cols();
  if (count == 0) return {Eigen::Matrix2Xd(2, 0), Eigen::Matrix2Xd(2, 0)};
  if (!result.theta.allFinite()) {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    return {Eigen::Matrix2Xd::Constant(2, count, nan),
            Eigen::Matrix2Xd::Constant(2, count, nan)};
  }
  const Minimum minimum(model, options, pairs, result);
  const Eigen::VectorXd adjoint = SolveHessian(minimum, dl_dtheta);
  const Eigen::Matrix2Xd to = minimum.ForceChange(adjoint);
  return {minimum.CurvatureAlong(adjoint).points - minimum.ToPoints(to), to};
}

}  // namespace cpab
