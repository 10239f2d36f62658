// How the end of a path depends on its start and on the velocity field, arc by
// arc.
//
// Private to //cpab: cpab/volume/volume_flow.h is the front door.
#ifndef CPAB_VOLUME_VOLUME_SENSITIVITY_H_
#define CPAB_VOLUME_VOLUME_SENSITIVITY_H_

#include <vector>

#include "Eigen/Core"
#include "cpab/volume/volume_path.h"

namespace cpab {

// An arc counts as a flow of fixed duration t, since the velocities on both
// sides of a face agree there. Its end is e^{tM} x + int_0^t e^{(t-s)M} b ds,
// hence, with lambda = dL/d(end) and the series of both exponentials,
//
//   dL/dx = e^{tM^T} lambda = sum_i t^i / i! (M^T)^i lambda
//   dL/dA = int_0^t e^{(t-s)M^T} lambda (x(s), 1)^T ds
//         = sum_i (M^T)^i lambda m_i^T,
//   m_i   = sum_j t^{i+j+1} / (i+j+1)! D^j (x, 1),
//
// D^j (x, 1) being the j-th time derivative at the arc's start: v = A (x, 1),
// then M v, M^2 v, ... of the points, and (1, 0, 0, ...) of the homogeneous
// coordinate. The sums end where |M| t leaves less than rounding.
class VolumeArcDerivative {
 public:
  VolumeArcDerivative(const VolumeCoefficients& cells, const VolumeArc& arc);

  double log_det() const { return log_det_; }

  // Pulls dL/d(end) back to dL/d(start), and adds dL/dA_c to `cell`.
  Eigen::Vector3d Pullback(const Eigen::Vector3d& dl_dend,
                           Eigen::Map<AffineVelocity> cell) const;

  // Turns dT/d(end) into dT/d(start), and adds to dy_du[n] how T depends on
  // the velocity at the n-th vertex of the cell, whose shape matrix is given.
  Eigen::Matrix3d Prepend(const Eigen::Matrix3d& dy_dend,
                          const Eigen::Matrix4d& shape,
                          Eigen::Matrix3d dy_du[4]) const;

 private:
  static constexpr int kMaxTerms = 19;

  Eigen::Matrix3d M_;  // [CPAB]
  // m_i, at the nearest point of the cube.
  Eigen::Matrix<double, 4, kMaxTerms> moments_;
  double powers_[kMaxTerms];  // t^i / i!
  int num_terms_;
  double log_det_;
};

// How log det dT/dx of a path depends on where the path is as it goes from one
// arc into the next, beyond what the arcs alone tell: (tr M' - tr M) n / n.v
// with n normal to the face between the parts of space that they are in. 0 if
// those are one part.
Eigen::Vector3d LogDetJump(const VolumeBasis& basis,
                           const VolumeCoefficients& cells,
                           const VolumeArc& arc, const VolumeArc& next);

// T at one point, and how it depends on the velocities at the vertices.
struct VolumeSensitivity {
  struct Block {
    int vertex;
    Eigen::Matrix3d dy_du;
  };

  Eigen::Vector3d y;
  Eigen::Matrix3d dy_dx;
  double log_det;             // log det dy_dx
  std::vector<Block> blocks;  // All vertices that y depends on, each once.
};

// Of [3, N] points. Those without an image have y = NaN and no blocks.
std::vector<VolumeSensitivity> SensitivitiesOf(const VolumeWalker& walker,
                                               const Eigen::Matrix3Xd& points);

}  // namespace cpab

#endif  // CPAB_VOLUME_VOLUME_SENSITIVITY_H_
