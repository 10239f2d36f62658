#include "cpab/fit/gauss_newton.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "Eigen/Core"
#include "cpab/field/velocity_field.h"
#include "cpab/fit/dual_system.h"
#include "cpab/fit/solver_constants.h"
#include "cpab/flow/vertex_jacobian.h"

namespace cpab {
namespace {

// Gauss-Newton on one problem.
class Minimiser {
 public:
  Minimiser(const FitModel& model, const FitOptions& options,
            const WeightedPairs& pairs)
      : model_(model),
        options_(options),
        pairs_(pairs),
        norm_(pairs.weights, options),
        size_(pairs.Size()),
        tension_(options.tension),
        current_(EvaluateAt(
            FieldOf(VertexVector::Zero(model.vertex_covariance.rows())))) {}

  FitResult Minimise() {
    if (current_.flow.residual.squaredNorm() == 0) return Report(0, true);
    for (int iteration = 1; iteration <= options_.max_iterations; ++iteration) {
      if (!TakeStep()) continue;
      if (!IsWithinBounds()) {
        LowerTension();
      } else {
        return Report(iteration, true);
      }
    }
    EnforceBounds();
    return Report(options_.max_iterations, false);
  }

 private:
  // A field by the forces that it is made of. All are linear in each other.
  struct Field {
    VertexVector force;
    VertexVector velocities;  // u
    CellCoefficients cells;

    Field Towards(const Field& other, double fraction) const {
      return {force + fraction * (other.force - force),
              velocities + fraction * (other.velocities - velocities),
              cells + fraction * (other.cells - cells)};
    }
  };

  // One field and what the next step needs of it.
  struct State {
    Field field;
    double energy;
    FlowAtPairs flow;
  };

  Field FieldOf(VertexVector force) const {
    VertexVector velocities = model_.Velocities(force);
    const Eigen::Map<const Eigen::Matrix2Xd> at_vertices(velocities.data(), 2,
                                                         velocities.size() / 2);
    CellCoefficients cells = model_.basis()->CellsFromVertices(at_vertices);
    return {std::move(force), std::move(velocities), std::move(cells)};
  }

  State EvaluateAt(Field field) const {
    const double energy = field.force.dot(field.velocities);
    FlowAtPairs flow(VelocityField::OfCells(model_.basis(), field.cells),
                     pairs_);
    return {std::move(field), energy, std::move(flow)};
  }

  double Cost(const State& state) const {
    return norm_.Value(state.flow.residual, tension_) + 0.5 * state.energy;
  }

  double Rounding() const {
    return norm_.Rounding(current_.flow.residual, tension_, size_);
  }

  // The minimum of the quadratic model with the prior's precision multiplied by
  // (1 + damping) about the current field: in closed form
  //   theta' = c + Sigma J^T alpha,   c = theta damping / (1 + damping),
  //   (J Sigma J^T + (1 + damping) H^-1) alpha = r + J (theta - c),
  // where H majorises the norm's Hessian.
  Field ModelMinimum() {
    const double stiffness = 1 + damping_;
    const VertexJacobian& jacobian = current_.flow.jacobian;
    if (!system_) system_.emplace(jacobian, model_.vertex_covariance);
    system_->Factor(stiffness *
                    norm_.Compliance(current_.flow.residual, tension_));
    Eigen::Matrix2Xd alpha =
        current_.flow.residual +
        jacobian.Times(current_.field.velocities) / stiffness;
    system_->SolveInPlace(alpha.reshaped());
    return FieldOf(damping_ / stiffness * current_.field.force +
                   jacobian.TransposeTimes(alpha));
  }

  // Moves to the model's minimum, or as far towards it as the trust region
  // allows, if that lowers the cost. Returns whether the minimum is reached.
  bool TakeStep() {
    Field target = ModelMinimum();
    const double length = MaxGradient(target.cells - current_.field.cells);
    const double fraction = std::min(1.0, options_.trust_region / length);
    State next =
        EvaluateAt(fraction == 1 ? std::move(target)
                                 : current_.field.Towards(target, fraction));
    const double before = Cost(current_), after = Cost(next);
    const bool settled =
        std::abs(before - after) <= options_.tolerance * before + Rounding();
    if (after <= before) {
      current_ = std::move(next);
      system_.reset();
      if (!rejected_) {
        damping_ = damping_ > solver::kLowestDamping ? damping_ / 10 : 0;
      }
      rejected_ = false;
      return settled && fraction == 1;
    }
    rejected_ = true;
    damping_ = std::max(10 * damping_, 1.0);
    // A cost that is NaN says nothing about a minimum.
    return settled || (after > before && damping_ > solver::kHighestDamping);
  }

  bool IsWithinBounds() const {
    return MaxGradient(current_.field.cells) <= options_.max_gradient;
  }

  void LowerTension() {
    tension_ *=
        LoweredTension(MaxGradient(current_.field.cells), options_).factor;
    damping_ = 0;
  }

  // For problems that run out of iterations: shrinks the field.
  void EnforceBounds() {
    const double excess =
        MaxGradient(current_.field.cells) / options_.max_gradient;
    if (excess > 1) {
      current_ = EvaluateAt(FieldOf(current_.field.force / excess));
    }
  }

  FitResult Report(int iterations, bool converged) const {
    FitResult result;
    result.theta = model_.theta_from_force * current_.field.force;
    result.residual =
        std::sqrt(WeightedSquaredNorm(current_.flow.residual, pairs_.weights));
    result.cost = Cost(current_);
    result.tension = tension_;
    result.max_gradient = MaxGradient(current_.field.cells);
    result.iterations = iterations;
    result.converged = converged;
    return result;
  }

  const FitModel& model_;
  const FitOptions& options_;
  const WeightedPairs& pairs_;
  ResidualNorm norm_;
  double size_;
  double tension_;
  double damping_ = 0;
  bool rejected_ = false;  // The last step.
  State current_;
  std::optional<DualSystem> system_;  // Of the current field.
};

}  // namespace

FitResult FitByGaussNewton(const FitModel& model, const FitOptions& options,
                           const WeightedPairs& pairs) {
  return Minimiser(model, options, pairs).Minimise();
}

}  // namespace cpab
