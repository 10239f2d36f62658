// The flows of one, two and three dimensions by common names, for code that is
// written once for all of them.
#ifndef CPAB_BATCH_FLOW_KIND_H_
#define CPAB_BATCH_FLOW_KIND_H_

#include <algorithm>
#include <cmath>

#include "Eigen/Core"
#include "cpab/field/basis.h"
#include "cpab/flow/flow.h"
#include "cpab/interval/interval_flow.h"
#include "cpab/volume/volume_basis.h"
#include "cpab/volume/volume_flow.h"

namespace cpab {

template <int D>
using PointColumns = Eigen::Matrix<double, D, Eigen::Dynamic>;
template <int D>
using PointOf = Eigen::Matrix<double, D, 1>;

// T at one point with all its derivatives.
template <int D>
struct FlowDerivatives {
  PointOf<D> y;
  Eigen::Matrix<double, D, D> dy_dx;
  double log_det;            // log det dy_dx
  RowMajorMatrix dy_dtheta;  // [D, d]
};

// For D = 1, 2 and 3: the types Basis, Flow and Coefficients (of all cells),
// and
//   NumCells(basis)
//   Vertices(basis)         [D, vertices]
//   Velocity(flow, x)       v(x)
//   LogDet(flow, x)         log det dT/dx
//   Differentiate(flow, x)  T(x) with all its derivatives
//   LargestGradient(cells)  the largest Frobenius norm of the velocity gradient
//                           in any cell
template <int D>
struct FlowKind;

template <>
struct FlowKind<1> {
  using Basis = IntervalBasis;
  using Flow = IntervalFlow;
  using Coefficients = IntervalCoefficients;

  static int NumCells(const Basis& basis) { return basis.num_cells(); }
  static Eigen::MatrixXd Vertices(const Basis& basis) {
    return basis.vertices();
  }
  static PointOf<1> Velocity(const Flow& flow, const PointOf<1>& x) {
    return PointOf<1>(flow.Velocity(x[0]));
  }
  static double LogDet(const Flow& flow, const PointOf<1>& x) {
    return flow.LogDerivative(x[0]);
  }
  static FlowDerivatives<1> Differentiate(const Flow& flow,
                                          const PointOf<1>& x) {
    const auto at = flow.Differentiate(x[0]);
    FlowDerivatives<1> result;
    result.y[0] = at.y;
    result.dy_dx(0, 0) = std::exp(at.log_det);
    result.log_det = at.log_det;
    result.dy_dtheta = at.dy_dtheta;
    return result;
  }
  static double LargestGradient(const Coefficients& cells) {
    return cells.col(0).cwiseAbs().maxCoeff();
  }
};

template <>
struct FlowKind<2> {
  using Basis = cpab::Basis;
  using Flow = cpab::Flow;
  using Coefficients = CellCoefficients;

  static int NumCells(const Basis& basis) {
    return basis.tessellation().num_cells();
  }
  static Eigen::MatrixXd Vertices(const Basis& basis) {
    return basis.tessellation().vertices();
  }
  static PointOf<2> Velocity(const Flow& flow, const PointOf<2>& x) {
    return flow.field()(x);
  }
  static double LogDet(const Flow& flow, const PointOf<2>& x) {
    return flow.LogDetJacobian(x);
  }
  static FlowDerivatives<2> Differentiate(const Flow& flow,
                                          const PointOf<2>& x) {
    const PointJacobian at = flow.Jacobian(x);
    return {at.y, at.dy_dx, at.log_det, at.dy_dtheta};
  }
  static double LargestGradient(const Coefficients& cells) {
    return std::sqrt(
        (cells.col(0).array().square() + cells.col(1).array().square() +
         cells.col(3).array().square() + cells.col(4).array().square())
            .maxCoeff());
  }
};

template <>
struct FlowKind<3> {
  using Basis = VolumeBasis;
  using Flow = VolumeFlow;
  using Coefficients = VolumeCoefficients;

  static int NumCells(const Basis& basis) { return basis.num_cells(); }
  static Eigen::MatrixXd Vertices(const Basis& basis) {
    return basis.vertices();
  }
  static PointOf<3> Velocity(const Flow& flow, const PointOf<3>& x) {
    return flow.Velocity(x);
  }
  static double LogDet(const Flow& flow, const PointOf<3>& x) {
    return flow.LogDetJacobian(x);
  }
  static FlowDerivatives<3> Differentiate(const Flow& flow,
                                          const PointOf<3>& x) {
    const VolumeJacobian at = flow.Jacobian(x);
    return {at.y, at.dy_dx, at.log_det, at.dy_dtheta};
  }
  static double LargestGradient(const Coefficients& cells) {
    double largest = 0;
    for (Eigen::Index c = 0; c < cells.rows(); ++c) {
      const Eigen::Map<const AffineVelocity> A(cells.row(c).data());
      largest = std::max(largest, A.leftCols<3>().norm());
    }
    return largest;
  }
};

}  // namespace cpab

#endif  // CPAB_BATCH_FLOW_KIND_H_
