#include "cpab/fit/keypoint_curvature.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "cpab/field/velocity_field.h"
#include "cpab/fit/solver_constants.h"
#include "cpab/flow/vertex_jacobian.h"

namespace cpab {
namespace {

// A direction to take differences along, and how far.
//
// The derivatives that are differenced are smooth but where a path passes
// through a vertex or runs along an edge, so a step that moves no velocity and
// no velocity gradient by more than kDifference leaves 1e-10 of truncation in
// central differences, and as much of rounding. The gradient alone would make
// the step huge along fields that are almost constant.
struct Direction {
  VelocityField field;
  double step;
};
Direction DirectionOf(const std::shared_ptr<const Basis>& basis,
                      const Eigen::VectorXd& theta) {
  const Eigen::Matrix2Xd at_vertices = basis->VerticesFromTheta(theta);
  CellCoefficients cells = basis->CellsFromVertices(at_vertices);
  const double size =
      std::max(MaxGradient(cells), at_vertices.colwise().norm().maxCoeff());
  return {VelocityField::OfCells(basis, std::move(cells)),
          size > 0 ? solver::kDifference / size : 1};
}

Eigen::Matrix2Xd ForcesAtPoints(const FlowAtPairs& flow,
                                const Eigen::Matrix2Xd& f) {
  Eigen::Matrix2Xd result(2, f.cols());
  for (int k = 0; k < f.cols(); ++k) {
    result.col(k) = flow.jacobian.point(k).dy_dx.transpose() * f.col(k);
  }
  return result;
}

}  // namespace

KeypointCurvature::KeypointCurvature(const FitModel& model,
                                     const FitOptions& options,
                                     const WeightedPairs& pairs, double tension,
                                     const Eigen::VectorXd& theta)
    : model_(model),
      pairs_(pairs),
      norm_(pairs.weights, options),
      tension_(tension),
      field_(model.basis(), theta),
      flow_(field_, pairs),
      forces_(norm_.Forces(flow_.residual, tension_)),
      vertex_force_(flow_.jacobian.TransposeTimes(forces_)),
      cost_(norm_.Value(flow_.residual, tension_) +
            0.5 * model.prior->Energy(theta)),
      gradient_(model.prior->precision() * theta - ToTheta(vertex_force_)),
      dual_(flow_.jacobian, model.vertex_covariance) {
  dual_.Factor(norm_.Compliance(flow_.residual, tension_));
  const auto r = flow_.residual.reshaped();
  outer_ = r;
  dual_.SolveInPlace(outer_);
  outer_ /=
      std::sqrt(norm_.OuterDivisor(flow_.residual, tension_) + r.dot(outer_));
}

// G^-1 = Sigma - Sigma J^T (J Sigma J^T + H^-1)^-1 J Sigma.
Eigen::VectorXd KeypointCurvature::SolveGaussNewton(
    const Eigen::VectorXd& v) const {
  const VertexVector velocities = model_.theta_from_force.transpose() * v;
  Eigen::Matrix2Xd alpha = flow_.jacobian.Times(velocities);
  Eigen::Map<Eigen::VectorXd> flat(alpha.data(), alpha.size());
  // By Sherman and Morrison.
  const double along = outer_.dot(flat);
  dual_.SolveInPlace(flat);
  flat -= along * outer_;
  return model_.prior->covariance() * v -
         model_.theta_from_force * flow_.jacobian.TransposeTimes(alpha);
}

Eigen::Matrix2Xd KeypointCurvature::ForceChange(
    const Eigen::VectorXd& v) const {
  return norm_.HessianTimes(
      flow_.residual, tension_,
      flow_.jacobian.Times(model_.basis()->vertex_basis() * v));
}

Eigen::VectorXd KeypointCurvature::CurvatureTimes(
    const Eigen::VectorXd& v) const {
  const Direction along = DirectionOf(model_.basis(), v);
  const FlowAtPairs ahead(field_.Plus(along.step, along.field), pairs_);
  return ToTheta((ahead.jacobian.TransposeTimes(forces_) - vertex_force_) /
                 along.step);
}

KeypointCurvature::Transport KeypointCurvature::TransportAlong(
    const Eigen::VectorXd& v) const {
  const Direction along = DirectionOf(model_.basis(), v);
  const double step = along.step;
  const FlowAtPairs ahead(field_.Plus(step, along.field), pairs_);
  const FlowAtPairs behind(field_.Plus(-step, along.field), pairs_);
  const VertexVector force = ahead.jacobian.TransposeTimes(forces_) -
                             behind.jacobian.TransposeTimes(forces_);
  return {ToTheta(force / (2 * step)),
          (ForcesAtPoints(ahead, forces_) - ForcesAtPoints(behind, forces_)) /
              (2 * step)};
}

Eigen::Matrix2Xd KeypointCurvature::ToPoints(const Eigen::Matrix2Xd& f) const {
  return ForcesAtPoints(flow_, f);
}

Eigen::VectorXd KeypointCurvature::ToTheta(const VertexVector& force) const {
  return TransposeTimesForce(model_.basis()->vertex_basis(), force);
}

}  // namespace cpab
