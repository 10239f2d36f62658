// CPAB transforms of the unit interval: exact, in closed form.
//
// The velocity is v(x) = a_c x + b_c in each of n equal cells, continuous, and
// continued outside by the first and last cell. Within a cell a path is
// x + v t phi(a t), phi(z) = (e^z - 1) / z, and reaches a point x' after
// log(v(x') / v(x)) / a, so that nothing is solved for by iteration.
//
// The same laws hold as in cpab/flow/flow.h. Paths never change direction:
// where the velocity is zero they stay.
//
// Source: [CPAB] Sec. 3; the closed form as in [DIFW], Martinez et al. 2022.
#ifndef CPAB_INTERVAL_INTERVAL_FLOW_H_
#define CPAB_INTERVAL_INTERVAL_FLOW_H_

#include <memory>

#include "Eigen/Core"
#include "absl/status/statusor.h"

namespace cpab {

struct IntervalOptions {
  // 1 to 1000.
  int num_cells = 5;
  // The end points stay.
  bool zero_boundary = false;
  // No divergence: one velocity for all points.
  bool volume_preserving = false;
};

// [cells, 2]: row c holds a_c, b_c.
using IntervalCoefficients =
    Eigen::Matrix<double, Eigen::Dynamic, 2, Eigen::RowMajor>;

// An orthonormal basis of the continuous fields, as in cpab/field/basis.h:
// theta has num_cells + 1 elements, 2 fewer with zero_boundary, 1 if
// volume_preserving. Immutable.
class IntervalBasis {
 public:
  // InvalidArgument if num_cells is out of range, or the options admit no field
  // but zero.
  static absl::StatusOr<std::shared_ptr<const IntervalBasis>> Create(
      const IntervalOptions& options);

  int num_cells() const { return num_cells_; }
  int theta_size() const { return static_cast<int>(vertex_basis_.cols()); }

  IntervalCoefficients CellsFromTheta(
      const Eigen::Ref<const Eigen::VectorXd>& theta) const;
  // The transpose, as in Basis.
  Eigen::VectorXd ThetaFromCells(const IntervalCoefficients& cells) const;

  // From the velocities at 0, 1/n, ..., 1; the nearest field if there is none.
  Eigen::VectorXd ThetaFromVertices(
      const Eigen::Ref<const Eigen::VectorXd>& velocities) const;

 private:
  IntervalBasis(int num_cells, Eigen::MatrixXd vertex_basis);

  IntervalCoefficients CellsFromVertices(
      const Eigen::Ref<const Eigen::VectorXd>& velocities) const;

  int num_cells_;
  Eigen::MatrixXd vertex_basis_;  // [num_cells + 1, d]
};

// The unit-time flow T(x; theta) of a field. Immutable; safe to use from many
// threads.
class IntervalFlow {
 public:
  IntervalFlow(std::shared_ptr<const IntervalBasis> basis,
               const Eigen::Ref<const Eigen::VectorXd>& theta);

  // T(.; t theta), as Flow::Power.
  IntervalFlow Power(double t) const;
  IntervalFlow Inverse() const { return Power(-1); }

  double Velocity(double x) const;

  // T(x); NaN if x or the field is not finite.
  double operator()(double x) const;

  struct Derivatives {
    double y;        // T(x)
    double log_det;  // log dT/dx
    Eigen::RowVectorXd dy_dtheta;
  };
  Derivatives Differentiate(double x) const;

 private:
  template <typename Visitor>
  double Walk(double x, Visitor visit) const;
  int CellOf(double x) const;

  std::shared_ptr<const IntervalBasis> basis_;
  IntervalCoefficients cells_;
};

}  // namespace cpab

#endif  // CPAB_INTERVAL_INTERVAL_FLOW_H_
