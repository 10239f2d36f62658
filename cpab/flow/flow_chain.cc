#include "cpab/flow/flow_chain.h"

#include <utility>

namespace cpab {

FlowChain::FlowChain(const std::shared_ptr<const Basis>& basis,
                     const Eigen::MatrixXd& thetas, Time time) {
  const double scale = time == Time::kUnitTogether && thetas.cols() > 0
                           ? 1.0 / static_cast<double>(thetas.cols())
                           : 1.0;
  for (Eigen::Index i = 0; i < thetas.cols(); ++i) {
    flows_.emplace_back(basis, scale * thetas.col(i));
  }
}

FlowChain FlowChain::Inverse() const {
  std::vector<Flow> inverses;
  for (auto flow = flows_.rbegin(); flow != flows_.rend(); ++flow) {
    inverses.push_back(flow->Inverse());
  }
  return FlowChain(std::move(inverses));
}

Eigen::Vector2d FlowChain::operator()(const Eigen::Vector2d& x) const {
  Eigen::Vector2d y = x;
  for (const Flow& flow : flows_) y = flow(y);
  return y;
}

double FlowChain::LogDetJacobian(const Eigen::Vector2d& x) const {
  Eigen::Vector2d y = x;
  double sum = 0;
  for (const Flow& flow : flows_) {
    sum += flow.LogDetJacobian(y);
    y = flow(y);
  }
  return sum;
}

template <typename Scalar>
void FlowChain::Transform(const PointsRef<Scalar>& points,
                          MutablePointsRef<Scalar> y,
                          const ParallelFor& parallel_for) const {
  // In double between the stages.
  Eigen::Matrix2Xd moved = points.template cast<double>();
  for (const Flow& flow : flows_) {
    flow.Transform<double>(moved, moved, parallel_for);
  }
  y = moved.template cast<Scalar>();
}

template <typename Scalar>
ChainGradient<Scalar> FlowChain::Pullback(
    const PointsRef<Scalar>& points, const PointsRef<Scalar>& dl_dy,
    const ParallelFor& parallel_for) const {
  // Where the points are before each stage.
  std::vector<Eigen::Matrix2Xd> before = {points.template cast<double>()};
  for (size_t i = 0; i + 1 < flows_.size(); ++i) {
    before.push_back(before.back());
    flows_[i].Transform<double>(before[i], before.back(), parallel_for);
  }
  ChainGradient<Scalar> result;
  result.cells.resize(flows_.size());
  Eigen::Matrix2Xd gradient = dl_dy.template cast<double>();
  for (size_t i = flows_.size(); i-- > 0;) {
    FlowGradient<double> stage =
        flows_[i].Pullback<double>(before[i], gradient, parallel_for);
    result.cells[i] = std::move(stage.cells);
    gradient = std::move(stage.points);
  }
  result.points = gradient.cast<Scalar>();
  return result;
}

template void FlowChain::Transform<float>(const PointsRef<float>&,
                                          MutablePointsRef<float>,
                                          const ParallelFor&) const;
template void FlowChain::Transform<double>(const PointsRef<double>&,
                                           MutablePointsRef<double>,
                                           const ParallelFor&) const;
template ChainGradient<float> FlowChain::Pullback<float>(
    const PointsRef<float>&, const PointsRef<float>&, const ParallelFor&) const;
template ChainGradient<double> FlowChain::Pullback<double>(
    const PointsRef<double>&, const PointsRef<double>&,
    const ParallelFor&) const;

}  // namespace cpab
