// Gauss-Newton with Levenberg-Marquardt damping and a trust region, as
// cpab/fit/gauss_newton.h derives it, on dense Jacobians; and the pullback of
// cpab/fit/keypoint_pullback.h.
#include "cpab/landmark/landmark_fit.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "Eigen/Cholesky"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "cpab/fit/solver_constants.h"
#include "cpab/landmark/landmark_curvature.h"
#include "cpab/landmark/landmark_model.h"
#include "cpab/landmark/landmark_objective.h"
#include "third_party/absl/status_macros.h"

namespace cpab {
namespace {

using solver::kDifference;
using solver::kHighestDamping;
using solver::kLeastCurvature;
using solver::kLowestDamping;

constexpr int kMaxNewtonSteps = 12;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

CountedPairs PairsThatCount(const LandmarkPairs& pairs) {
  CountedPairs result;
  for (Eigen::Index k = 0; k < pairs.from.cols(); ++k) {
    if (pairs.weights.size() == 0 || pairs.weights[k] != 0) {
      result.index.push_back(k);
    }
  }
  const Eigen::Index kept = static_cast<Eigen::Index>(result.index.size());
  result.from.resize(pairs.from.rows(), kept);
  result.to.resize(pairs.from.rows(), kept);
  result.weights.setOnes(kept);
  for (Eigen::Index i = 0; i < kept; ++i) {
    const Eigen::Index k = result.index[i];
    result.from.col(i) = pairs.from.col(k);
    result.to.col(i) = pairs.to.col(k);
    if (pairs.weights.size() > 0) result.weights[i] = pairs.weights[k];
  }
  return result;
}

// IsFinite() of cpab/fit/fit.cc.
bool IsUsable(const CountedPairs& pairs) {
  const auto is_finite = [&pairs](const Eigen::MatrixXd& points) {
    return std::isfinite(points.colwise().squaredNorm().dot(pairs.weights));
  };
  return (pairs.weights.array() > 0).all() &&
         std::isfinite(pairs.weights.sum()) && is_finite(pairs.from) &&
         is_finite(pairs.to) && is_finite(pairs.to - pairs.from);
}

class Minimiser {
 public:
  Minimiser(const LandmarkModel& model, const FitOptions& options,
            const CountedPairs& pairs)
      : model_(model),
        options_(options),
        pairs_(pairs),
        tension_(options.tension),
        objective_(model, options, pairs, tension_),
        current_(objective_.At(Eigen::VectorXd::Zero(model.theta_size()))) {}

  FitResult Minimise() {
    if (current_.residual.squaredNorm() == 0) return Report(0, true);
    for (int iteration = 1; iteration <= options_.max_iterations; ++iteration) {
      if (!TakeStep()) continue;
      if (MaxGradient() <= options_.max_gradient) {
        return Report(iteration, true);
      }
      LowerTension();
    }
    const double excess = MaxGradient() / options_.max_gradient;
    if (excess > 1) current_ = objective_.At(current_.theta / excess);
    return Report(options_.max_iterations, false);
  }

 private:
  double MaxGradient() const { return model_.MaxGradient(current_.theta); }

  // cpab/fit/gauss_newton.h derives it.
  Eigen::VectorXd ModelMinimum() const {
    const RowMajorMatrix& J = current_.flow.dy_dtheta;
    const double stiffness = 1 + damping_;
    const Eigen::MatrixXd spread = model_.prior().CovarianceTimesTranspose(J);
    Eigen::MatrixXd system = J * spread;
    system.diagonal() += stiffness * objective_.Compliance(current_.residual);
    const Eigen::VectorXd alpha = system.llt().solve(
        Flat(current_.residual) + J * current_.theta / stiffness);
    return damping_ / stiffness * current_.theta + spread * alpha;
  }

