// The objective of one problem about one field, to second order: the formulas
// and the names of cpab/fit/keypoint_curvature.h.
//
// A vector of theta's space is kept as the force p with theta = Sigma W^T p,
// beside its vertex velocities u = W theta = C p; a dual vector (a gradient by
// theta) as an h with W^T h for it. So (theta, gradient) = u . h, and no d x d
// matrix is needed.
//
// Private to //cpab/cuda.
#ifndef CPAB_CUDA_TEAM_CURVATURE_H_
#define CPAB_CUDA_TEAM_CURVATURE_H_

#include <cmath>
#include <cstddef>

#include "cpab/cuda/host_device.h"
#include "cpab/cuda/keypoint_problem.h"
#include "cpab/cuda/point_path.h"
#include "cpab/fit/solver_constants.h"

namespace cpab::kernels {

CPAB_HOST_DEVICE size_t DoublesOfCurvature(const FitSizes& sizes) {
  return sizes.rows * sizes.columns + sizes.rows * sizes.rows + 5 * sizes.rows +
         3 * sizes.columns + sizes.rows / 2 * sizes.columns;
}

template <typename Team>
class KeypointCurvature {
 public:
  // Refers to `problem`, which must outlive it. Takes DoublesOfCurvature().
  CPAB_HOST_DEVICE KeypointCurvature(const KeypointProblem<Team>& problem,
                                     const FitSizes& sizes, FitArena* arena)
      : problem_(problem), team_(problem.team()), columns_(problem.columns()) {
    product_ = arena->Doubles(sizes.rows * sizes.columns);
    dual_ = arena->Doubles(sizes.rows * sizes.rows);
    outer_ = arena->Doubles(sizes.rows);
    forces_ = arena->Doubles(sizes.rows);
    alpha_ = arena->Doubles(sizes.rows);
    ahead_points_ = arena->Doubles(sizes.rows);
    behind_points_ = arena->Doubles(sizes.rows);
    vertex_force_ = arena->Doubles(sizes.columns);
    moved_ = arena->Doubles(sizes.columns);
    behind_ = arena->Doubles(sizes.columns);
    shares_ = arena->Doubles(sizes.rows / 2 * sizes.columns);
  }

  // `state` has been evaluated and stays as it is while this is in use.
  CPAB_HOST_DEVICE void SetTo(const FitState& state, double tension) {
    state_ = state;
    tension_ = tension;
    rho_ = problem_.Rho(state);
    cost_ = problem_.Cost(state, tension);
    rounding_ = problem_.Rounding(state, tension);
    const int n = problem_.rows();
    const double* const r = state.residual;
    team_.ForEach(n, [&](int i) { forces_[i] = r[i] / Compliance(i / 2); });
    PullBack(state.velocities, forces_, vertex_force_, nullptr);
    problem_.FormGram(state, product_, dual_);
    // H^-1 = diag Compliance() + r r^T rho / (tension floor).
    team_.ForEach(n, [&](int i) {
      dual_[size_t(i) * (n + 1)] += Compliance(i / 2);
      outer_[i] = r[i];
    });
    problem_.Factor(dual_);
    problem_.Substitute(dual_, outer_);
    const double square = tension_ * problem_.floor() / rho_ + Dot(r, outer_);
    team_.ForEach(n, [&](int i) { outer_[i] /= std::sqrt(square); });
  }

  CPAB_HOST_DEVICE double cost() const { return cost_; }  // E
  CPAB_HOST_DEVICE double rounding() const { return rounding_; }

  // Minus the gradient of E.
  CPAB_HOST_DEVICE void Descent(double* h) const {
    team_.ForEach(columns_,
                  [&](int c) { h[c] = vertex_force_[c] - state_.force[c]; });
  }

  // G^-1 of h, as p and u: h - D^T alpha, alpha = (D C D^T + H^-1)^-1 D C h.
  CPAB_HOST_DEVICE void SolveGaussNewton(const double* h, double* p,
                                         double* u) const {
    const int n = problem_.rows();
    problem_.Covary(h, u);
    team_.ForEach(n,
                  [&](int i) { alpha_[i] = problem_.RowTimes(state_, i, u); });
    const double along = Dot(outer_, alpha_);
    problem_.Substitute(dual_, alpha_);
    team_.ForEach(n, [&](int i) { alpha_[i] -= along * outer_[i]; });
    team_.ForEach(columns_, [&](int c) {
      double force = 0, velocity = 0;
      for (int i = 0; i < n; ++i) {
        force += state_.jacobian[size_t(i) * columns_ + c] * alpha_[i];
        velocity += product_[size_t(i) * columns_ + c] * alpha_[i];
      }
      p[c] = h[c] - force;
      u[c] -= velocity;
    });
  }

