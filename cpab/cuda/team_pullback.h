// The gradient of keypoint inference with respect to its pairs, for the
// processor and for a block of GPU threads: the stages, the formulas and the
// names of cpab/fit/keypoint_minimum.h and cpab/fit/keypoint_pullback.h, whose
// comments derive them, in the vectors of team_curvature.h.
//
// Private to //cpab/cuda. Tested by fit_batch_test.cc.
#ifndef CPAB_CUDA_TEAM_PULLBACK_H_
#define CPAB_CUDA_TEAM_PULLBACK_H_

#include <cstddef>

#include "cpab/cuda/grid.h"
#include "cpab/cuda/host_device.h"
#include "cpab/cuda/keypoint_fit.h"
#include "cpab/cuda/keypoint_problem.h"
#include "cpab/cuda/point_path.h"
#include "cpab/cuda/team_curvature.h"
#include "cpab/cuda/team_curvature_solve.h"
#include "cpab/fit/solver_constants.h"

namespace cpab::kernels {

// The memory that KeypointPullback needs.
struct PullbackMemory : FitSizes {
  CPAB_HOST_DEVICE PullbackMemory(Grid grid, int pairs)
      : FitSizes(grid, pairs) {}

  // Each stage lowers the tension by two per cent at least.
  static constexpr int kMaxStages = solver::kMaxTensionStages;

  CPAB_HOST_DEVICE size_t num_doubles() const {
    const size_t own = doubles_of_problem() + 2 * doubles_of_state() +
                       3 * columns + 2 * rows + DoublesOfCurvature(*this) +
                       DoublesOfCurvatureSolver(*this);
    const size_t of_fit = FitMemory(*this).num_doubles();
    return kMaxStages * columns + (own > of_fit ? own : of_fit);
  }
  CPAB_HOST_DEVICE size_t num_ints() const {
    return FitMemory(*this).num_ints();
  }
};

// What is pulled back of one problem, and where to.
struct PullbackOfPairs {
  const double* force;     // [2 vertices], of the fit
  double tension;          // of the fit
  const double* gradient;  // [2 vertices], h with W^T h = dL/dtheta
  double* of_from;         // [K, 2]
  double* of_to;           // [K, 2]
};

template <typename Team>
class KeypointPullback {
 public:
  // doubles, ints: what PullbackMemory says.
  CPAB_HOST_DEVICE KeypointPullback(const Team& team, const FitModel& model,
                                    const FitSettings& settings,
                                    const FitPairs& pairs, double* doubles,
                                    int* ints)
      : team_(team),
        model_(model),
        settings_(settings),
        pairs_(pairs),
        sizes_(model.grid, pairs.count),
        columns_(static_cast<int>(sizes_.columns)),
        stage_forces_(doubles),
        // A fit comes and goes before the rest of the memory is in use.
        arena_{doubles + kMaxStages * sizes_.columns, ints},
        fit_arena_(arena_),
        problem_(team, model, settings.noise, pairs, &arena_),
        current_(problem_.MakeState(&arena_)),
        next_(problem_.MakeState(&arena_)),
        curvature_(problem_, sizes_, &arena_),
        solver_(team, sizes_, &arena_) {
    step_ = arena_.Doubles(sizes_.columns);
    step_velocities_ = arena_.Doubles(sizes_.columns);
    dual_ = arena_.Doubles(sizes_.columns);
    of_to_ = arena_.Doubles(sizes_.rows);
    of_from_ = arena_.Doubles(sizes_.rows);
  }

  // As KeypointFitter::Pullback. Returns PairsGradient::exact.
  CPAB_HOST_DEVICE bool Solve(const PullbackOfPairs& work) {
    const bool finite = IsFinite(SumOf(work.force));
    if (finite && work.tension != settings_.tension) {
      FitAtFullTension(stage_forces_);
    } else {
      team_.ForEach(columns_, [&](int c) { stage_forces_[c] = work.force[c]; });
    }
    const int usable = problem_.GatherPairs();
    if (!finite || usable < 0 || !IsFinite(SumOfSizes(work.gradient))) {
      return Fill(work, NotANumber<double>(), false);
    }
    Fill(work, 0, true);
    if (usable == 0 || IsZero(work.gradient)) return true;
    const bool converged = FindMinima();
    return PullBackStages(work) && converged;
  }

 private:
  static constexpr int kMaxStages = PullbackMemory::kMaxStages;

