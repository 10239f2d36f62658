// Keypoint inference: Gauss-Newton on one problem, for the processor and for a
// block of GPU threads, which share the work as keypoint_problem.h says.
//
// The step and what ends the iteration are those of cpab/fit/gauss_newton.h,
// whose comment derives them; so are the names.
//
// Private to //cpab/cuda. Tested by fit_batch_test.cc.
#ifndef CPAB_CUDA_KEYPOINT_FIT_H_
#define CPAB_CUDA_KEYPOINT_FIT_H_

#include <cstddef>

#include "cpab/cuda/grid.h"
#include "cpab/cuda/host_device.h"
#include "cpab/cuda/keypoint_problem.h"
#include "cpab/cuda/point_path.h"
#include "cpab/fit/solver_constants.h"

namespace cpab::kernels {

// Of FitOptions in cpab/fit/fit_problem.h.
struct FitSettings {
  double tension, noise, tolerance, trust_region, max_gradient;
  int max_iterations;
};

// What LoweredTension() of cpab/fit/keypoint_objective.h says.
struct TensionChange {
  CPAB_HOST_DEVICE TensionChange(double max_gradient,
                                 const FitSettings& settings) {
    const double excess = max_gradient / settings.max_gradient;
    factor = solver::kTensionMargin / (excess * excess);
    slope =
        factor > solver::kLeastTensionFactor ? -2 * factor / max_gradient : 0;
    factor = Max(factor, solver::kLeastTensionFactor);
  }
  double factor, slope;
};

struct FitOutcome {
  double residual, cost, tension, max_gradient;
  int iterations;
  bool converged;
};

// The memory that KeypointFit needs.
struct FitMemory : FitSizes {
  CPAB_HOST_DEVICE FitMemory(Grid grid, int pairs) : FitSizes(grid, pairs) {}
  CPAB_HOST_DEVICE explicit FitMemory(const FitSizes& sizes)
      : FitSizes(sizes) {}

  CPAB_HOST_DEVICE size_t num_doubles() const {
    return doubles_of_problem() + 2 * doubles_of_state() + rows * columns +
           2 * rows * rows + 2 * columns + rows;
  }
  CPAB_HOST_DEVICE size_t num_ints() const {
    return ints_of_problem() + 2 * ints_of_state();
  }
};

template <typename Team>
class KeypointFit {
 public:
  // arena: what FitMemory says.
  CPAB_HOST_DEVICE KeypointFit(const Team& team, const FitModel& model,
                               const FitSettings& settings,
                               const FitPairs& pairs, FitArena arena)
      : team_(team),
        settings_(settings),
        problem_(team, model, settings.noise, pairs, &arena),
        current_(problem_.MakeState(&arena)),
        next_(problem_.MakeState(&arena)),
        tension_(settings.tension) {
    const FitSizes sizes(model.grid, pairs.count);
    product_ = arena.Doubles(sizes.rows * sizes.columns);
    gram_ = arena.Doubles(sizes.rows * sizes.rows);
    system_ = arena.Doubles(sizes.rows * sizes.rows);
    target_ = arena.Doubles(sizes.columns);
    target_velocities_ = arena.Doubles(sizes.columns);
    alpha_ = arena.Doubles(sizes.rows);
  }

  // force: [vertices, 2]. All NaN where KeypointFitter::Fit has NaN.
  CPAB_HOST_DEVICE FitOutcome Solve(double* force) {
    const int columns = problem_.columns();
    const int usable = problem_.GatherPairs();
    if (usable < 0) return Fail(force);
    FitOutcome outcome = {0, 0, settings_.tension, 0, 0, true};
    if (usable == 0) {
      team_.ForEach(columns, [&](int i) { force[i] = 0; });
      return outcome;
    }
    team_.ForEach(columns, [&](int i) { current_.force[i] = 0; });
    problem_.Evaluate(current_);
    outcome.converged = Minimise(&outcome.iterations);
    outcome.tension = tension_;
    outcome.residual = std::sqrt(problem_.SumOfSquares(current_.residual));
    outcome.cost = problem_.Cost(current_, tension_);
    outcome.max_gradient = problem_.MaxGradient(current_.velocities, nullptr);
    team_.ForEach(columns, [&](int i) { force[i] = current_.force[i]; });
    return outcome;
  }

