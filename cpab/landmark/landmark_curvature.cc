#include "cpab/landmark/landmark_curvature.h"

#include <cmath>

#include "Eigen/Cholesky"
#include "Eigen/Eigenvalues"
#include "cpab/field/basis.h"
#include "cpab/fit/objective_curvature.h"
#include "cpab/fit/solver_constants.h"

namespace cpab {
namespace {

using solver::kDifference;
using solver::kLeastCurvature;

// The most numbers in theta for which matrices of its size are made: of dense
// priors. These take 2 n d flows with their Jacobians, and (n d)^3 for the
// eigenvectors; Lanczos' iteration takes at most 120 flows with their adjoints.
constexpr int kMostByMatrices = 300;

// By all eigenvectors.
class MatrixCurvature : public LandmarkCurvature {
 public:
  MatrixCurvature(const LandmarkObjective& objective,
                  const Eigen::VectorXd& theta)
      : LandmarkCurvature(objective, theta) {
    const RowMajorMatrix& J = state_.flow.dy_dtheta;
    Eigen::MatrixXd HJ(J.rows(), J.cols());
    for (Eigen::Index i = 0; i < J.cols(); ++i) {
      HJ.col(i) = objective.HessianTimes(state_.residual, J.col(i));
    }
    const Eigen::MatrixXd gauss_newton =
        objective.model().prior().Precision() + J.transpose() * HJ;
    const Eigen::MatrixXd hessian = gauss_newton - FlowCurvature();
    eigen_.compute(0.5 * (hessian + hessian.transpose()), gauss_newton);
  }

  CurvatureSolution Solve(const Eigen::VectorXd& b) const override {
    const Eigen::VectorXd curvatures =
        eigen_.eigenvalues().cwiseAbs().cwiseMax(kLeastCurvature);
    return {
        eigen_.eigenvectors() *
            (eigen_.eigenvectors().transpose() * b).cwiseQuotient(curvatures),
        eigen_.eigenvalues().minCoeff()};
  }

 private:
  // C: how J^T f changes with theta, f kept. The rest of the Hessian, that of
  // the norm, is known; differences of it too would have to resolve the noise.
  Eigen::MatrixXd FlowCurvature() const {
    const Eigen::VectorXd forces = objective_.Forces(state_.residual);
    const Eigen::Index d = state_.theta.size();
    const double h = kDifference;
    Eigen::MatrixXd curvature(d, d);
    for (Eigen::Index i = 0; i < d; ++i) {
      const Eigen::VectorXd unit = Eigen::VectorXd::Unit(d, i);
      const RowMajorMatrix ahead =
          objective_.FlowAt(state_.theta + h * unit).dy_dtheta;
      const RowMajorMatrix behind =
          objective_.FlowAt(state_.theta - h * unit).dy_dtheta;
      curvature.col(i) = (ahead - behind).transpose() * forces / (2 * h);
    }
    return curvature;
  }

  Eigen::GeneralizedSelfAdjointEigenSolver<Eigen::MatrixXd> eigen_;
};

// By Lanczos' iteration (cpab/fit/curvature_solve.h). G^-1 v as in
// cpab/fit/keypoint_curvature.cc.
class LanczosCurvature : public LandmarkCurvature, private ObjectiveCurvature {
 public:
  LanczosCurvature(const LandmarkObjective& objective,
                   const Eigen::VectorXd& theta)
      : LandmarkCurvature(objective, theta),
        prior_(objective.model().prior()),
        forces_(
            Columns(objective.Forces(state_.residual), state_.residual.rows())),
        pull_(PullAt(theta)),
        spread_(prior_.CovarianceTimesTranspose(state_.flow.dy_dtheta)) {
    Eigen::MatrixXd system = state_.flow.dy_dtheta * spread_;
    system.diagonal() += objective.Compliance(state_.residual);
    dual_.compute(system);
    const Eigen::VectorXd r = Flat(state_.residual);
    outer_ = dual_.solve(r);
    outer_ /=
        std::sqrt(objective.OuterDivisor(state_.residual) + r.dot(outer_));
  }

  CurvatureSolution Solve(const Eigen::VectorXd& b) const override {
    return SolveCurvature(*this, b, solver::kPullbackTolerance);
  }

 private:
  Eigen::VectorXd SolveGaussNewton(const Eigen::VectorXd& v) const override {
    const Eigen::VectorXd spread =
        prior_.CovarianceTimesTranspose(v.transpose());
    const Eigen::VectorXd velocities = state_.flow.dy_dtheta * spread;
    return spread - spread_ * (dual_.solve(velocities) -
                               outer_.dot(velocities) * outer_);
  }

  // Bases are orthonormal: no coefficient changes by more than the step.
  Eigen::VectorXd CurvatureTimes(const Eigen::VectorXd& v) const override {
    const double h = kDifference / v.norm();
    return (PullAt(state_.theta + h * v) - pull_) / h;
  }
  Eigen::VectorXd CentralCurvatureTimes(
      const Eigen::VectorXd& v) const override {
    const double h = kDifference / v.norm();
    return (PullAt(state_.theta + h * v) - PullAt(state_.theta - h * v)) /
           (2 * h);
  }

  // J^T f.
  Eigen::VectorXd PullAt(const Eigen::VectorXd& theta) const {
    return objective_.Pullback(theta, forces_).theta;
  }

  const StagePrior& prior_;
  Eigen::MatrixXd forces_;  // f, [D, K]
  Eigen::VectorXd pull_;
  Eigen::MatrixXd spread_;  // Sigma J^T
  // The inverse of J Sigma J^T + H^-1, as there.
  Eigen::LLT<Eigen::MatrixXd> dual_;
  Eigen::VectorXd outer_;
};

}  // namespace

std::unique_ptr<const LandmarkCurvature> LandmarkCurvature::Create(
    const LandmarkObjective& objective, const Eigen::VectorXd& theta) {
  if (objective.model().prior().is_dense() && theta.size() <= kMostByMatrices) {
    return std::make_unique<const MatrixCurvature>(objective, theta);
  }
  return std::make_unique<const LanczosCurvature>(objective, theta);
}

}  // namespace cpab