  CPAB_HOST_DEVICE double* StageForce(int stage) const {
    return stage_forces_ + size_t(stage) * columns_;
  }
  CPAB_HOST_DEVICE double SumOf(const double* x) const {
    double sum = 0;
    for (int c = 0; c < columns_; ++c) sum += x[c];
    return sum;
  }
  CPAB_HOST_DEVICE double SumOfSizes(const double* x) const {
    double sum = 0;
    for (int c = 0; c < columns_; ++c) sum += Abs(x[c]);
    return sum;
  }
  CPAB_HOST_DEVICE bool IsZero(const double* x) const {
    for (int c = 0; c < columns_; ++c) {
      if (x[c] != 0) return false;
    }
    return true;
  }

  // Gives the pairs that count `value` and the others 0.
  CPAB_HOST_DEVICE bool Fill(const PullbackOfPairs& work, double value,
                             bool exact) const {
    team_.ForEach(static_cast<int>(sizes_.rows), [&](int i) {
      const bool counts = !pairs_.weights || pairs_.weights[i / 2] != 0;
      work.of_from[i] = work.of_to[i] = counts ? value : 0;
    });
    return exact;
  }

  // ---- The minima by which the fit is defined.

  CPAB_HOST_DEVICE void FitAtFullTension(double* force) const {
    FitSettings unbounded = settings_;
    unbounded.max_gradient = HUGE_VAL;
    KeypointFit<Team> fit(team_, model_, unbounded, pairs_, fit_arena_);
    fit.Solve(force);
  }

  // Fills the stages. Returns MinimaOfFit::converged.
  CPAB_HOST_DEVICE bool FindMinima() {
    bool reached = true;
    double tension = settings_.tension;
    for (num_stages_ = 0; num_stages_ < kMaxStages;) {
      const int stage = num_stages_++;
      const double* const start = StageForce(stage > 0 ? stage - 1 : 0);
      team_.ForEach(columns_, [&](int c) { current_.force[c] = start[c]; });
      tensions_[stage] = tension;
      reached = Minimise(tension) && reached;
      double* const force = StageForce(stage);
      team_.ForEach(columns_, [&](int c) { force[c] = current_.force[c]; });
      const double gradient =
          problem_.MaxGradient(current_.velocities, nullptr);
      if (gradient <= settings_.max_gradient) return reached;
      tension *= TensionChange(gradient, settings_).factor;
    }
    return false;
  }

  // Newton's method from current_.force. Returns whether it reached a minimum;
  // current_ has its force and velocities.
  CPAB_HOST_DEVICE bool Minimise(double tension) {
    double solve_tolerance = solver::kLoosestSolve;
    problem_.Evaluate(current_);
    for (int steps = 0; steps < solver::kMaxNewtonSteps; ++steps) {
      curvature_.SetTo(current_, tension);
      curvature_.Descent(dual_);
      solver_.Solve(&curvature_, dual_, solve_tolerance, step_,
                    step_velocities_);
      double decrease = 0;
      for (int c = 0; c < columns_; ++c) {
        decrease += step_velocities_[c] * dual_[c];
      }
      if (!(decrease >= 0)) return false;
      const double cost = curvature_.cost();
      if (decrease <= solver::kSettled * cost + curvature_.rounding()) {
        team_.ForEach(columns_, [&](int c) { current_.force[c] += step_[c]; });
        problem_.Covary(current_.force, current_.velocities);
        return true;
      }
      if (!MoveAlongStep(tension, cost, decrease)) return false;
      solve_tolerance = Min(solver::kLoosestSolve, std::sqrt(decrease / cost));
    }
    return false;
  }

  // Goes along the step as far as the trust region allows and E falls.
  CPAB_HOST_DEVICE bool MoveAlongStep(double tension, double cost,
                                      double decrease) {
    const double length = problem_.MaxGradient(step_velocities_, nullptr);
    double fraction = Min(1.0, settings_.trust_region / length);
    for (int halvings = 0; halvings < solver::kMaxHalvings; ++halvings) {
      team_.ForEach(columns_, [&](int c) {
        next_.force[c] = current_.force[c] + fraction * step_[c];
      });
      problem_.Covary(next_.force, next_.velocities);
      problem_.EvaluateResidual(next_);
      if (problem_.Cost(next_, tension) <=
          cost - solver::kLeastDecrease * fraction * decrease) {
        const FitState swapped = current_;
        current_ = next_;
        next_ = swapped;
        problem_.Evaluate(current_);
        return true;
      }
      fraction /= 2;
    }
    return false;
  }