  // Returns whether the minimum is reached.
  bool TakeStep() {
    const Eigen::VectorXd step = ModelMinimum() - current_.theta;
    const double length = model_.MaxGradient(step);
    const double fraction = std::min(1.0, options_.trust_region / length);
    LandmarkObjective::State next =
        objective_.At(current_.theta + fraction * step);
    const double before = current_.cost, after = next.cost;
    const bool settled =
        std::abs(before - after) <=
        options_.tolerance * before + objective_.Rounding(current_);
    if (after <= before) {
      current_ = std::move(next);
      if (!rejected_) damping_ = damping_ > kLowestDamping ? damping_ / 10 : 0;
      rejected_ = false;
      return settled && fraction == 1;
    }
    rejected_ = true;
    damping_ = std::max(10 * damping_, 1.0);
    // A cost that is NaN says nothing about a minimum.
    return settled || (after > before && damping_ > kHighestDamping);
  }

  // LoweredTension() of cpab/fit/keypoint_objective.h.
  void LowerTension() {
    const double ratio = options_.max_gradient / MaxGradient();
    tension_ *= std::max(solver::kLeastTensionFactor,
                         solver::kTensionMargin * ratio * ratio);
    damping_ = 0;
    objective_ = LandmarkObjective(model_, options_, pairs_, tension_);
    current_ = objective_.At(current_.theta);
  }

  FitResult Report(int iterations, bool converged) const {
    FitResult result;
    result.theta = current_.theta;
    result.residual = std::sqrt(objective_.SumOfSquares(current_.residual));
    result.cost = current_.cost;
    result.tension = tension_;
    result.max_gradient = MaxGradient();
    result.iterations = iterations;
    result.converged = converged;
    return result;
  }

