// Linear systems with the Hessian of a problem's objective: the iteration, the
// bounds and the names of cpab/fit/curvature_solve.h, whose comments derive
// them, in the vectors of team_curvature.h.
//
// Private to //cpab/cuda. Tested by team_curvature_test.cc.
#ifndef CPAB_CUDA_TEAM_CURVATURE_SOLVE_H_
#define CPAB_CUDA_TEAM_CURVATURE_SOLVE_H_

#include <cstddef>

#include "cpab/cuda/host_device.h"
#include "cpab/cuda/keypoint_problem.h"
#include "cpab/cuda/point_path.h"
#include "cpab/cuda/team_curvature.h"
#include "cpab/cuda/tridiagonal.h"
#include "cpab/fit/solver_constants.h"

namespace cpab::kernels {

CPAB_HOST_DEVICE int MaxCurvatureSteps(const FitSizes& sizes) {
  return sizes.columns < solver::kMaxCurvatureSteps
             ? static_cast<int>(sizes.columns)
             : solver::kMaxCurvatureSteps;
}

CPAB_HOST_DEVICE size_t DoublesOfCurvatureSolver(const FitSizes& sizes) {
  const size_t steps = MaxCurvatureSteps(sizes);
  return 3 * (steps + 1) * sizes.columns + steps * steps + 5 * steps;
}

template <typename Team>
class CurvatureSolver {
 public:
  // Takes DoublesOfCurvatureSolver().
  CPAB_HOST_DEVICE CurvatureSolver(const Team& team, const FitSizes& sizes,
                                   FitArena* arena)
      : team_(team),
        columns_(static_cast<int>(sizes.columns)),
        max_steps_(MaxCurvatureSteps(sizes)) {
    const size_t steps = max_steps_;
    force_ = arena->Doubles(steps * sizes.columns);
    velocities_ = arena->Doubles(steps * sizes.columns);
    duals_ = arena->Doubles(steps * sizes.columns);
    next_force_ = arena->Doubles(sizes.columns);
    next_velocities_ = arena->Doubles(sizes.columns);
    next_dual_ = arena->Doubles(sizes.columns);
    diagonal_ = arena->Doubles(steps);
    beside_ = arena->Doubles(steps);
    overlap_ = arena->Doubles(steps);
    coefficients_ = arena->Doubles(steps);
    scratch_ = arena->Doubles(steps);
    vectors_ = arena->Doubles(steps * steps);
  }

  // (force, velocities) = the x of cpab/fit/curvature_solve.h for the dual
  // vector b; NaN if b is not finite. Returns whether all directions that b
  // excites are at least kLeastCurvature steep.
  CPAB_HOST_DEVICE bool Solve(KeypointCurvature<Team>* curvature,
                              const double* b, double tolerance, double* force,
                              double* velocities) {
    team_.ForEach(columns_, [&](int c) { next_dual_[c] = b[c]; });
    curvature->SolveGaussNewton(next_dual_, next_force_, next_velocities_);
    const double length = NextLength();
    steps_ = 0;
    bool steep = true;
    if (!IsFinite(length)) {
      steep = false;
    } else if (length > 0) {
      Run(curvature, length, tolerance);
      steep = FindCoefficients(length);
    }
    const double none = IsFinite(length) ? 0 : NotANumber<double>();
    team_.ForEach(columns_, [&](int c) {
      double p = none, u = none;
      for (int j = 0; j < steps_; ++j) {
        p += coefficients_[j] * force_[size_t(j) * columns_ + c];
        u += coefficients_[j] * velocities_[size_t(j) * columns_ + c];
      }
      force[c] = p;
      velocities[c] = u;
    });
    return steep;
  }

 private:
  CPAB_HOST_DEVICE double Dot(const double* u, const double* h) const {
    double sum = 0;
    for (int c = 0; c < columns_; ++c) sum += u[c] * h[c];
    return sum;
  }
  CPAB_HOST_DEVICE double NextLength() const {
    const double square = Dot(next_velocities_, next_dual_);
    return square < 0 ? 0 : std::sqrt(square);
  }

