// The ends and the arcs of many paths, four at a time.
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
#include <cstddef>
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
void WalkTogether(const PathWalker& walker, Eigen::Matrix2Xd* points);

// The same, with the arcs: `arcs` is replaced by those of all paths, in order
// for each path. Points that slide along the border, those outside the square
// with zero_boundary, stay where they are and have no arcs. Returns false, with
// `points` and `arcs` of no use, where there would be more than
// kMaxPackedArcs: in a field that has diverged.
inline constexpr size_t kMaxPackedArcs = size_t{1} << 16;  // 8 MB.
bool WalkAndRecordTogether(const PathWalker& walker, Eigen::Matrix2Xd* points,
                           std::vector<PackedArc>* arcs);

}  // namespace cpab

#endif  // CPAB_FLOW_PACKED_PATH_H_
