// Many flows at once, each over its own points or over points that all share:
// what the tensor layers of every language call. For IntervalFlow (D = 1), Flow
// (D = 2) and VolumeFlow (D = 3).
//
// Points are read and written where they lie, in any layout (point_array.h);
// arithmetic is in double. The results of a batch element are bit for bit those
// that it has alone, on any number of threads.
#ifndef CPAB_BATCH_FLOW_BATCH_H_
#define CPAB_BATCH_FLOW_BATCH_H_

#include <algorithm>
#include <cstdint>
#include <vector>

#include "Eigen/Core"
#include "cpab/batch/flow_kind.h"
#include "cpab/batch/point_array.h"
#include "cpab/field/basis.h"
#include "cpab/field/parallel.h"
#include "cpab/flow/flow.h"
#include "cpab/interval/interval_flow.h"
#include "cpab/volume/volume_flow.h"

namespace cpab {

// The gradient of a scalar loss that depends on T(points; theta).
template <int D>
struct BatchGradient {
  Eigen::VectorXd theta;   // [d]
  PointColumns<D> points;  // [D, N]
};

// One flow, the same call for each kind.
inline void TransformInPlace(const IntervalFlow& flow, PointColumns<1>* x) {
  flow.Transform<double>(*x, *x);
}
inline void TransformInPlace(const Flow& flow, PointColumns<2>* x) {
  flow.Transform<double>(*x, *x);
}
inline void TransformInPlace(const VolumeFlow& flow, PointColumns<3>* x) {
  *x = flow.Transform(*x);
}
inline BatchGradient<1> PullbackToTheta(const IntervalFlow& flow,
                                        const PointColumns<1>& x,
                                        const PointColumns<1>& dl_dy,
                                        const ParallelFor& parallel_for) {
  const auto gradient = flow.Pullback<double>(x, dl_dy, parallel_for);
  return {flow.basis().ThetaFromCells(gradient.cells), gradient.points};
}
inline BatchGradient<2> PullbackToTheta(const Flow& flow,
                                        const PointColumns<2>& x,
                                        const PointColumns<2>& dl_dy,
                                        const ParallelFor& parallel_for) {
  const auto gradient = flow.Pullback<double>(x, dl_dy, parallel_for);
  return {flow.field().basis().ThetaFromCells(gradient.cells), gradient.points};
}
inline BatchGradient<3> PullbackToTheta(const VolumeFlow& flow,
                                        const PointColumns<3>& x,
                                        const PointColumns<3>& dl_dy,
                                        const ParallelFor& parallel_for) {
  VolumeGradient gradient = flow.Pullback(x, dl_dy, parallel_for);
  return {gradient.theta, gradient.points};
}

// The gradient of sum over n of weights[n] log det dT/dx(x_n).
inline BatchGradient<1> LogDetPullbackToTheta(const IntervalFlow& flow,
                                              const PointColumns<1>& x,
                                              const Eigen::VectorXd& weights,
                                              const ParallelFor& parallel_for) {
  const auto gradient = flow.LogDetPullback(x, weights, parallel_for);
  return {flow.basis().ThetaFromCells(gradient.cells), gradient.points};
}
inline BatchGradient<2> LogDetPullbackToTheta(const Flow& flow,
                                              const PointColumns<2>& x,
                                              const Eigen::VectorXd& weights,
                                              const ParallelFor& parallel_for) {
  const auto gradient = flow.LogDetPullback(x, weights, parallel_for);
  return {flow.field().basis().ThetaFromCells(gradient.cells), gradient.points};
}
inline BatchGradient<3> LogDetPullbackToTheta(const VolumeFlow& flow,
                                              const PointColumns<3>& x,
                                              const Eigen::VectorXd& weights,
                                              const ParallelFor& parallel_for) {
  VolumeGradient gradient = flow.LogDetPullback(x, weights, parallel_for);
  return {gradient.theta, gradient.points};
}

// Calls body(b, begin, end) for blocks of [0, num_points) of every element.
template <typename Body>
void ForEachBlock(int64_t batch, int64_t num_points,
                  const ParallelFor& parallel_for, Body body) {
  constexpr int64_t kBlock = 1024;
  const int64_t blocks = (num_points + kBlock - 1) / kBlock;
  parallel_for(batch * blocks, [&](int64_t i) {
    const int64_t begin = i % blocks * kBlock;
    body(i / blocks, begin, std::min(num_points, begin + kBlock));
  });
}

// y[b, :, n] = T(points[b, :, n]; theta_b) for the flow of each element.
template <int D, typename AnyFlow, typename Scalar>
void TransformBatch(const std::vector<AnyFlow>& flows, int64_t num_points,
                    const PointArray<const Scalar>& points,
                    const PointArray<Scalar>& y,
                    const ParallelFor& parallel_for = Serially) {
  ForEachBlock(static_cast<int64_t>(flows.size()), num_points, parallel_for,
               [&](int64_t b, int64_t begin, int64_t end) {
                 PointColumns<D> x = Gather<D>(points, b, begin, end);
                 TransformInPlace(flows[b], &x);
                 Scatter<D>(x, b, begin, y);
               });
}

// Pulls dl_dy back through TransformBatch by the adjoint: dL/dtheta [B, d] and
// dL/dpoints for each element.
template <int D, typename AnyFlow, typename Scalar>
void PullbackBatch(const std::vector<AnyFlow>& flows, int64_t num_points,
                   const PointArray<const Scalar>& points,
                   const PointArray<const Scalar>& dl_dy,
                   Eigen::Ref<RowMajorMatrix> dl_dtheta,
                   const PointArray<Scalar>& dl_dpoints,
                   const ParallelFor& parallel_for = Serially) {
  const auto pull = [&](int64_t b, const ParallelFor& inner) {
    const BatchGradient<D> gradient =
        PullbackToTheta(flows[b], Gather<D>(points, b, 0, num_points),
                        Gather<D>(dl_dy, b, 0, num_points), inner);
    dl_dtheta.row(b) = gradient.theta.transpose();
    Scatter<D>(gradient.points, b, 0, dl_dpoints);
  };
  // All threads for the points of a few elements, or an element to a thread.
  constexpr int64_t kFew = 4;
  const int64_t batch = static_cast<int64_t>(flows.size());
  if (batch < kFew) {
    for (int64_t b = 0; b < batch; ++b) pull(b, parallel_for);
  } else {
    parallel_for(batch, [&](int64_t b) { pull(b, Serially); });
  }
}

}  // namespace cpab

#endif  // CPAB_BATCH_FLOW_BATCH_H_
