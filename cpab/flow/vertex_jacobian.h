// How a flow moves a few points, and how each move depends on the velocities
// at the vertices: the sparse Jacobian that keypoint inference works with.
//
// A path visits a handful of cells, so that T(x) depends on about ten vertex
// velocities, whatever the size of theta. With u = W theta,
// dT/dtheta = (dT/du) W.
//
// Private to //cpab.
#ifndef CPAB_FLOW_VERTEX_JACOBIAN_H_
#define CPAB_FLOW_VERTEX_JACOBIAN_H_

#include <vector>

#include "Eigen/Core"
#include "absl/container/inlined_vector.h"
#include "cpab/field/basis.h"
#include "cpab/field/velocity_field.h"
#include "cpab/flow/path.h"

namespace cpab {

// Vertex velocities or their duals in the row order of Basis::vertex_basis():
// element 2 v + a belongs to component a of vertex v.
using VertexVector = Eigen::VectorXd;

// T at one point.
struct PointSensitivity {
  struct Block {
    int vertex;
    Eigen::Matrix2d dy_du;  // With respect to that vertex's velocity.
  };

  Eigen::Vector2d y;  // T(x)
  Eigen::Matrix2d dy_dx;
  double log_det;  // log det dy_dx
  // All vertices that y depends on, each once. Most paths pass between no more
  // than these.
  absl::InlinedVector<Block, 8> blocks;
};

// The sensitivity of T at x. `arcs` is scratch memory.
PointSensitivity SensitivityOfPoint(const PathWalker& walker,
                                    const Basis& basis,
                                    const Eigen::Vector2d& x,
                                    std::vector<Arc>* arcs);

// The sensitivities of T at `points` [2, K] under `field`.
std::vector<PointSensitivity> SensitivitiesOfPoints(
    const VelocityField& field, const Eigen::Matrix2Xd& points);

// The stacked Jacobian D = dT(points)/du, [2 K, 2 vertices], by its products.
class VertexJacobian {
 public:
  VertexJacobian(std::vector<PointSensitivity> points, int num_vertices)
      : points_(std::move(points)), num_vertices_(num_vertices) {}

  int num_points() const { return static_cast<int>(points_.size()); }
  const PointSensitivity& point(int k) const { return points_[k]; }

  // D u, as [2, K].
  Eigen::Matrix2Xd Times(const VertexVector& u) const;
  // D^T f for f [2, K].
  VertexVector TransposeTimes(const Eigen::Matrix2Xd& f) const;

 private:
  std::vector<PointSensitivity> points_;
  int num_vertices_;
};

}  // namespace cpab

#endif  // CPAB_FLOW_VERTEX_JACOBIAN_H_
