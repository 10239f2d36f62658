// Constants of the solvers of keypoint inference, in one place for those of the
// processor (cpab/fit, cpab/landmark) and of the kernels (cpab/cuda), whose
// results have to agree. Plain numbers, which nvcc compiles, too.
//
// Private to //cpab.
#ifndef CPAB_FIT_SOLVER_CONSTANTS_H_
#define CPAB_FIT_SOLVER_CONSTANTS_H_

namespace cpab::solver {

// ---- Gauss-Newton: cpab/fit/gauss_newton.h.

// Damping below this becomes 0; above the highest, no step lowers E.
inline constexpr double kLowestDamping = 1e-2;
inline constexpr double kHighestDamping = 1e6;

// ---- The norm of the residuals: cpab/fit/keypoint_objective.h.

// The smallest square of the noise times weights, one that no product of
// doubles rounds to 0: all is smooth at residuals of 0, too.
inline constexpr double kLeastFloor = 2.2250738585072014e-308;

// ---- The tension that max_gradient allows: LoweredTension() of
// cpab/fit/keypoint_objective.h.

inline constexpr double kLeastTensionFactor = 0.25;
inline constexpr double kTensionMargin = 0.98;
// Each stage lowers the tension by two per cent at least, as a rule by more.
inline constexpr int kMaxTensionStages = 20;

// ---- Newton's method to the minimum: cpab/fit/keypoint_minimum.h.

// The predicted decrease of E, as a fraction of E, from which on a full step is
// the last: it leaves the square of that, which is below rounding.
inline constexpr double kSettled = 1e-10;
// The first steps, far from the minimum, are solved this loosely.
inline constexpr double kLoosestSolve = 0.1;
// A minimum at a kink of E, where a path runs along an edge, is not reached.
inline constexpr int kMaxNewtonSteps = 20;
inline constexpr int kMaxHalvings = 20;
// The share of the predicted decrease that a step has to bring (Armijo).
inline constexpr double kLeastDecrease = 1e-4;

// ---- Systems with the Hessian: cpab/fit/curvature_solve.h.

// A minimum that is shallower than this along some direction, in units of the
// Gauss-Newton Hessian, counts as near singular. Of the minima of 400 random
// moves of the kinds in fit_test.cc, the shallowest had 0.05.
inline constexpr double kLeastCurvature = 0.02;
// More than the eigenvalues apart from 1 that any fit has shown.
inline constexpr int kMaxCurvatureSteps = 60;
// Solutions that are to be better than this take products with C by central
// differences.
inline constexpr double kCentralBelow = 1e-4;
// No velocity and no velocity gradient changes by more in a difference.
inline constexpr double kDifference = 1e-5;

// ---- The gradient of the pairs: cpab/fit/keypoint_pullback.h.

// What the differences behind products with C are good for, and a digit.
inline constexpr double kPullbackTolerance = 1e-8;

}  // namespace cpab::solver

#endif  // CPAB_FIT_SOLVER_CONSTANTS_H_