  // ---- Back through the stages.

  CPAB_HOST_DEVICE bool PullBackStages(const PullbackOfPairs& work) {
    bool exact = true;
    double dl_dtension = 0;
    team_.ForEach(columns_, [&](int c) { dual_[c] = work.gradient[c]; });
    for (int stage = num_stages_ - 1;; --stage) {
      GoTo(stage);
      curvature_.SetTo(current_, tensions_[stage]);
      exact = solver_.Solve(&curvature_, dual_, solver::kPullbackTolerance,
                            step_, step_velocities_) &&
              exact;
      AddToPairs(work);
      if (stage == 0) return exact;
      double energy_slope = 0;
      for (int c = 0; c < columns_; ++c) {
        energy_slope += step_velocities_[c] * current_.force[c];
      }
      dl_dtension += energy_slope / tensions_[stage];
      dl_dtension *= ToStageBefore(stage - 1, dl_dtension);
    }
  }

  CPAB_HOST_DEVICE void GoTo(int stage) const {
    const double* const force = StageForce(stage);
    team_.ForEach(columns_, [&](int c) { current_.force[c] = force[c]; });
    problem_.Evaluate(current_);
  }

  // The shares of the stage at hand, lambda being step_.
  CPAB_HOST_DEVICE void AddToPairs(const PullbackOfPairs& work) {
    curvature_.ForceChange(step_velocities_, of_to_);
    Add(of_to_, 1, work.of_to);
    curvature_.ToPoints(of_to_, of_from_);
    Add(of_from_, -1, work.of_from);
    curvature_.TransportPoints(step_velocities_, of_from_);
    Add(of_from_, 1, work.of_from);
  }

  CPAB_HOST_DEVICE void Add(const double* shares, double sign,
                            double* sums) const {
    team_.ForEach(problem_.rows(), [&](int i) {
      sums[2 * problem_.index(i / 2) + i % 2] += sign * shares[i];
    });
  }

  // Makes dual_ the gradient at the stage before; returns what of dL/dtension
  // goes on to its tension.
  CPAB_HOST_DEVICE double ToStageBefore(int before, double dl_dtension) {
    GoTo(before);
    int steepest = 0;
    const double largest =
        problem_.MaxGradient(current_.velocities, nullptr, &steepest);
    const TensionChange change(largest, settings_);
    const double scale =
        dl_dtension * tensions_[before] * change.slope / largest;
    team_.ForEach(columns_, [&](int c) { dual_[c] = 0; });
    team_.ForEach(1, [&](int) { SetSlope(steepest, scale); });
    return change.factor;
  }

  // dual_ = scale d(squares / 2)/du, squares those of MaxGradient() in `cell`.
  CPAB_HOST_DEVICE void SetSlope(int cell, double scale) const {
    const Region region = Unpacked(model_.grid, 2 * cell);
    const CellVertices vertices(model_.grid, region);
    const CellSize<double> size(model_.grid, region.side);
    for (int a = 0; a < 2; ++a) {
      const int from = 2 * vertices.from + a, to = 2 * vertices.to + a;
      const int centre = 2 * vertices.centre + a;
      const double* const u = current_.velocities;
      const double along = scale * (u[to] - u[from]) / (2 * size.w);
      const double outwards =
          scale * ((u[from] + u[to]) / 2 - u[centre]) / size.h;
      dual_[to] += along / (2 * size.w) + outwards / (2 * size.h);
      dual_[from] += -along / (2 * size.w) + outwards / (2 * size.h);
      dual_[centre] += -outwards / size.h;
    }
  }

  const Team& team_;
  const FitModel model_;
  const FitSettings settings_;
  const FitPairs pairs_;
  const FitSizes sizes_;
  const int columns_;
  double* const stage_forces_;  // [kMaxStages, 2 vertices]
  FitArena arena_;
  const FitArena fit_arena_;
  KeypointProblem<Team> problem_;
  FitState current_, next_;
  KeypointCurvature<Team> curvature_;
  CurvatureSolver<Team> solver_;
  double tensions_[kMaxStages];
  int num_stages_ = 0;
  double* step_;  // As p, and as u.
  double* step_velocities_;
  double* dual_;
  double* of_to_;
  double* of_from_;
};

}  // namespace cpab::kernels

#endif  // CPAB_CUDA_TEAM_PULLBACK_H_
