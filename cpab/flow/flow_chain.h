// Flows one after the other: a field that changes in time, constant in each of
// n stages.
//
//   T = T_n o ... o T_2 o T_1
//
// With every theta scaled by 1/n the stages take unit time together. The laws
// of cpab/flow/flow.h hold but for the group: the inverse goes back through the
// inverses of the stages.
#ifndef CPAB_FLOW_FLOW_CHAIN_H_
#define CPAB_FLOW_FLOW_CHAIN_H_

#include <memory>
#include <utility>
#include <vector>

#include "Eigen/Core"
#include "cpab/field/basis.h"
#include "cpab/field/parallel.h"
#include "cpab/flow/flow.h"

namespace cpab {

// The gradient of a scalar loss that depends on T(points).
template <typename Scalar>
struct ChainGradient {
  // dL/dA of each stage's field, as it is in the chain: after scaling.
  std::vector<CellCoefficients> cells;
  Eigen::Matrix<Scalar, 2, Eigen::Dynamic> points;  // dL/dx, [2, N]
};

// Immutable; safe to use from many threads.
class FlowChain {
 public:
  enum class Time {
    kUnitEach,      // Each stage takes unit time.
    kUnitTogether,  // Each takes 1/n: thetas are scaled by that.
  };

  // The first flow is the first that a point follows. None is the identity.
  explicit FlowChain(std::vector<Flow> flows) : flows_(std::move(flows)) {}

  // thetas: [d, n], one column a stage.
  FlowChain(const std::shared_ptr<const Basis>& basis,
            const Eigen::MatrixXd& thetas, Time time);

  const std::vector<Flow>& flows() const { return flows_; }

  FlowChain Inverse() const;

  // T(x), and log det dT/dx: the sum of those of the stages.
  Eigen::Vector2d operator()(const Eigen::Vector2d& x) const;
  double LogDetJacobian(const Eigen::Vector2d& x) const;

  // y = T(points), column by column. `y` may be `points`.
  template <typename Scalar>
  void Transform(const PointsRef<Scalar>& points, MutablePointsRef<Scalar> y,
                 const ParallelFor& parallel_for = Serially) const;

  // Pulls dL/dy back through y = Transform(points) and all stages at once: one
  // walk forward, one adjoint of each stage. dL/dtheta of stage i is
  // basis.ThetaFromCells(result.cells[i]), times 1/n with kUnitTogether.
  template <typename Scalar>
  ChainGradient<Scalar> Pullback(
      const PointsRef<Scalar>& points, const PointsRef<Scalar>& dl_dy,
      const ParallelFor& parallel_for = Serially) const;

 private:
  std::vector<Flow> flows_;
};

}  // namespace cpab

#endif  // CPAB_FLOW_FLOW_CHAIN_H_
