// Keypoint-based transformation inference: the velocity field whose flow
// carries given points to given places.
//
// Pairs (p_k, q_k), k = 1..K, ask for T(p_k; theta) = q_k. A field has far more
// degrees of freedom than the pairs have equations, and pairs may contradict
// each other, so we look for the minimum of
//
//   E(theta) = tension (rho(theta) - rho_0) + 1/2 theta^T Sigma^-1 theta,
//   rho^2    = sum_k w_k (|q_k - T(p_k; theta)|^2 + noise^2),
//
// rho_0 being rho at a perfect fit. The first term is the loss of [CPABMM]
// Eq. (6) (the norm of all residuals, not its square), the second the
// smoothness prior of cpab/field/prior.h. Because the norm is not squared, its
// pull on the field never exceeds `tension`, however large the residual:
//
//  - pairs that some field explains within that pull are met to about `noise`;
//  - pairs that none does (crossing, coincident) are met as well as that pull
//    can: their residual stays, and the field stays bounded, since
//    theta^T Sigma^-1 theta <= 2 tension |residual of the identity|.
//
// The solver is Gauss-Newton with Levenberg-Marquardt damping and a trust
// region on the exact flow with its exact Jacobian, each step in closed form
// from a system of 2K equations, whatever the size of theta. cpab/README.md,
// "Keypoint inference", derives it and reports how it compares.
//
// Coordinates: x right, y down, [0, 1] inside the square.
// Source: [CPABMM] Sec. 3.2, whose solver is Adam; see FitOptions::Solver.
#ifndef CPAB_FIT_FIT_H_
#define CPAB_FIT_FIT_H_

#include <memory>
#include <vector>

#include "Eigen/Core"
#include "absl/status/statusor.h"
#include "cpab/field/basis.h"
#include "cpab/field/parallel.h"
#include "cpab/field/prior.h"
#include "cpab/fit/fit_problem.h"

namespace cpab {

struct FitModel;  // cpab/fit/keypoint_objective.h

// Fits one tessellation's fields. Immutable, safe to use from many threads;
// made once and kept, since it computes the prior's covariance.
//
// Every problem is solved by itself, with arithmetic that depends on nothing
// else: its result is bit-identical alone, in any batch, on any threads.
//
//   (1) Fit({p, p}) by kGaussNewton has theta = 0 exactly, after 0 iterations.
//   (2) Fit of no pairs is the identity.
//   (3) det dT/dx > 0 for every result, as for every theta.
class KeypointFitter {
 public:
  // InvalidArgument if an option is out of range, or if the basis is stored
  // sparsely: those are for cpab/landmark/landmark_fit.h.
  static absl::StatusOr<KeypointFitter> Create(
      std::shared_ptr<const Basis> basis, const FitOptions& options);

  const std::shared_ptr<const Basis>& basis() const;
  const Prior& prior() const;
  const FitOptions& options() const { return options_; }
  // For //cpab/torch, which hands it to the kernels of cpab/cuda.
  const std::shared_ptr<const FitModel>& model() const { return model_; }

  // `from` and `to` must have as many columns, `weights` as many elements or
  // none. If a point is not finite, or so far away that the square of a
  // coordinate overflows (1e154), or a weight is negative or not finite, or so
  // large that a sum of weights or of weighted squares overflows, all of theta,
  // residual and cost are NaN.
  FitResult Fit(const KeypointPairs& pairs) const;

  // Fit() of each.
  std::vector<FitResult> FitAll(const std::vector<KeypointPairs>& problems,
                                const ParallelFor& parallel_for) const;

  // E(theta) for given pairs; NaN for those of which Fit() is NaN.
  double Cost(const KeypointPairs& pairs,
              const Eigen::Ref<const Eigen::VectorXd>& theta) const;

  // The minimum of E that `result`, which is Fit(pairs) by kGaussNewton, is
  // near: what Fit(pairs) tends to as the tolerance falls, found by Newton's
  // method with the exact Hessian. `iterations` counts its steps; `converged`
  // says that a minimum within max_gradient was reached to rounding.
  FitResult Minimum(const KeypointPairs& pairs, const FitResult& result) const;

  // Pulls dL/dtheta back to the pairs through theta = argmin E, by the implicit
  // function theorem at Minimum(pairs, result), whatever the tolerance by which
  // `result` = Fit(pairs) was found. Where max_gradient lowered the tension,
  // its dependence on the pairs is part of the gradient. Never zero for a
  // dL/dtheta that the pairs can lower; see PairsGradient::exact. Zero for
  // pairs of weight 0; NaN if the result or dL/dtheta is not finite.
  PairsGradient Pullback(
      const KeypointPairs& pairs, const FitResult& result,
      const Eigen::Ref<const Eigen::VectorXd>& dl_dtheta) const;

 private:
  KeypointFitter(std::shared_ptr<const Prior> prior, const FitOptions& options);

  FitOptions options_;
  std::shared_ptr<const FitModel> model_;
};

}  // namespace cpab

#endif  // CPAB_FIT_FIT_H_
