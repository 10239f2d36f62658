// Registration of volumes: the flow, or the field that changes in time, that
// carries one volume onto another.
//
// Looks for the theta that minimises
//
//   E(theta) = 512 mean over voxels L(x) / (2 noise^2)
//              + 1/2 mean over stages of theta_i^T Sigma^-1 theta_i
//
// where L is (moving(T(x; theta)) - fixed(x))^2, or 1 less the squared
// correlation of the two in a window about x (volume_similarity.h), which knows
// no brightness and no contrast, only that one volume's values follow the
// other's. By Gauss-Newton with Levenberg-Marquardt damping on the exact flow
// and its Jacobian; coarse to fine, in the volumes and in the tessellation, as
// cpab/image/image_registration.h.
//
// Coordinates: [0, 1] from the centre of the first voxel to that of the last.
#ifndef CPAB_REGISTRATION_VOLUME_REGISTRATION_H_
#define CPAB_REGISTRATION_VOLUME_REGISTRATION_H_

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "Eigen/Core"
#include "absl/status/statusor.h"
#include "cpab/batch/flow_chain.h"
#include "cpab/field/parallel.h"
#include "cpab/field/smoothness_prior.h"
#include "cpab/registration/sampled_volume.h"
#include "cpab/volume/volume_basis.h"

namespace cpab {

struct VolumeRegistrationOptions {
  enum class Similarity {
    kSquaredDifferences,  // Volumes of the same brightness.
    kLocalCorrelation,    // Of other contrast or modality, or shaded.
  };
  Similarity similarity = Similarity::kSquaredDifferences;
  // Voxels to each side in a window of kLocalCorrelation; at least 1.
  int window_radius = 2;

  // Boxes along each axis at the last levels; at least 1 each, in any order.
  // Levels before these have the first one's. A 1 is left out where there are
  // others and zero_boundary, which leaves one box no field.
  std::vector<int> boxes = {1, 2, 4};
  bool zero_boundary = false;
  bool volume_preserving = false;
  // Stores bases sparsely, as those of more than 8 boxes always are: time and
  // memory by the number of boxes, not by its square.
  bool sparse_basis = false;
  // Flows that take unit time together, 1 to 16.
  int num_stages = 1;

  // Voxels along the longest side at the last level, at least 8; volumes are
  // reduced to that, and halved for each level before, down to 8.
  int largest_side = 48;
  // Standard deviation of differences that are not due to motion, above 0: in
  // the volumes' unit, where they should go from about 0 to 1; or, for
  // kLocalCorrelation, in units of the local contrast.
  double noise = 0.1;
  PriorOptions prior;
  // Steps at each level, rejected ones included; at least 1.
  int max_iterations = 40;
  // A step that lowers E by less than this fraction of it is a level's last.
  double tolerance = 1e-4;
};

struct VolumeRegistrationResult {
  std::shared_ptr<const VolumeBasis> basis;  // Of the last level.
  Eigen::MatrixXd thetas;                    // [d, num_stages]
  // At the last level: root mean square difference, or the mean of 1 less the
  // squared local correlation.
  double mismatch_before = 0;
  double mismatch_after = 0;
  int iterations = 0;  // At all levels.
  bool converged = false;
  // The share of the last level's voxels at which the images of the voxel and
  // of its next ones along x, y and z span no positive volume. 0 up to what a
  // grid does not resolve, since det dT/dx > 0 everywhere.
  double folded_share = 0;
  // The least det dT/dx at the last level's voxels: above 0.
  double least_jacobian = 1;

  // result(x) = moving(chain()(x)) looks like the fixed volume.
  VolumeChain chain() const {
    return VolumeChain(basis, thetas, VolumeChain::Time::kUnitTogether);
  }
};

// The volumes may differ in size. InvalidArgument if one has fewer than two
// voxels along an axis or a value that is not finite, or if an option is out of
// range. The same on any number of threads.
absl::StatusOr<VolumeRegistrationResult> RegisterVolumes(
    const SampledVolume& moving, const SampledVolume& fixed,
    const VolumeRegistrationOptions& options = {},
    const ParallelFor& parallel_for = Serially);

// folded_share of a result: of the images [3, voxels] of a grid of this size.
double FoldedShare(const Eigen::Matrix3Xd& images,
                   const std::array<int64_t, 3>& size);

}  // namespace cpab

#endif  // CPAB_REGISTRATION_VOLUME_REGISTRATION_H_