  // H J v: how the forces change as the field moves along u, [2 K].
  CPAB_HOST_DEVICE void ForceChange(const double* u, double* change) const {
    const int n = problem_.rows();
    const double* const r = state_.residual;
    team_.ForEach(n,
                  [&](int i) { change[i] = problem_.RowTimes(state_, i, u); });
    double along = 0;
    for (int i = 0; i < n; ++i) {
      along += problem_.weight(i / 2) * r[i] * change[i];
    }
    along /= rho_ * rho_;
    team_.ForEach(n, [&](int i) {
      change[i] = (change[i] - r[i] * along) / Compliance(i / 2);
    });
  }

  // -C v as a dual vector: by a difference to one side, good to 1e-5 of it, or
  // by central ones, good to 1e-10.
  CPAB_HOST_DEVICE void MinusCurvatureTimes(const double* u, bool central,
                                            double* h) {
    const double step = StepAlong(u);
    MoveBy(step, u);
    PullBack(moved_, forces_, h, nullptr);
    if (!central) {
      team_.ForEach(columns_,
                    [&](int c) { h[c] = (vertex_force_[c] - h[c]) / step; });
      return;
    }
    MoveBy(-step, u);
    PullBack(moved_, forces_, behind_, nullptr);
    team_.ForEach(columns_,
                  [&](int c) { h[c] = (behind_[c] - h[c]) / (2 * step); });
  }

  // How (dT/dp)^T f changes as the field moves along u, f kept, [2 K].
  CPAB_HOST_DEVICE void TransportPoints(const double* u, double* points) {
    const double step = StepAlong(u);
    MoveBy(step, u);
    PullBack(moved_, forces_, behind_, ahead_points_);
    MoveBy(-step, u);
    PullBack(moved_, forces_, behind_, behind_points_);
    team_.ForEach(problem_.rows(), [&](int i) {
      points[i] = (ahead_points_[i] - behind_points_[i]) / (2 * step);
    });
  }

  // (dT/dp)^T f for f [2 K].
  CPAB_HOST_DEVICE void ToPoints(const double* f, double* points) {
    PullBack(state_.velocities, f, behind_, points);
  }

 private:
  // Of pair k: H^-1 without what the norm's curvature adds.
  CPAB_HOST_DEVICE double Compliance(int k) const {
    return rho_ / (tension_ * problem_.weight(k));
  }

  CPAB_HOST_DEVICE double Dot(const double* a, const double* b) const {
    double sum = 0;
    for (int i = 0; i < problem_.rows(); ++i) sum += a[i] * b[i];
    return sum;
  }

  // As in cpab/fit/keypoint_curvature.cc.
  CPAB_HOST_DEVICE double StepAlong(const double* u) const {
    double size = problem_.MaxGradient(u, nullptr);
    for (int c = 0; c < columns_; c += 2) {
      const double speed = std::sqrt(u[c] * u[c] + u[c + 1] * u[c + 1]);
      if (speed > size) size = speed;
    }
    return size > 0 ? solver::kDifference / size : 1;
  }

  CPAB_HOST_DEVICE void MoveBy(double step, const double* u) {
    team_.ForEach(columns_, [&](int c) {
      moved_[c] = state_.velocities[c] + step * u[c];
    });
  }

  // h = D^T f at the field of `velocities`; points = (dT/dp)^T f, if not null.
  // Each pair has a row of its own, so that sums have one order.
  CPAB_HOST_DEVICE void PullBack(const double* velocities, const double* f,
                                 double* h, double* points) const {
    const int count = problem_.count();
    team_.ForEach(count * columns_, [&](int i) { shares_[i] = 0; });
    team_.ForEach(count, [&](int k) {
      double* const row = shares_ + size_t(k) * columns_;
      const Vector<double> of_point = PullbackPoint<double>(
          {problem_.grid(), velocities}, problem_.from(k),
          {f[2 * k], f[2 * k + 1]}, [&](int vertex, Vector<double> share) {
            row[2 * vertex] += share.x;
            row[2 * vertex + 1] += share.y;
          });
      if (points) {
        points[2 * k] = of_point.x;
        points[2 * k + 1] = of_point.y;
      }
    });
    team_.ForEach(columns_, [&](int c) {
      double sum = 0;
      for (int k = 0; k < count; ++k) sum += shares_[size_t(k) * columns_ + c];
      h[c] = sum;
    });
  }

  const KeypointProblem<Team>& problem_;
  const Team& team_;
  const int columns_;
  FitState state_ = {};
  double tension_ = 0, rho_ = 0, cost_ = 0, rounding_ = 0;
  double* product_;  // D C
  double* dual_;     // The factor of D C D^T + diag Compliance().
  double* outer_;    // (D C D^T + H^-1)^-1 is dual^-1 - outer outer^T.
  double* forces_;   // f
  double* alpha_;
  double* ahead_points_;
  double* behind_points_;
  double* vertex_force_;  // D^T f
  double* moved_;
  double* behind_;
  double* shares_;  // [K, 2 vertices]
};

}  // namespace cpab::kernels

#endif  // CPAB_CUDA_TEAM_CURVATURE_H_
