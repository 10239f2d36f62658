// The ends of many paths, four at a time.
//
// PathWalker::Walk follows one point through many cells; here the points that
// are in one cell at the same time advance together, so that the cell's
// coefficients are constants for all of them. Same formulas and same guarantees
// (exit_time.h), so that results differ from Walk's by rounding only; rare
// cases are left to NextStep, path by path.
//
// Private to //cpab/flow.
#ifndef CPAB_FLOW_PACKED_PATH_H_
#define CPAB_FLOW_PACKED_PATH_H_

#include <array>
#include <vector>

#include "Eigen/Core"
#include "cpab/flow/exit_time.h"
#include "cpab/flow/pack.h"
#include "cpab/flow/path.h"

namespace cpab {

// An arc of each of one to four paths, all in one cell.
struct PackedArc {
  int cell;
  int count;                           // Lanes from there on repeat the first.
  std::array<int, Pack::kSize> lanes;  // Columns of the points.
  Vector<Pack> start;
  Pack duration;
};

// Replaces points [2, N] by where their paths are after unit time. Each
// column's result is bit for bit the same in whatever company. NaN where
// PathWalker::Walk has it.
//
// With `arcs`, these are replaced by the arcs of all paths that begin inside
// the square, those of each path in order. 130 bytes an arc of four paths.
void WalkTogether(const PathWalker& walker, Eigen::Matrix2Xd* points,
                  std::vector<PackedArc>* arcs = nullptr);

}  // namespace cpab

#endif  // CPAB_FLOW_PACKED_PATH_H_
