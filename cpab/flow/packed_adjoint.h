// The adjoint of many paths, four at a time, over the arcs that
// WalkAndRecordTogether has recorded. The formulas are those of "Derivatives"
// in cpab/README.md.
//
// Private to //cpab/flow.
#ifndef CPAB_FLOW_PACKED_ADJOINT_H_
#define CPAB_FLOW_PACKED_ADJOINT_H_

#include <vector>

#include "Eigen/Core"
#include "cpab/field/velocity_field.h"
#include "cpab/flow/packed_path.h"
#include "cpab/flow/path.h"
#include "cpab/flow/sensitivity_series.h"

namespace cpab {

// By cell. Takes as long as some ten paths on 4x4 cells, and 0.5 KB a cell.
std::vector<SensitivitySeries> SeriesOfCells(const PathWalker& walker);

// Replaces the gradients [2, N] with respect to the paths' ends by those with
// respect to their starts, and adds those with respect to the cells'
// coefficients to `cells`. Paths without arcs keep their gradient.
void PullBackTogether(const PathWalker& walker,
                      const std::vector<SensitivitySeries>& series,
                      const std::vector<PackedArc>& arcs,
                      Eigen::Matrix2Xd* gradients, CellCoefficients* cells);

}  // namespace cpab

#endif  // CPAB_FLOW_PACKED_ADJOINT_H_
