// Seeded random fields and points for tests and benchmarks, and the
// tessellations that laws are tested on.
#ifndef CPAB_TESTING_DRAWS_H_
#define CPAB_TESTING_DRAWS_H_

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "Eigen/Core"
#include "cpab/field/basis.h"
#include "cpab/field/tessellation.h"

namespace cpab::test_util {

// Independent normal numbers of the given standard deviation.
Eigen::VectorXd DrawNormal(int64_t size, double magnitude, uint64_t seed);

// theta with independent normal elements of the given standard deviation:
// 0.05 is a gentle field, 0.5 a strong one, 2 violent (displacements beyond the
// size of the square).
Eigen::VectorXd DrawTheta(const Basis& basis, double magnitude, uint64_t seed);

// [2, n], uniform in [low, high]^2.
Eigen::Matrix2Xd DrawPoints(int n, double low, double high, uint64_t seed);

// K: the largest norm of a cell's velocity gradient. The flow stretches
// distances by e^K at most.
double GradientBound(const CellCoefficients& cells);

// [2, n]: all vertices, the middles of all edges of cells, and points that
// divide edges at random.
Eigen::Matrix2Xd PointsOnEdges(const Tessellation& tessellation, uint64_t seed);

// Square, oblong and smallest tessellations with all options.
std::vector<TessellationOptions> AllKinds();

// Those of them that a law holds for.
template <typename Predicate>
std::vector<TessellationOptions> KindsWhere(Predicate predicate) {
  std::vector<TessellationOptions> kinds;
  for (const TessellationOptions& kind : AllKinds()) {
    if (predicate(kind)) kinds.push_back(kind);
  }
  return kinds;
}
inline bool IsFree(const TessellationOptions& o) { return !o.zero_boundary; }
inline bool HasZeroBoundary(const TessellationOptions& o) {
  return o.zero_boundary;
}
inline bool PreservesVolume(const TessellationOptions& o) {
  return o.volume_preserving;
}

// "4x4_zb0_vp0"; also the golden files' naming.
std::string KindName(const TessellationOptions& options);

// The velocities at the vertices, [2, vertices], of the field on nx x ny
// rectangles that goes on continuously outside the square and is nearest to
// `velocities`. Where a field does not go on continuously, paths outside can
// slide between two regions in thousands of arcs.
Eigen::Matrix2Xd NearestVelocities(int nx, int ny,
                                   const Eigen::Matrix2Xd& velocities);

}  // namespace cpab::test_util

#endif  // CPAB_TESTING_DRAWS_H_
