// How much two volumes on the same grid differ, with derivatives for
// Gauss-Newton steps.
//
// Private to //cpab/registration.
#ifndef CPAB_REGISTRATION_VOLUME_SIMILARITY_H_
#define CPAB_REGISTRATION_VOLUME_SIMILARITY_H_

#include <memory>

#include "Eigen/Core"
#include "cpab/registration/sampled_volume.h"

namespace cpab {

class VolumeSimilarity {
 public:
  // How the sum of all voxels' mismatches depends on the moving volume's
  // values: its gradient, and the diagonal of a Gauss-Newton Hessian.
  struct Derivatives {
    Eigen::VectorXd gradient;
    Eigen::VectorXd curvature;  // At least 0.
  };

  virtual ~VolumeSimilarity() = default;

  // The mean over the voxels. `moving` has the values of the warped volume, one
  // for each voxel of the fixed one.
  virtual double Mismatch(const Eigen::VectorXd& moving) const = 0;
  virtual Derivatives Differentiate(const Eigen::VectorXd& moving) const = 0;
};

// (m - f)^2.
std::unique_ptr<VolumeSimilarity> SquaredDifferences(
    const SampledVolume& fixed);

// The share of the fixed volume's variance, in a window of 2 radius + 1 voxels
// along each axis, that no linear function of the moving volume explains:
//
//   L = min over a, b of (mean (f - a m - b)^2 + e_m a^2) / (var f + e_f)
//     = (var f - cov(f, m)^2 / (var m + e_m)) / (var f + e_f),
//
// 1 less the squared correlation, up to the e: a thousandth of the whole
// volumes' variances, so that flat windows do not count. At the best a and b
// dL/dm is that with a and b held, and so is the Gauss-Newton Hessian. `moving`
// is the moving volume before it is warped, of any size: e_m is of it.
std::unique_ptr<VolumeSimilarity> LocalCorrelation(const SampledVolume& moving,
                                                   const SampledVolume& fixed,
                                                   int radius);

}  // namespace cpab

#endif  // CPAB_REGISTRATION_VOLUME_SIMILARITY_H_
