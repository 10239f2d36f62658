// Keypoint inference for a batch of problems, and its gradient: the data, and
// the loops over them on the processor. cpab/cuda/fit_kernels.h has the same on
// a GPU, a block of threads to a problem; both run KeypointFit and
// KeypointPullback of cpab/cuda/keypoint_fit.h and team_pullback.h.
//
// The results are those of KeypointFitter::Fit and Pullback (cpab/fit/fit.h)
// with FitOptions::Solver::kGaussNewton, in double, up to rounding. Each
// problem's are bit for bit those it has alone.
//
// Coordinates: x right, y down, [0, 1] inside the square.
#ifndef CPAB_CUDA_FIT_BATCH_H_
#define CPAB_CUDA_FIT_BATCH_H_

#include <cstdint>

#include "cpab/cuda/host_device.h"
#include "cpab/cuda/keypoint_fit.h"
#include "cpab/cuda/keypoint_problem.h"
#include "cpab/cuda/team_pullback.h"

namespace cpab::kernels {

// Arrays are dense, row-major, in the memory of the device that works on them.
struct FitBatch {
  FitModel model;
  FitSettings settings;
  int64_t batch;          // B
  int count;              // K, pairs of each problem
  const double* from;     // [B, K, 2]
  const double* to;       // [B, K, 2]
  const double* weights;  // [B, K], at least 0, or null: all 1

  CPAB_HOST_DEVICE FitPairs PairsOf(int64_t b) const {
    return {count, from + 2 * b * count, to + 2 * b * count,
            weights ? weights + b * count : nullptr};
  }
};

// What each problem comes to; the fields are those of FitResult.
struct FitResults {
  double* force;     // [B, vertices, 2]: theta = Sigma W^T force
  double* residual;  // [B], as all that follow
  double* cost;
  double* tension;
  double* max_gradient;
  int64_t* iterations;
  bool* converged;

  CPAB_HOST_DEVICE void Store(const FitOutcome& outcome, int64_t b) const {
    residual[b] = outcome.residual;
    cost[b] = outcome.cost;
    tension[b] = outcome.tension;
    max_gradient[b] = outcome.max_gradient;
    iterations[b] = outcome.iterations;
    converged[b] = outcome.converged;
  }
};

// What is pulled back through the fits of a FitBatch, and where to.
struct FitPullback {
  const double* force;    // [B, vertices, 2] of FitResults
  const double* tension;  // [B] of FitResults
  // [B, vertices, 2]: h with W^T h = dL/dtheta, see FitModel::force_from_dual
  // in cpab/fit/keypoint_objective.h.
  const double* gradient;
  double* from;  // [B, K, 2]: dL/dfrom, and the same for to
  double* to;
  bool* exact;  // [B]: PairsGradient::exact

  CPAB_HOST_DEVICE PullbackOfPairs Of(int64_t b, const FitSizes& sizes) const {
    const auto column = static_cast<int64_t>(sizes.columns) * b;
    const auto row = static_cast<int64_t>(sizes.rows) * b;
    return {force + column, tension[b], gradient + column, from + row,
            to + row};
  }
};

void FitOnHost(const FitBatch& problems, const FitResults& results);
void PullbackFitOnHost(const FitBatch& problems, const FitPullback& pullback);

}  // namespace cpab::kernels

#endif  // CPAB_CUDA_FIT_BATCH_H_
