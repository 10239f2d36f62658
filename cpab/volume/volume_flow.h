// CPAB transforms of the unit cube: exact flows of the fields of
// cpab/volume/volume_basis.h, with exact derivatives.
//
// As in cpab/flow/flow.h a path is a few arcs, each inside one tetrahedron.
// Here an arc is a power series in time, and it ends where the barycentric
// coordinates, polynomials too, first become negative (volume_path.h). The laws
// are those of cpab/flow/flow.h.
//
// Outside the cube the velocity is that of the nearest point of the cube. That
// is continuous; libcpab lets the affine map of one cell go on, which is not,
// since its constraints do not tie the cells of different boxes together there.
//
// Source: [CPAB] Sec. 3, integrated exactly instead of by Alg. 1.
#ifndef CPAB_VOLUME_VOLUME_FLOW_H_
#define CPAB_VOLUME_VOLUME_FLOW_H_

#include <memory>

#include "Eigen/Core"
#include "cpab/field/parallel.h"
#include "cpab/volume/volume_basis.h"
#include "cpab/volume/volume_path.h"

namespace cpab {

// T at one point with its derivatives.
struct VolumeJacobian {
  Eigen::Vector3d y;
  Eigen::Matrix3d dy_dx;
  Eigen::Matrix<double, 3, Eigen::Dynamic> dy_dtheta;  // [3, d]
  double log_det;  // log det dy_dx: the integral of the divergence.
};

// The gradient of a scalar loss that depends on T(points; theta).
struct VolumeGradient {
  Eigen::VectorXd theta;    // [d]
  Eigen::Matrix3Xd points;  // [3, N]
};

// The unit-time flow T(x; theta). Points that are not finite come out as NaN.
// Immutable; safe to use from many threads.
class VolumeFlow {
 public:
  VolumeFlow(std::shared_ptr<const VolumeBasis> basis,
             const Eigen::Ref<const Eigen::VectorXd>& theta);

  const VolumeBasis& basis() const { return *basis_; }
  const VolumeCoefficients& cells() const { return walker_.cells(); }

  // For the folders of //cpab: paths with their derivatives.
  const VolumeWalker& walker() const { return walker_; }

  // T(.; t theta), as Flow::Power.
  VolumeFlow Power(double t) const;
  VolumeFlow Inverse() const { return Power(-1); }

  Eigen::Vector3d Velocity(const Eigen::Vector3d& x) const;

  // T(x).
  Eigen::Vector3d operator()(const Eigen::Vector3d& x) const;

  VolumeJacobian Jacobian(const Eigen::Vector3d& x) const;

  // log det dT/dx at x, without the other derivatives.
  double LogDetJacobian(const Eigen::Vector3d& x) const;

  // T of [3, N] points, column by column.
  Eigen::Matrix3Xd Transform(const Eigen::Matrix3Xd& points,
                             const ParallelFor& parallel_for = Serially) const;

  // Pulls dL/dy [3, N] back through y = Transform(points) by the adjoint. The
  // same on any number of threads. NaN as in Flow::Pullback: a point that is
  // not finite adds nothing to the gradient of theta.
  VolumeGradient Pullback(const Eigen::Matrix3Xd& points,
                          const Eigen::Matrix3Xd& dl_dy,
                          const ParallelFor& parallel_for = Serially) const;

  // The gradient of sum over n of weights[n] log det dT/dx(x_n): see
  // Flow::LogDetPullback.
  VolumeGradient LogDetPullback(
      const Eigen::Matrix3Xd& points, const Eigen::VectorXd& weights,
      const ParallelFor& parallel_for = Serially) const;

 private:
  VolumeFlow(VolumeCoefficients cells,
             std::shared_ptr<const VolumeBasis> basis);

  // Turns `dl_dy` of all points into the gradient, piece by piece:
  // body(begin, arcs, gradient, cell_gradient) does so in `gradient` for the
  // points from `begin` on, whose arcs are given, and adds dL/dA.
  template <typename Body>
  VolumeGradient GoBack(const Eigen::Matrix3Xd& points, Eigen::Matrix3Xd dl_dy,
                        const ParallelFor& parallel_for, Body body) const;

  VolumeWalker walker_;
  std::shared_ptr<const VolumeBasis> basis_;
};

}  // namespace cpab

#endif  // CPAB_VOLUME_VOLUME_FLOW_H_
