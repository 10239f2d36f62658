// Fields from pairs of landmarks in one, two and three dimensions, and fields
// that change in time: the objective of cpab/fit/fit.h, which is for one field
// of the plane, with dense derivatives.
//
//   E(theta) = tension (rho(theta) - rho_0) + 1/2 theta^T Sigma^-1 theta,
//   rho^2    = sum_k w_k (|q_k - T(p_k; theta)|^2 + noise^2).
//
// With n stages T is the chain of n flows that take unit time together
// (cpab/batch/flow_chain.h), theta is [n d], those of all stages one after the
// other, and the prior's energy is the mean over the stages: a chain of equal
// stages costs what one flow costs. Motions that no constant field of bounded
// gradient makes, such as those that come back, need several.
//
// The same guarantees hold: pairs that some field explains within the pull of
// `tension` are met to about `noise`, others as well as that pull can, and the
// velocity gradient stays within `max_gradient`, in every stage. The cost of a
// step grows with (D K)^2 (n d + D K).
//
// Coordinates: those of the interval and of the cube, [0, 1] along each axis.
// Source: [CPABMM] Sec. 3.2, Eq. (6), in other dimensions; the damping: [LM].
#ifndef CPAB_LANDMARK_LANDMARK_FIT_H_
#define CPAB_LANDMARK_LANDMARK_FIT_H_

#include <memory>
#include <vector>

#include "Eigen/Core"
#include "absl/status/statusor.h"
#include "cpab/field/basis.h"
#include "cpab/field/parallel.h"
#include "cpab/field/smoothness_prior.h"
#include "cpab/fit/fit_problem.h"
#include "cpab/interval/interval_flow.h"
#include "cpab/volume/volume_basis.h"

namespace cpab {

// The pairs of one problem, as KeypointPairs.
struct LandmarkPairs {
  Eigen::MatrixXd from;  // p, [D, K]
  Eigen::MatrixXd to;    // q, [D, K]
  Eigen::VectorXd weights;
};

// As PairsGradient. `exact` is also false where max_gradient lowered the
// tension, whose dependence on the pairs is left out here.
struct LandmarkGradient {
  Eigen::MatrixXd from;  // [D, K]
  Eigen::MatrixXd to;    // [D, K]
  bool exact = false;
};

class LandmarkModel;  // landmark_model.h

// Immutable, safe to use from many threads; made once and kept. Every problem's
// result is the one it has alone.
class LandmarkFitter {
 public:
  static constexpr int kMaxStages = 64;

  // InvalidArgument if an option is out of range, the solver is kAdam, or
  // num_stages is not 1 to kMaxStages.
  static absl::StatusOr<LandmarkFitter> Create(
      std::shared_ptr<const IntervalBasis> basis, const FitOptions& options,
      int num_stages = 1);
  static absl::StatusOr<LandmarkFitter> Create(
      std::shared_ptr<const Basis> basis, const FitOptions& options,
      int num_stages = 1);
  static absl::StatusOr<LandmarkFitter> Create(
      std::shared_ptr<const VolumeBasis> basis, const FitOptions& options,
      int num_stages = 1);

  int dimensions() const;
  int num_stages() const;
  int theta_size() const;  // Of all stages.

  // As KeypointFitter::Fit: NaN if a point or weight is not usable.
  FitResult Fit(const LandmarkPairs& pairs) const;
  std::vector<FitResult> FitAll(const std::vector<LandmarkPairs>& problems,
                                const ParallelFor& parallel_for) const;

  // E(theta) for given pairs.
  double Cost(const LandmarkPairs& pairs,
              const Eigen::Ref<const Eigen::VectorXd>& theta) const;

  // As KeypointFitter::Minimum, but at the tension of `result`.
  FitResult Minimum(const LandmarkPairs& pairs, const FitResult& result) const;

  // As KeypointFitter::Pullback, at the minimum that `result` = Fit(pairs) is
  // near. The flow's part of the Hessian is by differences, for each of some
  // three Newton steps: 2 n d flows of the points, or over a sparse basis, or
  // with more than 300 numbers in theta, at most 60 products with it.
  LandmarkGradient Pullback(
      const LandmarkPairs& pairs, const FitResult& result,
      const Eigen::Ref<const Eigen::VectorXd>& dl_dtheta) const;

 private:
  LandmarkFitter(std::shared_ptr<const LandmarkModel> model,
                 const FitOptions& options);
  template <typename AnyBasis>
  static absl::StatusOr<LandmarkFitter> CreateFor(
      std::shared_ptr<const AnyBasis> basis, const FitOptions& options,
      int num_stages);

  std::shared_ptr<const LandmarkModel> model_;
  FitOptions options_;
};

}  // namespace cpab

#endif  // CPAB_LANDMARK_LANDMARK_FIT_H_
