#include "cpab/flow/vertex_jacobian.h"

#include <array>

#include "cpab/flow/affine_flow.h"

namespace cpab {
namespace {

// The block of `vertex`, made if need be. Paths visit few vertices, so that
// looking through them all beats any index.
Eigen::Matrix2d& BlockOf(int vertex, PointSensitivity& point) {
  for (PointSensitivity::Block& block : point.blocks) {
    if (block.vertex == vertex) return block.dy_du;
  }
  point.blocks.push_back({vertex, Eigen::Matrix2d::Zero()});
  return point.blocks.back().dy_du;
}

// Adds how the end of the whole path depends on the velocities at the corners
// of the arc's cell, and puts the arc in front of the path that point.dy_dx
// tells of: on entry the path after the arc, on return with it.
void PrependArc(const Arc& arc, const AffineFlow& flow, const Basis& basis,
                PointSensitivity& point) {
  const AffineFlow::Sensitivity sensitivity =
      flow.SensitivityAt(arc.duration, arc.start);
  const Eigen::Matrix2d rest = point.dy_dx;
  Eigen::Matrix2d rest_times_m;
  rest_times_m.col(0) = rest * flow.Linear(Eigen::Vector2d::UnitX());
  rest_times_m.col(1) = rest * flow.Linear(Eigen::Vector2d::UnitY());
  // Velocity e_r at corner n adds e_r s_n^T to [M b], s_n row n of the shape
  // matrix: the end of the arc moves by (s_n.X) e_r + (s_n.Y) M e_r.
  const Eigen::Matrix3d& shape = basis.shape_matrix(arc.cell);
  const Eigen::Vector3d direct = shape * sensitivity.X;
  const Eigen::Vector3d turned = shape * sensitivity.Y;
  const std::array<int, 3>& corners = basis.tessellation().cells()[arc.cell];
  for (int n = 0; n < 3; ++n) {
    BlockOf(corners[n], point) += direct[n] * rest + turned[n] * rest_times_m;
  }
  point.dy_dx = sensitivity.exponential.identity * rest +
                sensitivity.exponential.matrix * rest_times_m;
}

// Walks the path, then back over its arcs, as the adjoint does.
template <typename Walker>
PointSensitivity SensitivityAlongPath(Walker& walker, const Basis& basis,
                                      const Eigen::Vector2d& x,
                                      std::vector<Arc>* arcs) {
  arcs->clear();
  PointSensitivity point;
  point.y = walker.Walk(x, [arcs](const Arc& arc) { arcs->push_back(arc); });
  const MovedCoordinates moved = walker.Moved(x);
  const Eigen::Matrix2d of_nearest = moved.cast<double>().matrix().asDiagonal();
  const bool outside = !moved.all();
  point.dy_dx = of_nearest;
  point.log_det = 0;
  for (auto arc = arcs->rbegin(); arc != arcs->rend(); ++arc) {
    const AffineFlow& flow = walker.flow(arc->cell);
    PrependArc(*arc, flow, basis, point);
    if (outside) point.dy_dx *= of_nearest;
    point.log_det += Divergence(flow, moved) * arc->duration;
  }
  if (outside) point.dy_dx += Eigen::Matrix2d::Identity() - of_nearest;
  return point;
}

}  // namespace

PointSensitivity SensitivityOfPoint(const PathWalker& walker,
                                    const Basis& basis,
                                    const Eigen::Vector2d& x,
                                    std::vector<Arc>* arcs) {
  return SensitivityAlongPath(walker, basis, x, arcs);
}

std::vector<PointSensitivity> SensitivitiesOfPoints(
    const VelocityField& field, const Eigen::Matrix2Xd& points) {
  FewPathsWalker walker(field);
  std::vector<Arc> arcs;
  std::vector<PointSensitivity> result;
  result.reserve(points.cols());
  for (int k = 0; k < points.cols(); ++k) {
    result.push_back(
        SensitivityAlongPath(walker, field.basis(), points.col(k), &arcs));
  }
  return result;
}

Eigen::Matrix2Xd VertexJacobian::Times(const VertexVector& u) const {
  Eigen::Matrix2Xd result = Eigen::Matrix2Xd::Zero(2, num_points());
  for (int k = 0; k < num_points(); ++k) {
    for (const PointSensitivity::Block& block : points_[k].blocks) {
      result.col(k) += block.dy_du * u.segment<2>(2 * block.vertex);
    }
  }
  return result;
}

VertexVector VertexJacobian::TransposeTimes(const Eigen::Matrix2Xd& f) const {
  VertexVector result = VertexVector::Zero(2 * num_vertices_);
  for (int k = 0; k < num_points(); ++k) {
    for (const PointSensitivity::Block& block : points_[k].blocks) {
      result.segment<2>(2 * block.vertex) += block.dy_du.transpose() * f.col(k);
    }
  }
  return result;
}

}  // namespace cpab
