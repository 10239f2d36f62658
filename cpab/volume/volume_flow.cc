#include "cpab/volume/volume_flow.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "cpab/volume/volume_sensitivity.h"

namespace cpab {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

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
  parallel_for((count + kVolumeBlock - 1) / kVolumeBlock, [&](int64_t block) {
    const int64_t begin = block * kVolumeBlock;
    const int64_t size = std::min(count - begin, kVolumeBlock);
    Eigen::Matrix3Xd x = points.middleCols(begin, size);
    walker_.Walk(&x, nullptr);
    y.middleCols(begin, size) = x;
  });
  return y;
}

template <typename Body>
VolumeGradient VolumeFlow::GoBack(const Eigen::Matrix3Xd& points,
                                  Eigen::Matrix3Xd dl_dy,
                                  const ParallelFor& parallel_for,
                                  Body body) const {
  VolumeGradient result;
  result.points = std::move(dl_dy);
  const int64_t count = points.cols();
  const int64_t size =
      std::max(kVolumeBlock, (count + kMaxGradients - 1) / kMaxGradients);
  const int64_t num_blocks = (count + size - 1) / size;
  VolumeCoefficients sum = VolumeCoefficients::Zero(cells().rows(), 12);
  std::vector<VolumeCoefficients> partial(num_blocks, sum);
  parallel_for(num_blocks, [&](int64_t block) {
    const int64_t first = block * size;
    walker_.WalkAndRecord(
        points.middleCols(first, std::min(size, count - first)),
        [&](int64_t piece, const Eigen::Matrix3Xd& ends,
            const std::vector<VolumeArc>& arcs) {
          const int64_t begin = first + piece;
          body(begin, arcs, result.points.middleCols(begin, ends.cols()),
               &partial[block]);
          for (Eigen::Index n = 0; n < ends.cols(); ++n) {
            if (ends.col(n).allFinite()) continue;
            result.points.col(begin + n).setConstant(kNaN);
            if (points.col(begin + n).allFinite()) {
              partial[block].setConstant(kNaN);
            }
          }
        });
  });
  for (const VolumeCoefficients& cells : partial) sum += cells;
  result.theta = basis_->ThetaFromCells(sum);
  return result;
}

VolumeGradient VolumeFlow::Pullback(const Eigen::Matrix3Xd& points,
                                    const Eigen::Matrix3Xd& dl_dy,
                                    const ParallelFor& parallel_for) const {
  eigen_assert(points.cols() == dl_dy.cols());
  return GoBack(points, dl_dy, parallel_for,
                [this](int64_t, const std::vector<VolumeArc>& arcs,
                       Eigen::Ref<Eigen::Matrix3Xd> gradient,
                       VolumeCoefficients* cell_gradient) {
                  for (auto arc = arcs.rbegin(); arc != arcs.rend(); ++arc) {
                    gradient.col(arc->point) =
                        VolumeArcDerivative(cells(), *arc)
                            .Pullback(
                                gradient.col(arc->point),
                                Eigen::Map<AffineVelocity>(
                                    cell_gradient->row(arc->cell).data()));
                  }
                });
}

VolumeGradient VolumeFlow::LogDetPullback(
    const Eigen::Matrix3Xd& points, const Eigen::VectorXd& weights,
    const ParallelFor& parallel_for) const {
  eigen_assert(points.cols() == weights.size());
  return GoBack(
      points, Eigen::Matrix3Xd::Zero(3, points.cols()), parallel_for,
      [&](int64_t begin, const std::vector<VolumeArc>& arcs,
          Eigen::Ref<Eigen::Matrix3Xd> gradient,
          VolumeCoefficients* cell_gradient) {
        // The arc after, of each point.
        std::vector<const VolumeArc*> later(gradient.cols(), nullptr);
        for (auto arc = arcs.rbegin(); arc != arcs.rend(); ++arc) {
          const double weight = weights[begin + arc->point];
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
      });
}

}  // namespace cpab
