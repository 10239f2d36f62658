#include "cpab/cuda/fit_batch.h"

#include <vector>

namespace cpab::kernels {
void FitOnHost(const FitBatch& problems, const FitResults& results) {
  const FitMemory memory(problems.model.grid, problems.count);
  std::vector<double> doubles(memory.num_doubles());
  std::vector<int> ints(memory.num_ints());
  const OneThread team;
  for (int64_t b = 0; b < problems.batch; ++b) {
    KeypointFit<OneThread> fit(team, problems.model, problems.settings,
                               problems.PairsOf(b),
                               {doubles.data(), ints.data()});
    results.Store(
        fit.Solve(results.force + static_cast<int64_t>(memory.columns) * b), b);
  }
}

void PullbackFitOnHost(const FitBatch& problems, const FitPullback& pullback) {
  const PullbackMemory memory(problems.model.grid, problems.count);
  std::vector<double> doubles(memory.num_doubles());
  std::vector<int> ints(memory.num_ints());
  const OneThread team;
  for (int64_t b = 0; b < problems.batch; ++b) {
    KeypointPullback<OneThread> back(team, problems.model, problems.settings,
                                     problems.PairsOf(b), doubles.data(),
                                     ints.data());
    pullback.exact[b] = back.Solve(pullback.Of(b, memory));
  }
}

}  // namespace cpab::kernels
