// CPAB transforms of the unit interval: exact, in closed form.
//
// The velocity is v(x) = a_c x + b_c in each of n equal cells, continuous, and
// continued outside by the first and last cell. Within a cell a path is
// x + v t phi(a t), phi(z) = (e^z - 1) / z, and reaches a point x' after
// log(v(x') / v(x)) / a, so that nothing is solved for by iteration.
//
// The same laws hold as in cpab/flow/flow.h. Paths never change direction:
// where the velocity is zero they stay. How a point at rest depends on theta is
// left out where double has no number for it (slopes beyond 709).
//
// Source: [CPAB] Sec. 3; the closed form as in [DIFW].
#ifndef CPAB_INTERVAL_INTERVAL_FLOW_H_
#define CPAB_INTERVAL_INTERVAL_FLOW_H_

#include <memory>
#include <vector>

#include "Eigen/Core"
#include "absl/status/statusor.h"
#include "cpab/field/parallel.h"

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

  // 0, 1/n, ..., 1, [1, num_cells + 1].
  Eigen::RowVectorXd vertices() const {
    return Eigen::RowVectorXd::LinSpaced(num_cells_ + 1, 0, 1);
  }

  // W, [num_cells + 1, d]: the velocities at the vertices are W theta.
  const Eigen::MatrixXd& vertex_basis() const { return vertex_basis_; }

 private:
  IntervalBasis(int num_cells, Eigen::MatrixXd vertex_basis);

  IntervalCoefficients CellsFromVertices(
      const Eigen::Ref<const Eigen::VectorXd>& velocities) const;

  int num_cells_;
  Eigen::MatrixXd vertex_basis_;
};

// Points as a row, [1, N].
template <typename Scalar>
using IntervalPoints = Eigen::Matrix<Scalar, 1, Eigen::Dynamic>;

// The gradient of a scalar loss that depends on T(points; theta).
template <typename Scalar>
struct IntervalGradient {
  IntervalCoefficients cells;     // dL/d(a, b), [cells, 2]
  IntervalPoints<Scalar> points;  // dL/dx, [1, N]
};

// The unit-time flow T(x; theta) of a field. Construction prepares every cell
// (a logarithm and an exponential each), so that a point of many takes some 30
// ns, 90 with its adjoint. Immutable; safe to use from many threads.
class IntervalFlow {
 public:
  IntervalFlow(std::shared_ptr<const IntervalBasis> basis,
               const Eigen::Ref<const Eigen::VectorXd>& theta);

  // T(.; t theta), as Flow::Power.
  IntervalFlow Power(double t) const;
  IntervalFlow Inverse() const { return Power(-1); }

  // NaN if x is not finite.
  double Velocity(double x) const;

  // T(x); NaN if x, the field or the velocity at x is not finite.
  double operator()(double x) const;

  struct Derivatives {
    double y;        // T(x)
    double log_det;  // log dT/dx
    Eigen::RowVectorXd dy_dtheta;
  };
  Derivatives Differentiate(double x) const;

  // log dT/dx alone.
  double LogDerivative(double x) const;

  // The gradient of sum over n of weights[n] log dT/dx(x_n): see
  // Flow::LogDetPullback.
  IntervalGradient<double> LogDetPullback(
      const IntervalPoints<double>& points, const Eigen::VectorXd& weights,
      const ParallelFor& parallel_for = Serially) const;

  // y = T(points), point by point; the values of operator(). `y` may be
  // `points`.
  template <typename Scalar>
  void Transform(const Eigen::Ref<const IntervalPoints<Scalar>>& points,
                 Eigen::Ref<IntervalPoints<Scalar>> y,
                 const ParallelFor& parallel_for = Serially) const;

  // Pulls dL/dy back through y = Transform(points), as Flow::Pullback:
  // dL/dtheta is basis.ThetaFromCells(result.cells), the same on any number of
  // threads; NaN as there.
  template <typename Scalar>
  IntervalGradient<Scalar> Pullback(
      const Eigen::Ref<const IntervalPoints<Scalar>>& points,
      const Eigen::Ref<const IntervalPoints<Scalar>>& dl_dy,
      const ParallelFor& parallel_for = Serially) const;

  const IntervalBasis& basis() const { return *basis_; }

 private:
  struct Arc {
    int cell;
    double start, velocity, duration;
  };
  // The way through a cell from one end to the other, which no path of this
  // field takes in the other direction.
  struct Crossing {
    bool forwards;
    double time;    // Infinite if no path gets through.
    double z;       // a * time
    double growth;  // d(end) / d(start) = e^z
    double start, velocity;
    Eigen::RowVector2d gradient;  // d(end) / d(a, b)
  };
  // A path: its first arc, the cells that it crosses from end to end, and the
  // last arc, of no duration where it has stopped before. The first arc is the
  // last if the path stays in one cell.
  struct Path {
    double y;  // T(x); if it is NaN, the rest may not be set.
    Arc first, last;
    bool one_arc;
  };
  IntervalFlow(IntervalCoefficients cells,
               std::shared_ptr<const IntervalBasis> basis);

  template <typename Visitor>
  double Walk(double x, Visitor visit) const;
  int CellOf(double x) const;
  Crossing CrossingOf(int cell) const;
  Path PathFrom(double x) const;
  Eigen::RowVector2d SensitivityOf(const Arc& arc) const;
  double PullbackAlong(const Path& path, double dl_dy,
                       IntervalCoefficients* gradient) const;

  std::shared_ptr<const IntervalBasis> basis_;
  IntervalCoefficients cells_;
  std::vector<Crossing> crossings_;
};

}  // namespace cpab

#endif  // CPAB_INTERVAL_INTERVAL_FLOW_H_
