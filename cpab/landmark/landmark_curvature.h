// The objective of cpab/landmark/landmark_fit.h to second order about one
// field, in the notation of cpab/fit/keypoint_curvature.h: by matrices of
// theta's size, or, over a basis that is stored sparsely and for a long theta,
// by their products alone.
//
// Private to //cpab/landmark.
#ifndef CPAB_LANDMARK_LANDMARK_CURVATURE_H_
#define CPAB_LANDMARK_LANDMARK_CURVATURE_H_

#include <memory>

#include "Eigen/Core"
#include "cpab/fit/curvature_solve.h"
#include "cpab/landmark/landmark_objective.h"

namespace cpab {

class LandmarkCurvature {
 public:
  // `objective` must outlive it.
  static std::unique_ptr<const LandmarkCurvature> Create(
      const LandmarkObjective& objective, const Eigen::VectorXd& theta);

  virtual ~LandmarkCurvature() = default;

  const LandmarkObjective::State& state() const { return state_; }
  const Eigen::VectorXd& gradient() const { return gradient_; }  // dE/dtheta

  // The solution of (Hess E) x = b, bounded as in cpab/fit/curvature_solve.h.
  // With matrices least_curvature is the least of all directions, not only of
  // those that b excites.
  virtual CurvatureSolution Solve(const Eigen::VectorXd& b) const = 0;

 protected:
  LandmarkCurvature(const LandmarkObjective& objective,
                    const Eigen::VectorXd& theta)
      : objective_(objective),
        state_(objective.At(theta)),
        gradient_(objective.Gradient(state_)) {}

  const LandmarkObjective& objective_;
  LandmarkObjective::State state_;
  Eigen::VectorXd gradient_;
};

}  // namespace cpab

#endif  // CPAB_LANDMARK_LANDMARK_CURVATURE_H_
