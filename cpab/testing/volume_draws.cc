#include "cpab/testing/volume_draws.h"

#include <random>

#include "absl/strings/str_cat.h"
#include "cpab/testing/draws.h"

namespace cpab {

Eigen::VectorXd DrawTheta(const VolumeBasis& basis, double magnitude,
                          uint64_t seed) {
  return test_util::DrawNormal(basis.theta_size(), magnitude, seed);
}

Eigen::Matrix3Xd DrawVolumePoints(int n, double low, double high,
                                  uint64_t seed) {
  std::mt19937_64 generator(seed);
  std::uniform_real_distribution<double> uniform(low, high);
  Eigen::Matrix3Xd points(3, n);
  for (int i = 0; i < n; ++i) {
    for (int a = 0; a < 3; ++a) points(a, i) = uniform(generator);
  }
  return points;
}

std::string KindName(const VolumeOptions& options) {
  return absl::StrCat(options.nx, "x", options.ny, "x", options.nz,
                      options.zero_boundary ? "_zb1" : "_zb0",
                      options.volume_preserving ? "_vp1" : "_vp0",
                      options.sparse_basis ? "_sparse" : "");
}

std::vector<VolumeOptions> AllVolumeKinds() {
  return {{1, 1, 1},
          {1, 1, 1, false, true},
          {2, 2, 2},
          {2, 2, 2, true},
          {2, 2, 2, true, true},
          {1, 2, 3, false, true},
          {3, 2, 1, true},
          {3, 2, 3, false, false, true},
          {2, 3, 2, true, false, true}};
}

}  // namespace cpab
