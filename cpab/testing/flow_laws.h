// The laws of the flow of a velocity field, for any implementation in any
// dimension D. For every theta, all real s and t and points x:
//
//   (1) T(x; 0) = x, bit for bit
//   (2) T(T(x; s theta); t theta) = T(x; (s + t) theta)
//   (3) |T(x; theta) - T(y; theta)| <= e^K |x - y|, K a bound on the gradient
//       of the velocity: T is continuous, across cells too
//   (4) where the velocity has no normal component on the sides of the unit
//       cube, every side is mapped into itself, and so the cube onto itself
//
// Law (2) holds to rounding. Each transform adds an error of its own, `error`
// of FlowUnderTest, which later transforms of duration t amplify by e^(|t| K)
// at most; errors grow with the size of the coordinates.
#ifndef CPAB_TESTING_FLOW_LAWS_H_
#define CPAB_TESTING_FLOW_LAWS_H_

#include <functional>

#include "Eigen/Core"
#include "cpab/field/parallel.h"

namespace cpab::test_util {

// Points are columns, [D, N].
struct FlowUnderTest {
  // T(points; theta).
  std::function<Eigen::MatrixXd(const Eigen::VectorXd& theta,
                                const Eigen::MatrixXd& points)>
      transform;
  // K: at least the norm of the velocity's gradient, everywhere.
  std::function<double(const Eigen::VectorXd& theta)> gradient_bound;
  // The error of one transform of points of size 1, before the flow amplifies
  // it: rounding, or that of the discretisation.
  std::function<double(const Eigen::VectorXd& theta)> error;
};

// A field, and points where it is continuous.
struct FlowDraw {
  Eigen::VectorXd theta;
  Eigen::MatrixXd points;
};

// Laws (1) to (3). Failures are reported as GoogleTest's.
void ExpectFlowLaws(const FlowUnderTest& flow, const FlowDraw& draw);

// Law (4), for points in the cube; some should be on its sides.
void ExpectCubeOntoItself(const FlowUnderTest& flow, const FlowDraw& draw);

// What one flow does to many points, and back.
struct FlowOfMany {
  std::function<Eigen::MatrixXd(const Eigen::MatrixXd& points,
                                const ParallelFor& parallel_for)>
      transform;
  // dL/d(field), in any form, and dL/d(points) of L with the given dL/dy.
  struct Gradient {
    Eigen::MatrixXd field;
    Eigen::MatrixXd points;
  };
  std::function<Gradient(const Eigen::MatrixXd& points,
                         const Eigen::MatrixXd& dl_dy,
                         const ParallelFor& parallel_for)>
      pullback;
};

// The laws of a batch, bit for bit:
//
//   (5) every point's image and gradient are those that it has alone, and in
//       whatever order the points come
//   (6) nothing depends on the number of threads
void ExpectLawsOfMany(const FlowOfMany& flow, const Eigen::MatrixXd& points);

// [1, N]: value(x_n) of the points, the columns of x.
template <typename Value>
Eigen::MatrixXd ValuesAt(const Eigen::MatrixXd& x, const Value& value) {
  Eigen::MatrixXd values(1, x.cols());
  for (Eigen::Index n = 0; n < x.cols(); ++n) values(n) = value(x.col(n));
  return values;
}

// The laws of what is not finite:
//
//   (7) a point with a coordinate that is not finite has NaN for its image and
//       its gradient, and adds nothing to the gradient of the field
//   (8) a finite point without an image, as every one in the field that is not
//       finite, has a NaN in its gradient and in that of the field
//
// For finite `points`; `broken` is the flow of a field that is not finite.
void ExpectLawsOfNonFinite(const FlowOfMany& flow, const FlowOfMany& broken,
                           const Eigen::MatrixXd& points);

}  // namespace cpab::test_util

#endif  // CPAB_TESTING_FLOW_LAWS_H_
