#include "cpab/volume/volume_flow.h"

#include <algorithm>
#include <utility>

#include "cpab/volume/volume_sensitivity.h"

namespace cpab {
namespace {

// Points that are walked together: enough to keep packs full, few enough for
// their arcs to stay in the cache.
constexpr int64_t kBlock = 256;

// The adjoint keeps a gradient for each block of points: few, so that their
// memory does not grow with the number of points.
constexpr int64_t kMaxGradients = 64;

}  // namespace

VolumeFlow::VolumeFlow(std::shared_ptr<const VolumeBasis> basis,
                       const Eigen::Ref<const Eigen::VectorXd>& theta)
    : walker_(basis, basis->CellsFromTheta(theta)), basis_(std::move(basis)) {}

VolumeFlow::VolumeFlow(VolumeCoefficients cells,
                       std::shared_ptr<const VolumeBasis> basis)
    : walker_(basis, std::move(cells)), basis_(std::move(basis)) {}

VolumeFlow VolumeFlow::Power(double t) const {
  return VolumeFlow(t * cells(), basis_);
}

Eigen::Vector3d VolumeFlow::Velocity(const Eigen::Vector3d& x) const {
  return walker_.Velocity(x);
}

Eigen::Vector3d VolumeFlow::operator()(const Eigen::Vector3d& x) const {
  Eigen::Matrix3Xd y = x;
  walker_.Walk(&y, nullptr);
  return y;
}

VolumeJacobian VolumeFlow::Jacobian(const Eigen::Vector3d& x) const {
  const VolumeSensitivity point = SensitivitiesOf(walker_, x)[0];
  VolumeJacobian result;
  result.y = point.y;
  result.dy_dx = point.dy_dx;
  result.log_det = point.log_det;
  result.dy_dtheta.setZero(3, basis_->theta_size());
  if (basis_->is_sparse()) {
    for (int a = 0; a < 3; ++a) {
      Eigen::VectorXd dual = Eigen::VectorXd::Zero(basis_->vertices().size());
      for (const VolumeSensitivity::Block& block : point.blocks) {
        dual.segment<3>(3 * block.vertex) = block.dy_du.row(a).transpose();
      }
      result.dy_dtheta.row(a) = basis_->ThetaFromVertexDual(dual).transpose();
    }
  } else {
    for (const VolumeSensitivity::Block& block : point.blocks) {
      result.dy_dtheta +=
          block.dy_du * basis_->vertex_basis().middleRows<3>(3 * block.vertex);
    }
  }
  if (!point.y.allFinite()) result.dy_dtheta.setConstant(point.y.x());
  return result;
}

double VolumeFlow::LogDetJacobian(const Eigen::Vector3d& x) const {
  Eigen::Matrix3Xd y = x;
  std::vector<VolumeArc> arcs;
  walker_.Walk(&y, &arcs);
  if (!y.allFinite()) return y(0, 0);
  // As SensitivitiesOf adds them up.
  double integral = 0;
  for (auto arc = arcs.rbegin(); arc != arcs.rend(); ++arc) {
    integral +=
        VelocityOfArc(cells(), *arc).leftCols<3>().trace() * arc->duration;
  }
  return integral;
}

Eigen::Matrix3Xd VolumeFlow::Transform(const Eigen::Matrix3Xd& points,
                                       const ParallelFor& parallel_for) const {
  const int64_t count = points.cols();
  Eigen::Matrix3Xd y(3, count);
  parallel_for((count + kBlock - 1) / kBlock, [&](int64_t block) {
    const int64_t begin = block * kBlock;
    const int64_t size = std::min(count - begin, kBlock);
    Eigen::Matrix3Xd x = points.middleCols(begin, size);
    walker_.Walk(&x, nullptr);
    y.middleCols(begin, size) = x;
  });
  return y;
}

void VolumeFlow::PullbackBlock(const Eigen::Ref<const Eigen::Matrix3Xd>& points,
                               Eigen::Ref<Eigen::Matrix3Xd> gradient,
                               VolumeCoefficients* cell_gradient) const {
  Eigen::Matrix3Xd y = points;
  std::vector<VolumeArc> arcs;
  walker_.Walk(&y, &arcs);
  for (Eigen::Index n = 0; n < y.cols(); ++n) {
    if (y.col(n).allFinite()) continue;
    gradient.col(n).setConstant(y(0, n));
    if (points.col(n).allFinite()) cell_gradient->setConstant(y(0, n));
  }
  for (auto arc = arcs.rbegin(); arc != arcs.rend(); ++arc) {
    gradient.col(arc->point) =
        VolumeArcDerivative(cells(), *arc)
            .Pullback(gradient.col(arc->point),
                      Eigen::Map<AffineVelocity>(
                          cell_gradient->row(arc->cell).data()));
  }
}

template <typename Body>
VolumeCoefficients VolumeFlow::SumOverBlocks(int64_t count,
                                             const ParallelFor& parallel_for,
                                             Body body) const {
  const int64_t size =
      std::max(kBlock, (count + kMaxGradients - 1) / kMaxGradients);
  const int64_t num_blocks = (count + size - 1) / size;
  VolumeCoefficients sum = VolumeCoefficients::Zero(cells().rows(), 12);
  std::vector<VolumeCoefficients> partial(num_blocks, sum);
  parallel_for(num_blocks, [&](int64_t block) {
    const int64_t end = std::min(count, (block + 1) * size);
    for (int64_t begin = block * size; begin < end; begin += kBlock) {
      body(begin, std::min(kBlock, end - begin), &partial[block]);
    }
  });
  for (const VolumeCoefficients& cells : partial) sum += cells;
  return sum;
}

VolumeGradient VolumeFlow::Pullback(const Eigen::Matrix3Xd& points,
                                    const Eigen::Matrix3Xd& dl_dy,
                                    const ParallelFor& parallel_for) const {
  eigen_assert(points.cols() == dl_dy.cols());
  VolumeGradient result;
  result.points = dl_dy;
  result.theta = basis_->ThetaFromCells(SumOverBlocks(
      points.cols(), parallel_for,
      [&](int64_t begin, int64_t size, VolumeCoefficients* cells) {
        PullbackBlock(points.middleCols(begin, size),
                      result.points.middleCols(begin, size), cells);
      }));
  return result;
}

void VolumeFlow::LogDetPullbackBlock(
    const Eigen::Ref<const Eigen::Matrix3Xd>& points,
    const Eigen::Ref<const Eigen::VectorXd>& weights,
    Eigen::Ref<Eigen::Matrix3Xd> gradient,
    VolumeCoefficients* cell_gradient) const {
  Eigen::Matrix3Xd y = points;
  std::vector<VolumeArc> arcs;
  walker_.Walk(&y, &arcs);
  gradient.setZero();
  // The arc after, of each point.
  std::vector<const VolumeArc*> later(points.cols(), nullptr);
  for (auto arc = arcs.rbegin(); arc != arcs.rend(); ++arc) {
    const double weight = weights[arc->point];
    auto lambda = gradient.col(arc->point);
    const VolumeArc* const next = later[arc->point];
    later[arc->point] = &*arc;
    if (next != nullptr) {
      lambda += weight * LogDetJump(*basis_, cells(), *arc, *next);
    }
    Eigen::Map<AffineVelocity> cell(cell_gradient->row(arc->cell).data());
    lambda = VolumeArcDerivative(cells(), *arc).Pullback(lambda, cell);
    for (int a = 0; a < 3; ++a) {
      if (arc->outside[a] == 0) cell(a, a) += weight * arc->duration;
    }
  }
  for (Eigen::Index n = 0; n < y.cols(); ++n) {
    if (y.col(n).allFinite()) continue;
    gradient.col(n).setConstant(y(0, n));
    if (points.col(n).allFinite()) cell_gradient->setConstant(y(0, n));
  }
}

VolumeGradient VolumeFlow::LogDetPullback(
    const Eigen::Matrix3Xd& points, const Eigen::VectorXd& weights,
    const ParallelFor& parallel_for) const {
  eigen_assert(points.cols() == weights.size());
  VolumeGradient result;
  result.points.resize(3, points.cols());
  result.theta = basis_->ThetaFromCells(SumOverBlocks(
      points.cols(), parallel_for,
      [&](int64_t begin, int64_t size, VolumeCoefficients* cells) {
        LogDetPullbackBlock(points.middleCols(begin, size),
                            weights.segment(begin, size),
                            result.points.middleCols(begin, size), cells);
      }));
  return result;
}

}  // namespace cpab
