// The CPAB transform as the original library computes it: equal time steps,
// each with the matrix exponential of the cell in which it begins, even if the
// point leaves that cell on the way.
//
// For comparison, and for those who need exactly that behaviour: checkpoints
// trained with libcpab saw this discretisation. It differs from the exact flow
// of cpab/flow/flow.h by 1e-5 for moderate fields and 1e-3 and more for strong
// ones, and is not invertible. It is also slower. Outside the square the affine
// map of the border cell goes on, with zero_boundary too, as libcpab has it.
//
// Source: [CPAB] Alg. 1; 50 steps as in libcpab.
#ifndef CPAB_FLOW_STEPPED_FLOW_H_
#define CPAB_FLOW_STEPPED_FLOW_H_

#include <memory>
#include <vector>

#include "Eigen/Core"
#include "cpab/field/parallel.h"
#include "cpab/field/velocity_field.h"
#include "cpab/flow/flow.h"

namespace cpab {

// Immutable; safe to use from many threads.
class SteppedFlow {
 public:
  static constexpr int kLibcpabSteps = 50;

  // `num_steps` is at least 1.
  explicit SteppedFlow(const VelocityField& field,
                       int num_steps = kLibcpabSteps);

  // Column by column, computed in Scalar: float or double. `y` may be `points`.
  template <typename Scalar>
  void Transform(const PointsRef<Scalar>& points, MutablePointsRef<Scalar> y,
                 const ParallelFor& parallel_for = Serially) const;

 private:
  using AffineMap = Eigen::Matrix<double, 2, 3>;

  std::shared_ptr<const Basis> basis_;
  int num_steps_;
  std::vector<AffineMap> maps_;  // One step in each cell.
};

}  // namespace cpab

#endif  // CPAB_FLOW_STEPPED_FLOW_H_