  const LandmarkModel& model_;
  const FitOptions& options_;
  const CountedPairs& pairs_;
  double tension_;
  double damping_ = 0;
  bool rejected_ = false;
  LandmarkObjective objective_;
  LandmarkObjective::State current_;
};

// Whether the step -move is the last. Over sparse bases, whose precision has a
// condition that leaves more than that of theta to rounding, by what it lowers
// the cost.
bool IsSettled(const LandmarkObjective& objective,
               const LandmarkCurvature& curvature,
               const Eigen::VectorXd& move) {
  if (objective.model().prior().is_dense()) {
    return move.norm() < 1e-9;
  }
  const LandmarkObjective::State& state = curvature.state();
  return move.dot(curvature.gradient()) <=
         solver::kSettled * state.cost + objective.Rounding(state);
}

struct Refinement {
  bool reached;  // To rounding.
  int steps;
};

// Newton's method, within the trust region, from `theta` to the minimum nearby.
// Leaves what is finite finite.
Refinement Refine(const LandmarkObjective& objective, double trust_region,
                  Eigen::VectorXd* theta) {
  for (int step = 1; step <= kMaxNewtonSteps; ++step) {
    const auto curvature = LandmarkCurvature::Create(objective, *theta);
    const Eigen::VectorXd move = curvature->Solve(curvature->gradient()).x;
    if (IsSettled(objective, *curvature, move)) {
      *theta -= move;
      return {true, step};
    }
    const LandmarkObjective::State& before = curvature->state();
    const double most = before.cost + objective.Rounding(before);
    double fraction =
        std::min(1.0, trust_region / objective.model().MaxGradient(move));
    // A cost may be NaN.
    while (!(objective.At(*theta - fraction * move).cost <= most)) {
      fraction /= 2;
      if (fraction < 1e-6) return {false, step};
    }
    *theta -= fraction * move;
  }
  return {false, kMaxNewtonSteps};
}

// (dT/dp)^T f, [D, K].
Eigen::MatrixXd ToPoints(const FlowAtLandmarks& flow,
                         const Eigen::VectorXd& f) {
  const Eigen::Index D = flow.y.rows();
  Eigen::MatrixXd result(D, flow.y.cols());
  for (Eigen::Index k = 0; k < flow.y.cols(); ++k) {
    result.col(k) =
        flow.dy_dx.middleRows(D * k, D).transpose() * f.segment(D * k, D);
  }
  return result;
}

// (dT/dp)^T f at theta, [D, K]. Over sparse bases by the adjoint, since rows of
// J take a solve each.
Eigen::MatrixXd PointForces(const LandmarkObjective& objective,
                            const Eigen::VectorXd& theta,
                            const Eigen::VectorXd& f) {
  if (objective.model().prior().is_dense()) {
    return ToPoints(objective.FlowAt(theta), f);
  }
  return objective.Pullback(theta, Columns(f, objective.model().dimensions()))
      .points;
}

absl::Status Validate(const FitOptions& options, int num_stages) {
  if (num_stages < 1 || num_stages > LandmarkFitter::kMaxStages) {
    return absl::InvalidArgumentError(absl::StrCat("the number of stages is ",
                                                   num_stages, "; use 1 to ",
                                                   LandmarkFitter::kMaxStages));
  }
  const auto require = [](const char* name, double value) {
    return std::isfinite(value) && value > 0
               ? absl::OkStatus()
               : absl::InvalidArgumentError(absl::StrCat(
                     "fit.", name, " is ", value, "; use above 0"));
  };
  RETURN_IF_ERROR(require("tension", options.tension));
  RETURN_IF_ERROR(require("noise", options.noise));
  RETURN_IF_ERROR(require("max_iterations", options.max_iterations));
  RETURN_IF_ERROR(require("tolerance", options.tolerance));
  RETURN_IF_ERROR(require("trust_region", options.trust_region));
  RETURN_IF_ERROR(require("max_gradient", options.max_gradient));
  if (options.solver == FitOptions::Solver::kAdam) {
    return absl::InvalidArgumentError(
        "fit.solver is kAdam, which is for the plane; use kGaussNewton");
  }
  return absl::OkStatus();
}

}  // namespace

template <typename AnyBasis>
absl::StatusOr<LandmarkFitter> LandmarkFitter::CreateFor(
    std::shared_ptr<const AnyBasis> basis, const FitOptions& options,
    int num_stages) {
  RETURN_IF_ERROR(Validate(options, num_stages));
  ASSIGN_OR_RETURN(
      std::shared_ptr<const LandmarkModel> model,
      LandmarkModel::Create(std::move(basis), options.prior, num_stages));
  return LandmarkFitter(std::move(model), options);
}

absl::StatusOr<LandmarkFitter> LandmarkFitter::Create(
    std::shared_ptr<const IntervalBasis> basis, const FitOptions& options,
    int num_stages) {
  return CreateFor(std::move(basis), options, num_stages);
}

absl::StatusOr<LandmarkFitter> LandmarkFitter::Create(
    std::shared_ptr<const Basis> basis, const FitOptions& options,
    int num_stages) {
  return CreateFor(std::move(basis), options, num_stages);
}

absl::StatusOr<LandmarkFitter> LandmarkFitter::Create(
    std::shared_ptr<const VolumeBasis> basis, const FitOptions& options,
    int num_stages) {
  return CreateFor(std::move(basis), options, num_stages);
}

LandmarkFitter::LandmarkFitter(std::shared_ptr<const LandmarkModel> model,
                               const FitOptions& options)
    : model_(std::move(model)), options_(options) {}

int LandmarkFitter::dimensions() const { return model_->dimensions(); }
int LandmarkFitter::theta_size() const { return model_->theta_size(); }
int LandmarkFitter::num_stages() const { return model_->num_stages(); }

FitResult LandmarkFitter::Fit(const LandmarkPairs& pairs) const {
  const CountedPairs counted = PairsThatCount(pairs);
  FitResult result;
  if (!IsUsable(counted)) {
    result.theta = Eigen::VectorXd::Constant(theta_size(), kNaN);
    result.residual = result.cost = result.tension = result.max_gradient = kNaN;
    return result;
  }
  if (counted.index.empty()) {
    result.theta = Eigen::VectorXd::Zero(theta_size());
    result.tension = options_.tension;
    result.converged = true;
    return result;
  }
  return Minimiser(*model_, options_, counted).Minimise();
}

std::vector<FitResult> LandmarkFitter::FitAll(
    const std::vector<LandmarkPairs>& problems,
    const ParallelFor& parallel_for) const {
  std::vector<FitResult> results(problems.size());
  parallel_for(static_cast<int64_t>(problems.size()),
               [&](int64_t i) { results[i] = Fit(problems[i]); });
  return results;
}

double LandmarkFitter::Cost(
    const LandmarkPairs& pairs,
    const Eigen::Ref<const Eigen::VectorXd>& theta) const {
  const CountedPairs counted = PairsThatCount(pairs);
  if (!IsUsable(counted)) return kNaN;
  return LandmarkObjective(*model_, options_, counted, options_.tension)
      .At(theta)
      .cost;
}

FitResult LandmarkFitter::Minimum(const LandmarkPairs& pairs,
                                  const FitResult& result) const {
  const CountedPairs counted = PairsThatCount(pairs);
  if (counted.index.empty() || !result.theta.allFinite()) return result;
  const LandmarkObjective objective(*model_, options_, counted, result.tension);
  FitResult minimum = result;
  const Refinement refinement =
      Refine(objective, options_.trust_region, &minimum.theta);
  const LandmarkObjective::State state = objective.At(minimum.theta);
  minimum.residual = std::sqrt(objective.SumOfSquares(state.residual));
  minimum.cost = state.cost;
  minimum.max_gradient = model_->MaxGradient(minimum.theta);
  minimum.iterations = refinement.steps;
  minimum.converged =
      refinement.reached && minimum.max_gradient <= options_.max_gradient;
  return minimum;
}

LandmarkGradient LandmarkFitter::Pullback(
    const LandmarkPairs& pairs, const FitResult& result,
    const Eigen::Ref<const Eigen::VectorXd>& dl_dtheta) const {
  const CountedPairs counted = PairsThatCount(pairs);
  LandmarkGradient gradient;
  gradient.from = gradient.to =
      Eigen::MatrixXd::Zero(pairs.from.rows(), pairs.from.cols());
  if (!result.theta.allFinite() || !dl_dtheta.allFinite()) {
    for (const Eigen::Index k : counted.index) {
      gradient.from.col(k).setConstant(kNaN);
      gradient.to.col(k).setConstant(kNaN);
    }
    return gradient;
  }
  gradient.exact = true;
  if (counted.index.empty() || dl_dtheta.isZero(0)) return gradient;
  const LandmarkObjective objective(*model_, options_, counted, result.tension);
  Eigen::VectorXd theta = result.theta;
  const bool reached = Refine(objective, options_.trust_region, &theta).reached;
  const auto curvature = LandmarkCurvature::Create(objective, theta);
  const auto [lambda, least] = curvature->Solve(dl_dtheta);
  const LandmarkObjective::State& state = curvature->state();
  const Eigen::VectorXd to =
      objective.HessianTimes(state.residual, state.flow.dy_dtheta * lambda);
  // How (dT/dp)^T f changes as theta moves along lambda, f kept.
  const double size = lambda.norm();
  const double h = size > 0 ? kDifference / size : 1;
  const Eigen::VectorXd forces = objective.Forces(state.residual);
  const Eigen::MatrixXd transport =
      (PointForces(objective, theta + h * lambda, forces) -
       PointForces(objective, theta - h * lambda, forces)) /
      (2 * h);
  const Eigen::MatrixXd from = transport - ToPoints(state.flow, to);
  const Eigen::MatrixXd to_columns = Columns(to, pairs.from.rows());
  for (size_t i = 0; i < counted.index.size(); ++i) {
    gradient.from.col(counted.index[i]) = from.col(i);
    gradient.to.col(counted.index[i]) = to_columns.col(i);
  }
  gradient.exact =
      reached && least >= kLeastCurvature && result.tension == options_.tension;
  return gradient;
}

}  // namespace cpab
