#include "cpab/cuda/flow_arrays.h"

#include <algorithm>
#include <vector>

namespace cpab::kernels {
namespace {

// Points whose shares are added up in Real, as those of a block of GPU threads
// are.
constexpr int64_t kBlock = 256;

}  // namespace

template <typename Real>
void TransformOnHost(const FlowBatch<Real>& flows, Real* y) {
  for (int64_t b = 0; b < flows.batch; ++b) {
    const Field<Real> field = flows.FieldOf(b);
    for (int64_t n = 0; n < flows.count; ++n) {
      flows.Store(TransformPoint(field, flows.PointOf(b, n)),
                  b * flows.count + n, y);
    }
  }
}

template <typename Real>
void PullbackOnHost(const FlowBatch<Real>& flows, const Real* dl_dy,
                    Real* dl_dpoints, double* dl_dvelocities) {
  const int64_t size = 2 * static_cast<int64_t>(flows.grid.num_vertices());
  std::fill_n(dl_dvelocities, size * flows.batch, 0.0);
  std::vector<Real> partial(size);
  for (int64_t b = 0; b < flows.batch; ++b) {
    const Field<Real> field = flows.FieldOf(b);
    double* const total = dl_dvelocities + size * b;
    const auto add = [&partial](int vertex, Vector<Real> share) {
      partial[2 * vertex] += share.x;
      partial[2 * vertex + 1] += share.y;
    };
    for (int64_t begin = 0; begin < flows.count; begin += kBlock) {
      std::fill(partial.begin(), partial.end(), Real(0));
      const int64_t end = std::min(flows.count, begin + kBlock);
      for (int64_t n = begin; n < end; ++n) {
        const int64_t index = b * flows.count + n;
        flows.Store(PullbackPoint(field, flows.PointOf(b, n),
                                  flows.VectorAt(dl_dy, index), add),
                    index, dl_dpoints);
      }
      for (int64_t i = 0; i < size; ++i) total[i] += partial[i];
    }
  }
}

template void TransformOnHost<float>(const FlowBatch<float>&, float*);
template void TransformOnHost<double>(const FlowBatch<double>&, double*);
template void PullbackOnHost<float>(const FlowBatch<float>&, const float*,
                                    float*, double*);
template void PullbackOnHost<double>(const FlowBatch<double>&, const double*,
                                     double*, double*);

}  // namespace cpab::kernels