 private:
  CPAB_HOST_DEVICE FitOutcome Fail(double* force) const {
    const double nan = NotANumber<double>();
    team_.ForEach(problem_.columns(), [&](int i) { force[i] = nan; });
    return {nan, nan, nan, nan, 0, false};
  }

  // Returns whether it converged; *iterations counts the steps.
  CPAB_HOST_DEVICE bool Minimise(int* iterations) {
    if (problem_.SumOfSquares(current_.residual) == 0) return true;
    for (*iterations = 1; *iterations <= settings_.max_iterations;
         ++*iterations) {
      if (!TakeStep()) continue;
      const double gradient =
          problem_.MaxGradient(current_.velocities, nullptr);
      if (gradient <= settings_.max_gradient) return true;
      tension_ *= TensionChange(gradient, settings_).factor;
      damping_ = 0;
    }
    *iterations = settings_.max_iterations;
    EnforceBounds();
    return false;
  }

  // For problems that run out of iterations: shrinks the field.
  CPAB_HOST_DEVICE void EnforceBounds() {
    const double excess = problem_.MaxGradient(current_.velocities, nullptr) /
                          settings_.max_gradient;
    if (!(excess > 1)) return;
    team_.ForEach(problem_.columns(),
                  [&](int i) { current_.force[i] /= excess; });
    problem_.Evaluate(current_);
  }

  CPAB_HOST_DEVICE bool TakeStep() {
    FindModelMinimum();
    problem_.Covary(target_, target_velocities_);
    const double length =
        problem_.MaxGradient(target_velocities_, current_.velocities);
    const double fraction = Min(1.0, settings_.trust_region / length);
    team_.ForEach(problem_.columns(), [&](int i) {
      next_.force[i] =
          current_.force[i] + fraction * (target_[i] - current_.force[i]);
    });
    problem_.Evaluate(next_);
    const double before = problem_.Cost(current_, tension_);
    const double after = problem_.Cost(next_, tension_);
    const bool settled =
        Abs(before - after) <=
        settings_.tolerance * before + problem_.Rounding(current_, tension_);
    if (after <= before) {
      const FitState swapped = current_;
      current_ = next_;
      next_ = swapped;
      has_gram_ = false;
      if (!rejected_) {
        damping_ = damping_ > solver::kLowestDamping ? damping_ / 10 : 0;
      }
      rejected_ = false;
      return settled && fraction == 1;
    }
    rejected_ = true;
    damping_ = Max(10 * damping_, 1.0);
    // A cost that is NaN says nothing about a minimum.
    return settled || (after > before && damping_ > solver::kHighestDamping);
  }

  // target = damping / (1 + damping) force + D^T alpha.
  CPAB_HOST_DEVICE void FindModelMinimum() {
    const double stiffness = 1 + damping_;
    const int n = problem_.rows(), columns = problem_.columns();
    if (!has_gram_) problem_.FormGram(current_, product_, gram_);
    has_gram_ = true;
    const double compliance = stiffness * problem_.Rho(current_) / tension_;
    team_.ForEach(n * n, [&](int i) {
      system_[i] = gram_[i];
      if (i % (n + 1) == 0)
        system_[i] += compliance / problem_.weight(i / n / 2);
    });
    team_.ForEach(n, [&](int i) {
      alpha_[i] =
          current_.residual[i] +
          problem_.RowTimes(current_, i, current_.velocities) / stiffness;
    });
    problem_.Factor(system_);
    problem_.Substitute(system_, alpha_);
    team_.ForEach(columns, [&](int c) {
      double sum = 0;
      for (int i = 0; i < n; ++i) {
        sum += current_.jacobian[size_t(i) * columns + c] * alpha_[i];
      }
      target_[c] = damping_ / stiffness * current_.force[c] + sum;
    });
  }

  const Team& team_;
  const FitSettings settings_;
  KeypointProblem<Team> problem_;
  FitState current_, next_;
  double* product_;  // D C
  double* gram_;     // D C D^T
  double* system_;
  double* target_;
  double* target_velocities_;
  double* alpha_;
  double tension_;
  double damping_ = 0;
  bool rejected_ = false;  // The last step.
  bool has_gram_ = false;
};

}  // namespace cpab::kernels

#endif  // CPAB_CUDA_KEYPOINT_FIT_H_
