// The CPAB transform T(x; theta): the unit-time flow of a velocity field,
// integrated exactly, with exact derivatives.
//
// A path is a handful of arcs, each inside one cell, where the flow of the
// affine velocity is a 2x2 matrix function in closed form; an arc ends where
// its path first leaves the cell. The derivation of the exit times and of the
// derivatives is in cpab/README.md. All arithmetic is in double: coordinates in
// float32 only round the input and the result.
//
// For every theta, all real s and t and points x:
//
//   (1) T(x; 0) = x
//   (2) T(T(x; s theta); t theta) = T(x; (s + t) theta), so T(.; -theta)
//       undoes T(.; theta)
//   (3) T is continuous in x, with det dT/dx > 0
//
// Coordinates: x right, y down, [0, 1] inside the square. Points outside follow
// the outward extension of the field or, with zero_boundary, the nearest point
// of the square: a coordinate outside [0, 1] stays as it is. Points that are
// not finite, and paths of more than 4096 arcs (coefficients beyond about 1e3),
// come out as NaN.
//
// Source: [CPAB] Sec. 3, whose Alg. 1 takes equal time steps instead
// (cpab/flow/stepped_flow.h); one dimension in closed form: [DIFW].
#ifndef CPAB_FLOW_FLOW_H_
#define CPAB_FLOW_FLOW_H_

#include <vector>

#include "Eigen/Core"
#include "cpab/field/basis.h"
#include "cpab/field/parallel.h"
#include "cpab/field/velocity_field.h"
#include "cpab/flow/path.h"

namespace cpab {

struct PointSensitivity;  // vertex_jacobian.h

// Points as columns, [2, N]: the memory of a row-major [N, 2] tensor.
template <typename Scalar>
using PointsRef = Eigen::Ref<const Eigen::Matrix<Scalar, 2, Eigen::Dynamic>>;
template <typename Scalar>
using MutablePointsRef = Eigen::Ref<Eigen::Matrix<Scalar, 2, Eigen::Dynamic>>;

// T at one point with its derivatives.
struct PointJacobian {
  Eigen::Vector2d y;  // T(x; theta)
  Eigen::Matrix2d dy_dx;
  RowMajorMatrix dy_dtheta;  // [2, d]
  // log det dy_dx: the integral of the velocity's divergence along the path.
  // Right to rounding at any strength of the field, where dy_dx.determinant()
  // cancels: the latter comes out of either sign where the singular values of
  // dy_dx differ by 1e16 or more (velocity gradients from about 12 on).
  double log_det;
};

// T and its derivatives at N points.
struct PointsJacobian {
  Eigen::Matrix2Xd y;  // [2, N]
  std::vector<Eigen::Matrix2d> dy_dx;
  Eigen::VectorXd log_det;   // [N]
  RowMajorMatrix dy_dtheta;  // [2 N, d]; row 2 n + a is component a of y_n
};

// The gradient of a scalar loss that depends on T(points; theta).
template <typename Scalar>
struct FlowGradient {
  CellCoefficients cells;                           // dL/dA, [cells, 6]
  Eigen::Matrix<Scalar, 2, Eigen::Dynamic> points;  // dL/dx, [2, N]
};

// The flow of one velocity field. Construction prepares every cell (a few
// microseconds for 4x4), then each point costs some 0.05 to 0.3 microseconds in
// company, with its adjoint up to twice that, with its Jacobian 1 to 2.
// Immutable; safe to use from many threads.
class Flow {
 public:
  explicit Flow(VelocityField field);
  // The flow of the field B theta.
  Flow(std::shared_ptr<const Basis> basis,
       const Eigen::Ref<const Eigen::VectorXd>& theta);

  const VelocityField& field() const { return field_; }

  // T(.; t theta): with t = -1 the inverse, 1/2 the square root, n the n-th
  // iterate.
  Flow Power(double t) const { return Flow(field_.Scaled(t)); }
  Flow Inverse() const { return Power(-1); }

  // T(x).
  Eigen::Vector2d operator()(const Eigen::Vector2d& x) const;

  // T(x) with all its derivatives, forward mode.
  PointJacobian Jacobian(const Eigen::Vector2d& x) const;
  PointsJacobian Jacobians(const Eigen::Matrix2Xd& points) const;

  // log det dT/dx at x, without the other derivatives.
  double LogDetJacobian(const Eigen::Vector2d& x) const;

  // y = T(points), column by column. `y` may be `points`.
  template <typename Scalar>
  void Transform(const PointsRef<Scalar>& points, MutablePointsRef<Scalar> y,
                 const ParallelFor& parallel_for = Serially) const;

  // Pulls dL/dy back through y = T(points) by the adjoint: one sweep over each
  // path's arcs, whatever the size of theta. dL/dtheta is
  // basis.ThetaFromCells(result.cells). The order of its sums depends on the
  // field and the points, and not on `parallel_for`: the result is the same on
  // any threads. A point's gradient differs by rounding between few points,
  // which go back one by one, and many, which go back together.
  //
  // A point that is not finite has the gradient NaN and adds nothing to
  // result.cells. A finite point without an image, in a field that is not
  // finite or after too many arcs, makes both NaN.
  template <typename Scalar>
  FlowGradient<Scalar> Pullback(
      const PointsRef<Scalar>& points, const PointsRef<Scalar>& dl_dy,
      const ParallelFor& parallel_for = Serially) const;

  // The gradient of sum over n of weights[n] log det dT/dx(x_n), by an adjoint:
  // log det is the sum of tr(M) t over the arcs. Where a path crosses an edge
  // with normal n from M into M', a later crossing costs tr(M) - tr(M'), and an
  // earlier position moves the crossing by -n.dx / n.v; so the adjoint jumps by
  // (tr(M') - tr(M)) n / n.v there. Continuous but where a path touches an edge
  // or passes a vertex. NaN as in Pullback().
  FlowGradient<double> LogDetPullback(
      const Eigen::Matrix2Xd& points, const Eigen::VectorXd& weights,
      const ParallelFor& parallel_for = Serially) const;

 private:
  void LogDetPullbackAlong(const std::vector<Arc>& arcs,
                           const MovedCoordinates& moved, double weight,
                           CellCoefficients* cells,
                           Eigen::Ref<Eigen::Vector2d> dl_dx) const;
  void JacobianAt(const Eigen::Vector2d& x, std::vector<Arc>* arcs,
                  PointSensitivity* point,
                  Eigen::Ref<RowMajorMatrix> dy_dtheta) const;

  VelocityField field_;
  PathWalker walker_;
};

}  // namespace cpab

#endif  // CPAB_FLOW_FLOW_H_
