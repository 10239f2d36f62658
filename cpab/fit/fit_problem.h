// What keypoint inference is asked and what it answers: its options, the pairs
// of one problem, the result, and the gradient with respect to the pairs. The
// objective that the options speak of is in cpab/fit/fit.h.
//
// Coordinates: x right, y down, [0, 1] inside the square.
#ifndef CPAB_FIT_FIT_PROBLEM_H_
#define CPAB_FIT_FIT_PROBLEM_H_

#include "Eigen/Core"
#include "cpab/field/prior.h"

namespace cpab {

struct FitOptions {
  enum class Solver {
    // Minimises E of cpab/fit/fit.h.
    kGaussNewton,
    // The paper's: Adam on 2 sqrt(sum w |residual|^2), the norm of residuals in
    // [-1, 1] coordinates, from theta = 1e-6, without a prior. Here the flow
    // and its gradient are exact, not stepped, and each problem has its own
    // norm, where the authors' code has one over the batch. Adam depends on the
    // choice of basis, which is ours. There is no test of convergence.
    kAdam,
  };
  Solver solver = Solver::kGaussNewton;

  // The most that the pairs may pull at the field; above 0. At 8 the residual
  // of contradictory pairs and the field are those at which the authors' Adam
  // stops.
  double tension = 8;
  // Distance below which a pair counts as met, in sides of the square; above 0.
  double noise = 2e-4;
  PriorOptions prior;

  // Gauss-Newton steps, rejected ones included; at least 1.
  int max_iterations = 30;
  // A step that lowers E by less than this fraction of E is the last; above 0.
  double tolerance = 1e-3;
  // Largest change of the velocity gradient (Frobenius norm, in any cell) in
  // one step; above 0. A gradient of 1 moves neighbouring points by a factor e.
  double trust_region = 1;
  // Bound on the velocity gradient (Frobenius norm, in any cell) of the result;
  // above 0. Distances between points grow or shrink by at most
  // e^max_gradient. Where the minimum of E has more, tension is reduced until
  // it has not.
  double max_gradient = 5;

  // For kAdam: number of steps, at least 1, and their size in units of theta,
  // above 0. The authors take 100 for their 4x4 and 150 for their 6x6 cells.
  int adam_iterations = 100;
  double adam_rate = 0.01;
};

// The pairs of one problem. `weights` is empty (all 1) or has one number of at
// least 0 a pair; a pair with weight 0 is ignored, whatever its points. A pair
// of weight 2 counts as the same pair twice.
struct KeypointPairs {
  Eigen::Matrix2Xd from;  // p, [2, K]
  Eigen::Matrix2Xd to;    // q, [2, K]
  Eigen::VectorXd weights;
};

struct FitResult {
  Eigen::VectorXd theta;
  // sqrt(sum_k w_k |q_k - T(p_k)|^2); the paper's loss is twice this.
  double residual = 0;
  // E, with the tension below. For kAdam, the loss it minimises.
  double cost = 0;
  // Of FitOptions; less than that where max_gradient took effect.
  double tension = 0;
  // Largest Frobenius norm of the velocity gradient in any cell.
  double max_gradient = 0;
  int iterations = 0;
  // The last step met the tolerance, and the field is within max_gradient.
  bool converged = false;
};

// The gradient of a loss with respect to the pairs of a problem.
struct PairsGradient {
  Eigen::Matrix2Xd from;  // [2, K]
  Eigen::Matrix2Xd to;    // [2, K]
  // Whether this is the gradient of the minimum that the fit is near. False
  // where no minimum was reached nearby, or where E is so flat there in some
  // direction (less than a fiftieth of its Gauss-Newton approximation, or
  // curved downwards) that theta is close to a jump: in such directions the
  // gradient is bounded, at fifty times that of Gauss-Newton.
  bool exact = false;
};

}  // namespace cpab

#endif  // CPAB_FIT_FIT_PROBLEM_H_
