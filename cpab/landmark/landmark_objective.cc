#include "cpab/landmark/landmark_objective.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "cpab/fit/solver_constants.h"

namespace cpab {

LandmarkObjective::LandmarkObjective(const LandmarkModel& model,
                                     const FitOptions& options,
                                     const CountedPairs& pairs, double tension)
    : model_(&model),
      pairs_(&pairs),
      tension_(tension),
      floor_(std::max(options.noise * options.noise * pairs.weights.sum(),
                      solver::kLeastFloor)) {}

LandmarkObjective::State LandmarkObjective::At(
    const Eigen::VectorXd& theta) const {
  State state = {theta, model_->FlowAt(theta, pairs_->from), {}, 0};
  state.residual = pairs_->to - state.flow.y;
  // rho - rho_0 without cancellation.
  const double sum = Rho(state.residual) + std::sqrt(floor_);
  // NaN where a path has no end.
  state.cost = tension_ * SumOfSquares(state.residual) / sum +
               0.5 * model_->prior().Energy(theta);
  return state;
}

Eigen::VectorXd LandmarkObjective::Compliance(const Eigen::MatrixXd& r) const {
  const Eigen::RowVectorXd each =
      Rho(r) * (tension_ * pairs_->weights).cwiseInverse();
  return Flat(each.replicate(r.rows(), 1));
}

Eigen::VectorXd LandmarkObjective::Forces(const Eigen::MatrixXd& r) const {
  return Flat(r).cwiseQuotient(Compliance(r));
}

Eigen::VectorXd LandmarkObjective::HessianTimes(
    const Eigen::MatrixXd& r, const Eigen::VectorXd& v) const {
  const double rho = Rho(r);
  const Eigen::MatrixXd columns = Columns(v, r.rows());
  const double along =
      r.cwiseProduct(columns).colwise().sum().dot(pairs_->weights) /
      (rho * rho);
  return (v - along * Flat(r)).cwiseQuotient(Compliance(r));
}

// By Sherman and Morrison: H = A - A r r^T A / (tension rho), A the inverse of
// the compliance, and r^T A r = tension (rho^2 - floor) / rho.
double LandmarkObjective::OuterDivisor(const Eigen::MatrixXd& r) const {
  return tension_ * floor_ / Rho(r);
}

Eigen::VectorXd LandmarkObjective::Gradient(const State& state) const {
  return model_->prior().PrecisionTimes(state.theta) -
         state.flow.dy_dtheta.transpose() * Forces(state.residual);
}

double LandmarkObjective::Rounding(const State& state) const {
  const double size = std::max({1.0, pairs_->from.cwiseAbs().maxCoeff(),
                                pairs_->to.cwiseAbs().maxCoeff()});
  const double unit = 8 * std::numeric_limits<double>::epsilon() * size;
  const double weight = pairs_->weights.sum();
  return unit * Forces(state.residual).cwiseAbs().sum() +
         unit * tension_ *
             std::min(unit * weight / std::sqrt(floor_), std::sqrt(weight));
}

double LandmarkObjective::SumOfSquares(const Eigen::MatrixXd& r) const {
  return r.colwise().squaredNorm().dot(pairs_->weights);
}

double LandmarkObjective::Rho(const Eigen::MatrixXd& r) const {
  return std::sqrt(SumOfSquares(r) + floor_);
}

}  // namespace cpab
