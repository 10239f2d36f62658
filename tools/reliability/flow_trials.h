// Trials of the laws of CPAB transforms on many seeded draws.
//
// Coordinates: x right, y down, [0, 1] inside the square. double.
#ifndef TOOLS_RELIABILITY_FLOW_TRIALS_H_
#define TOOLS_RELIABILITY_FLOW_TRIALS_H_

#include <cstdint>

#include "tools/reliability/cpab_report.h"

namespace reliability {

// At least `count` points, 1,000 in each of as many fields as that takes, of
// all kinds and from gentle to violent. 300 of the points are on borders and
// corners of cells, and where the field goes on outside the square, others are
// there. For each point, up to the rounding that the field amplifies:
//
//   -theta undoes theta; 0.3 theta and then 0.7 theta is theta; the
//   determinant of dT/dx is above 0.
//
// For every tenth point in fields whose gradient is at most 2, the path of
// 2,000 equal time steps, whose code shares nothing with the exact one, ends
// there up to its discretisation; and, but on edges, the gradient with respect
// to theta and the point is that of central differences.
CpabReport TryFlows(int64_t count, uint64_t seed);

}  // namespace reliability

#endif  // TOOLS_RELIABILITY_FLOW_TRIALS_H_