  CPAB_HOST_DEVICE void Run(KeypointCurvature<Team>* curvature, double length,
                            double tolerance) {
    double pivot = 1, residual = 1, norm = length;
    for (double before = 0; steps_ < max_steps_ && residual > tolerance;
         before = norm) {
      const double diagonal = Step(curvature, norm, tolerance);
      norm = NextLength();
      const int step = steps_ - 1;
      team_.ForEach(1, [&](int) {
        diagonal_[step] = diagonal;
        beside_[step] = norm;
      });
      pivot = diagonal - before * before / pivot;
      residual *= Abs(norm / pivot);
    }
  }

  // Makes the next vector a column, and the one after it from its image.
  // Returns the element of the tridiagonal matrix's diagonal.
  CPAB_HOST_DEVICE double Step(KeypointCurvature<Team>* curvature, double norm,
                               double tolerance) {
    const size_t column = size_t(steps_++) * columns_;
    double* const force = force_ + column;
    double* const velocities = velocities_ + column;
    double* const dual = duals_ + column;
    team_.ForEach(columns_, [&](int c) {
      force[c] = next_force_[c] / norm;
      velocities[c] = next_velocities_[c] / norm;
      dual[c] = next_dual_[c] / norm;
    });
    curvature->MinusCurvatureTimes(
        velocities, tolerance < solver::kCentralBelow, next_dual_);
    curvature->SolveGaussNewton(next_dual_, next_force_, next_velocities_);
    const double diagonal = 1 + Dot(velocities, next_dual_);
    for (int pass = 0; pass < 2; ++pass) {
      team_.ForEach(steps_, [&](int j) {
        overlap_[j] = Dot(next_velocities_, duals_ + size_t(j) * columns_);
      });
      team_.ForEach(columns_, [&](int c) {
        for (int j = 0; j < steps_; ++j) {
          const size_t i = size_t(j) * columns_ + c;
          next_force_[c] -= overlap_[j] * force_[i];
          next_velocities_[c] -= overlap_[j] * velocities_[i];
          next_dual_[c] -= overlap_[j] * duals_[i];
        }
      });
    }
    return diagonal;
  }

  // Those of x in the columns. Most fits have none of the directions that the
  // bound is for.
  CPAB_HOST_DEVICE bool FindCoefficients(double length) {
    const bool steep = AllEigenvaluesAbove(diagonal_, beside_, steps_,
                                           solver::kLeastCurvature);
    team_.ForEach(1, [&](int) {
      if (steep) {
        SolveTridiagonal(diagonal_, beside_, steps_, length, scratch_,
                         coefficients_);
      } else {
        SolveBounded(length);
      }
    });
    return steep;
  }

  CPAB_HOST_DEVICE void SolveBounded(double length) const {
    const bool found = Eigendecompose(diagonal_, beside_, steps_, vectors_);
    for (int j = 0; j < steps_; ++j) {
      scratch_[j] = found ? length * vectors_[j] /
                                Max(Abs(diagonal_[j]), solver::kLeastCurvature)
                          : NotANumber<double>();
    }
    for (int i = 0; i < steps_; ++i) {
      coefficients_[i] = 0;
      for (int j = 0; j < steps_; ++j) {
        coefficients_[i] += vectors_[i * steps_ + j] * scratch_[j];
      }
    }
  }

  const Team& team_;
  const int columns_;
  const int max_steps_;
  int steps_ = 0;
  // Row j is the iteration's vector j, as p, as u, and G times it.
  double* force_;
  double* velocities_;
  double* duals_;
  double* next_force_;
  double* next_velocities_;
  double* next_dual_;
  double* diagonal_;
  double* beside_;
  double* overlap_;
  double* coefficients_;
  double* scratch_;
  double* vectors_;  // Eigenvectors of the tridiagonal matrix.
};

}  // namespace cpab::kernels

#endif  // CPAB_CUDA_TEAM_CURVATURE_SOLVE_H_
