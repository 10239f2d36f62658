#include "cpab/testing/keypoint_draws.h"

#include "cpab/field/basis.h"
#include "cpab/testing/draws.h"

namespace cpab::test_util {

KeypointFitter MakeFitter(const TessellationOptions& tessellation,
                          const FitOptions& options) {
  return KeypointFitter::Create(Basis::Create(tessellation).value(), options)
      .value();
}

KeypointPairs DrawSmoothMotion(int count, double noise, uint64_t seed) {
  KeypointPairs pairs;
  pairs.from = DrawPoints(count, 0.1, 0.9, seed);
  pairs.to = pairs.from;
  pairs.to.array() += 0.05 * (4 * pairs.from.colwise().reverse().array()).sin();
  pairs.to += DrawPoints(count, -noise, noise, seed + 1000);
  return pairs;
}

KeypointPairs DrawNonsense(int count, uint64_t seed) {
  return {DrawPoints(count, 0, 1, seed), DrawPoints(count, 0, 1, seed + 1), {}};
}

}  // namespace cpab::test_util
