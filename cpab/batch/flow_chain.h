// Flows one after the other: a field that changes in time, constant in each of
// n stages, in one, two or three dimensions.
//
//   T = T_n o ... o T_2 o T_1
//
// With every theta scaled by 1/n the stages take unit time together. The laws
// of cpab/flow/flow.h hold but for the group: the inverse goes back through the
// inverses of the stages.
#ifndef CPAB_BATCH_FLOW_CHAIN_H_
#define CPAB_BATCH_FLOW_CHAIN_H_

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "Eigen/Core"
#include "cpab/batch/flow_batch.h"
#include "cpab/batch/flow_kind.h"
#include "cpab/field/parallel.h"

namespace cpab {

// The gradient of a scalar loss that depends on T(points).
template <int D>
struct ChainGradient {
  // [d, n]: dL/dtheta of each stage, of theta as the chain was given it.
  Eigen::MatrixXd thetas;
  PointColumns<D> points;  // dL/dx, [D, N]
};

// Immutable; safe to use from many threads.
template <int D>
class Chain {
 public:
  using Kind = FlowKind<D>;
  using Flow = typename Kind::Flow;
  using Basis = typename Kind::Basis;

  enum class Time {
    kUnitEach,      // Each stage takes unit time.
    kUnitTogether,  // Each takes 1/n: thetas are scaled by that.
  };

  // The first flow is the first that a point follows. None is the identity.
  explicit Chain(std::vector<Flow> flows) : flows_(std::move(flows)) {}

  // thetas: [d, n], one column a stage.
  Chain(const std::shared_ptr<const Basis>& basis,
        const Eigen::Ref<const Eigen::MatrixXd>& thetas, Time time)
      : scale_(time == Time::kUnitTogether && thetas.cols() > 0
                   ? 1.0 / static_cast<double>(thetas.cols())
                   : 1.0) {
    flows_.reserve(thetas.cols());
    for (Eigen::Index i = 0; i < thetas.cols(); ++i) {
      flows_.emplace_back(basis, scale_ * thetas.col(i));
    }
  }

  const std::vector<Flow>& flows() const { return flows_; }

  Chain Inverse() const {
    std::vector<Flow> inverses;
    inverses.reserve(flows_.size());
    for (auto flow = flows_.rbegin(); flow != flows_.rend(); ++flow) {
      inverses.push_back(flow->Inverse());
    }
    return Chain(std::move(inverses));
  }

  // T of [D, N] points.
  PointColumns<D> Transform(const PointColumns<D>& points,
                            const ParallelFor& parallel_for = Serially) const {
    PointColumns<D> y(D, points.cols());
    ForEachBlock(1, points.cols(), parallel_for,
                 [&](int64_t, int64_t begin, int64_t end) {
                   PointColumns<D> x = points.middleCols(begin, end - begin);
                   for (const Flow& flow : flows_) TransformInPlace(flow, &x);
                   y.middleCols(begin, end - begin) = x;
                 });
    return y;
  }

  // log det dT/dx: the sum of those of the stages.
  double LogDetJacobian(const PointOf<D>& x) const {
    PointColumns<D> y = x;
    double sum = 0;
    for (const Flow& flow : flows_) {
      sum += Kind::LogDet(flow, y);
      TransformInPlace(flow, &y);
    }
    return sum;
  }

  // T at x with all its derivatives; dy_dtheta is [D, n d], stage by stage, of
  // theta as the chain was given it.
  FlowDerivatives<D> Jacobian(const PointOf<D>& x) const {
    std::vector<FlowDerivatives<D>> stages;
    PointOf<D> y = x;
    for (const Flow& flow : flows_) {
      stages.push_back(Kind::Differentiate(flow, y));
      y = stages.back().y;
    }
    FlowDerivatives<D> result;
    result.y = y;
    result.dy_dx.setIdentity();
    result.log_det = 0;
    const Eigen::Index d = stages.empty() ? 0 : stages[0].dy_dtheta.cols();
    result.dy_dtheta.resize(D, d * static_cast<Eigen::Index>(stages.size()));
    for (size_t i = stages.size(); i-- > 0;) {
      result.dy_dtheta.middleCols(d * static_cast<Eigen::Index>(i), d) =
          scale_ * (result.dy_dx * stages[i].dy_dtheta);
      result.dy_dx = (result.dy_dx * stages[i].dy_dx).eval();
      result.log_det += stages[i].log_det;
    }
    return result;
  }

