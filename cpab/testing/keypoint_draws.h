// Seeded random problems of keypoint inference for tests.
#ifndef CPAB_TESTING_KEYPOINT_DRAWS_H_
#define CPAB_TESTING_KEYPOINT_DRAWS_H_

#include <cstdint>

#include "cpab/field/tessellation.h"
#include "cpab/fit/fit.h"

namespace cpab::test_util {

KeypointFitter MakeFitter(const TessellationOptions& tessellation,
                          const FitOptions& options = {});

// Points and where a smooth motion, and noise of the given size, takes them.
KeypointPairs DrawSmoothMotion(int count, double noise, uint64_t seed);

// Points and places that have nothing to do with each other.
KeypointPairs DrawNonsense(int count, uint64_t seed);

}  // namespace cpab::test_util

#endif  // CPAB_TESTING_KEYPOINT_DRAWS_H_
