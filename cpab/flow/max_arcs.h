// When a path is given up.
//
// Private to //cpab. Also compiled by nvcc.
#ifndef CPAB_FLOW_MAX_ARCS_H_
#define CPAB_FLOW_MAX_ARCS_H_

namespace cpab {

// Paths with more arcs than this come out as NaN: a violent field has tens,
// and an optimiser that diverges must not stop the program.
inline constexpr int kMaxArcs = 4096;

}  // namespace cpab

#endif  // CPAB_FLOW_MAX_ARCS_H_