  // Pulls dL/dy back through y = Transform(points) and all stages at once: one
  // walk forward, one adjoint of each stage.
  ChainGradient<D> Pullback(const PointColumns<D>& points,
                            const PointColumns<D>& dl_dy,
                            const ParallelFor& parallel_for = Serially) const {
    return GoBack(points, dl_dy, parallel_for,
                  [&](const Flow& flow, const PointColumns<D>& x,
                      const PointColumns<D>& lambda) {
                    return PullbackToTheta(flow, x, lambda, parallel_for);
                  });
  }

  // The gradient of sum over n of weights[n] LogDetJacobian(x_n).
  ChainGradient<D> LogDetPullback(
      const PointColumns<D>& points, const Eigen::VectorXd& weights,
      const ParallelFor& parallel_for = Serially) const {
    return GoBack(points, PointColumns<D>::Zero(D, points.cols()), parallel_for,
                  [&](const Flow& flow, const PointColumns<D>& x,
                      const PointColumns<D>& lambda) {
                    BatchGradient<D> sum =
                        PullbackToTheta(flow, x, lambda, parallel_for);
                    const BatchGradient<D> own =
                        LogDetPullbackToTheta(flow, x, weights, parallel_for);
                    sum.theta += own.theta;
                    sum.points += own.points;
                    return sum;
                  });
  }

 private:
  // From dL/dy back through the stages; stage(flow, x, lambda) is the gradient
  // of what depends on the flow's images of x by lambda, and on them by itself.
  template <typename Stage>
  ChainGradient<D> GoBack(const PointColumns<D>& points,
                          const PointColumns<D>& dl_dy,
                          const ParallelFor& parallel_for, Stage stage) const {
    // Where the points are before each stage.
    std::vector<PointColumns<D>> before = {points};
    for (size_t i = 0; i + 1 < flows_.size(); ++i) {
      before.push_back(Chain({flows_[i]}).Transform(before[i], parallel_for));
    }
    ChainGradient<D> result;
    result.points = dl_dy;
    for (size_t i = flows_.size(); i-- > 0;) {
      BatchGradient<D> gradient = stage(flows_[i], before[i], result.points);
      if (result.thetas.size() == 0) {
        result.thetas.resize(gradient.theta.size(),
                             static_cast<Eigen::Index>(flows_.size()));
      }
      result.thetas.col(static_cast<Eigen::Index>(i)) = scale_ * gradient.theta;
      result.points = std::move(gradient.points);
    }
    return result;
  }

  std::vector<Flow> flows_;
  double scale_ = 1;
};

using FlowChain = Chain<2>;
using VolumeChain = Chain<3>;

// For the templates of flow_batch.h; theta is that of all stages, [n d].
template <int D>
void TransformInPlace(const Chain<D>& chain, PointColumns<D>* x) {
  for (const auto& flow : chain.flows()) TransformInPlace(flow, x);
}
template <int D>
BatchGradient<D> PullbackToTheta(const Chain<D>& chain,
                                 const PointColumns<D>& x,
                                 const PointColumns<D>& dl_dy,
                                 const ParallelFor& parallel_for) {
  ChainGradient<D> gradient = chain.Pullback(x, dl_dy, parallel_for);
  return {Eigen::Map<const Eigen::VectorXd>(gradient.thetas.data(),
                                            gradient.thetas.size()),
          std::move(gradient.points)};
}

}  // namespace cpab

#endif  // CPAB_BATCH_FLOW_CHAIN_H_
