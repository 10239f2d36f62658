// Inputs and names shared by the tests of volumes; the twin of draws.h. Seeds
// are explicit, so that each draw is the same in every run.
#ifndef CPAB_TESTING_VOLUME_DRAWS_H_
#define CPAB_TESTING_VOLUME_DRAWS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "Eigen/Core"
#include "cpab/volume/volume_basis.h"

namespace cpab {

// theta with independent normal elements of standard deviation `magnitude`.
Eigen::VectorXd DrawTheta(const VolumeBasis& basis, double magnitude,
                          uint64_t seed);

// [3, n], uniform in [low, high]^3.
Eigen::Matrix3Xd DrawVolumePoints(int n, double low, double high,
                                  uint64_t seed);

// The name of a parameterised test's case, such as "2x3x2_zb1_vp0".
std::string KindName(const VolumeOptions& options);

// Cubes and oblong ones of one to three boxes a side with all options.
std::vector<VolumeOptions> AllVolumeKinds();

}  // namespace cpab

#endif  // CPAB_TESTING_VOLUME_DRAWS_H_
