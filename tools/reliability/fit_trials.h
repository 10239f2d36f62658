// Trials of the fit of CPAB transforms to keypoints on many seeded draws.
//
// Coordinates: x right, y down, [0, 1] inside the square. double.
#ifndef TOOLS_RELIABILITY_FIT_TRIALS_H_
#define TOOLS_RELIABILITY_FIT_TRIALS_H_

#include <cstdint>

#include "tools/reliability/cpab_report.h"

namespace reliability {

// `count` sets of keypoints: 5 pairs on 4x4 cells, and each tenth 50 pairs on
// 6x6, each in turn of a smooth motion, of one with noise, and without any
// relation. Each result must have at most the cost E of the field where 100
// steps of the paper's Adam end (150 on 6x6), unless max_gradient lowered its
// tension (`measured` says how many were compared), turn nothing inside out,
// and where it says that it has converged be within its bound. Of the motions
// at most one in a hundred may have more than 1.01 times the E of the minimum
// nearby, found to rounding by Newton's method. E is that of cpab/fit/fit.h.
CpabReport TryFits(int64_t count, uint64_t seed);

}  // namespace reliability

#endif  // TOOLS_RELIABILITY_FIT_TRIALS_H_
