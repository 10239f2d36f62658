#include "cpab/fit/keypoint_minimum.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "cpab/field/velocity_field.h"
#include "cpab/fit/curvature_solve.h"
#include "cpab/fit/gauss_newton.h"
#include "cpab/fit/keypoint_curvature.h"
#include "cpab/fit/solver_constants.h"

namespace cpab {
namespace {

using solver::kLeastDecrease;
using solver::kLoosestSolve;
using solver::kMaxHalvings;
using solver::kMaxNewtonSteps;
using solver::kMaxTensionStages;
using solver::kSettled;

// Newton's method at one tension. Each step solves to a fraction of its length
// that falls with the step before, so that the first ones, far from the
// minimum, are cheap and the last ones converge.
class Newton {
 public:
  Newton(const FitModel& model, const FitOptions& options,
         const WeightedPairs& pairs, double tension, Eigen::VectorXd theta)
      : model_(model),
        options_(options),
        pairs_(pairs),
        norm_(pairs.weights, options),
        tension_(tension),
        theta_(std::move(theta)) {}

  // Whether the minimum is reached.
  bool Minimise() {
    while (steps_ < kMaxNewtonSteps) {
      const KeypointCurvature curvature(model_, options_, pairs_, tension_,
                                        theta_);
      const Eigen::VectorXd step =
          SolveCurvature(curvature, -curvature.gradient(), solve_tolerance_).x;
      ++steps_;
      const double decrease = -step.dot(curvature.gradient());
      if (!(decrease >= 0)) return false;
      if (decrease <= kSettled * curvature.cost() + curvature.rounding()) {
        theta_ += step;
        return true;
      }
      if (!MoveAlong(step, curvature.cost(), decrease)) return false;
      solve_tolerance_ =
          std::min(kLoosestSolve, std::sqrt(decrease / curvature.cost()));
    }
    return false;
  }

  const Eigen::VectorXd& theta() const { return theta_; }
  int steps() const { return steps_; }

 private:
  double Cost(const Eigen::VectorXd& theta) const {
    const FlowAtPairs flow(VelocityField(model_.basis(), theta), pairs_);
    return norm_.Value(flow.residual, tension_) +
           0.5 * model_.prior->Energy(theta);
  }

  // Goes along `step` as far as the trust region allows and E falls.
  bool MoveAlong(const Eigen::VectorXd& step, double cost, double decrease) {
    const double length = MaxGradient(model_.basis()->CellsFromTheta(step));
    double fraction = std::min(1.0, options_.trust_region / length);
    for (int halvings = 0; halvings < kMaxHalvings; ++halvings) {
      const Eigen::VectorXd next = theta_ + fraction * step;
      if (Cost(next) <= cost - kLeastDecrease * fraction * decrease) {
        theta_ = next;
        return true;
      }
      fraction /= 2;
    }
    return false;
  }

  const FitModel& model_;
  const FitOptions& options_;
  const WeightedPairs& pairs_;
  ResidualNorm norm_;
  double tension_;
  Eigen::VectorXd theta_;
  double solve_tolerance_ = kLoosestSolve;
  int steps_ = 0;
};

// Where to begin: `result`, or, where its tension was lowered, the minimum at
// full tension on the way to it.
Eigen::VectorXd StartAtFullTension(const FitModel& model,
                                   const FitOptions& options,
                                   const WeightedPairs& pairs,
                                   const FitResult& result) {
  if (result.tension == options.tension) return result.theta;
  FitOptions unbounded = options;
  unbounded.max_gradient = std::numeric_limits<double>::infinity();
  return FitByGaussNewton(model, unbounded, pairs).theta;
}

}  // namespace

MinimaOfFit FindMinima(const FitModel& model, const FitOptions& options,
                       const WeightedPairs& pairs, const FitResult& result) {
  MinimaOfFit minima;
  bool reached = true;
  double tension = options.tension;
  Eigen::VectorXd theta = StartAtFullTension(model, options, pairs, result);
  while (minima.stages.size() < kMaxTensionStages) {
    Newton newton(model, options, pairs, tension, std::move(theta));
    reached = newton.Minimise() && reached;
    theta = newton.theta();
    minima.stages.push_back({tension, theta});
    minima.iterations += newton.steps();
    const double gradient = MaxGradient(model.basis()->CellsFromTheta(theta));
    minima.converged = reached && gradient <= options.max_gradient;
    if (gradient <= options.max_gradient) break;
    tension *= LoweredTension(gradient, options).factor;
  }
  return minima;
}

}  // namespace cpab
