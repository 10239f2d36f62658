#include "cpab/flow/flow.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>

#include "cpab/flow/packed_adjoint.h"
#include "cpab/flow/packed_path.h"
#include "cpab/flow/sensitivity_series.h"
#include "cpab/flow/vertex_jacobian.h"

namespace cpab {
namespace {

// Points that one call of a parallel loop's body takes: enough to keep packs
// full, some 100 microseconds of work.
constexpr int64_t kBlock = 1024;

// Whether so many paths go back together. That prepares all cells, each for
// about a fifth of what a path gains by it.
bool GoTogether(int64_t paths, int cells) {
  constexpr int64_t kMinTogether = 64;
  return paths >= kMinTogether && 4 * paths >= cells;
}

// Paths that go back together at a time: enough to keep packs full.
constexpr int64_t kPiece = kBlock / 2;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// The adjoint keeps a gradient for each block of points: few, so that their
// memory does not grow with the number of points.
constexpr int64_t kMaxGradients = 64;

// Whole pieces.
int64_t AdjointBlock(int64_t count) {
  const int64_t pieces = (count + kPiece - 1) / kPiece;
  return kPiece *
         std::max<int64_t>(1, (pieces + kMaxGradients - 1) / kMaxGradients);
}

// Calls body(block, begin, end) for each block of [0, n).
template <typename Body>
void ForEachBlock(int64_t n, int64_t block_size, const ParallelFor& loop,
                  Body body) {
  loop((n + block_size - 1) / block_size, [&](int64_t block) {
    const int64_t begin = block * block_size;
    body(block, begin, std::min(n, begin + block_size));
  });
}

using CellGradient = Eigen::Matrix<double, 2, 3, Eigen::RowMajor>;

// How an arc's end depends on its start and on its cell's coefficients.
//
// The time of the exit depends on both too, but moving it adds nothing: the
// velocity is the same on both sides of an edge.
class ArcDerivative {
 public:
  ArcDerivative(const AffineFlow& flow, const Arc& arc)
      : flow_(flow),
        sensitivity_(flow.SensitivityAt(arc.duration, arc.start)) {}

  // Pulls dL/d(end) back to dL/d(start) and adds the arc's share of
  // dL/d(coefficients) to `cell`.
  template <typename CellBlock>
  Eigen::Vector2d Pullback(const Eigen::Vector2d& dl_dend,
                           CellBlock&& cell) const {
    const Eigen::Vector2d turned = flow_.Transposed(dl_dend);
    cell += dl_dend * sensitivity_.X.transpose() +
            turned * sensitivity_.Y.transpose();
    return sensitivity_.exponential.identity * dl_dend +
           sensitivity_.exponential.matrix * turned;
  }

 private:
  const AffineFlow& flow_;
  AffineFlow::Sensitivity sensitivity_;
};

Eigen::Vector2d WalkAndRecord(const PathWalker& walker,
                              const Eigen::Vector2d& x,
                              std::vector<Arc>* arcs) {
  arcs->clear();
  return walker.Walk(x, [arcs](const Arc& arc) { arcs->push_back(arc); });
}

// The adjoint of the paths of some points.
class PathGradients {
 public:
  // With `series` paths go together, without it one by one. Adds all gradients
  // with respect to the cells' coefficients to `cells`.
  PathGradients(const PathWalker& walker,
                const std::vector<SensitivitySeries>* series,
                CellCoefficients* cells)
      : walker_(walker), series_(series), cells_(cells) {}

  // The gradients with respect to the points, from those with respect to the
  // paths' ends.
  Eigen::Matrix2Xd Pullback(const Eigen::Matrix2Xd& points,
                            Eigen::Matrix2Xd gradients) {
    Eigen::Matrix2Xd ends = points;
    const bool together = series_ != nullptr &&
                          WalkAndRecordTogether(walker_, &ends, &packed_arcs_);
    if (together) {
      PullBackTogether(walker_, *series_, packed_arcs_, &gradients, cells_);
    }
    for (Eigen::Index n = 0; n < points.cols(); ++n) {
      const MovedCoordinates moved = walker_.Moved(points.col(n));
      if (!together || !moved.all()) {
        ends.col(n) = PullbackAlong(points.col(n), moved, gradients.col(n));
      }
      if (ends.col(n).allFinite()) continue;
      gradients.col(n).setConstant(kNaN);
      if (points.col(n).allFinite()) cells_->setConstant(kNaN);
    }
    return gradients;
  }

 private:
  // Returns the path's end.
  Eigen::Vector2d PullbackAlong(const Eigen::Vector2d& x,
                                const MovedCoordinates& moved,
                                Eigen::Ref<Eigen::Vector2d> gradient) {
    const Eigen::Vector2d end = WalkAndRecord(walker_, x, &arcs_);
    Eigen::Vector2d moving = moved.select(gradient, 0);
    for (auto arc = arcs_.rbegin(); arc != arcs_.rend(); ++arc) {
      const ArcDerivative derivative(walker_.flow(arc->cell), *arc);
      Eigen::Map<CellGradient> cell(cells_->row(arc->cell).data());
      moving = moved.select(derivative.Pullback(moving, cell), 0);
    }
    gradient = moved.select(moving, gradient);
    return end;
  }

  const PathWalker& walker_;
  const std::vector<SensitivitySeries>* series_;
  CellCoefficients* cells_;
  std::vector<Arc> arcs_;
  std::vector<PackedArc> packed_arcs_;
};

// The normal of the edge at x between two cells, or between their extensions
// outside; 0 if they have none.
Eigen::Vector2d CrossedEdge(const Tessellation& tessellation, int from, int to,
                            const Eigen::Vector2d& x) {
  const std::vector<Region>& regions = tessellation.regions();
  Eigen::Vector2d normal = Eigen::Vector2d::Zero();
  double nearest = std::numeric_limits<double>::infinity();
  // A border cell's first edge is the one to its extension.
  for (const int region : {from, regions[from].edges[0].neighbour}) {
    if (regions[region].cell != from) continue;
    for (const Edge& edge : regions[region].edges) {
      const double distance = std::abs(edge.normal.dot(x) + edge.offset);
      if (regions[edge.neighbour].cell != to || distance >= nearest) continue;
      nearest = distance;
      normal = edge.normal;
    }
  }
  return normal;
}

}  // namespace

Flow::Flow(VelocityField field) : field_(std::move(field)), walker_(field_) {}

Flow::Flow(std::shared_ptr<const Basis> basis,
           const Eigen::Ref<const Eigen::VectorXd>& theta)
    : Flow(VelocityField(std::move(basis), theta)) {}

Eigen::Vector2d Flow::operator()(const Eigen::Vector2d& x) const {
  Eigen::Matrix2Xd y = x;
  WalkTogether(walker_, &y);
  return y;
}

double Flow::LogDetJacobian(const Eigen::Vector2d& x) const {
  double integral = 0;
  const MovedCoordinates moved = walker_.Moved(x);
  const Eigen::Vector2d y = walker_.Walk(x, [&](const Arc& arc) {
    integral += Divergence(walker_.flow(arc.cell), moved) * arc.duration;
  });
  return y.allFinite() ? integral : kNaN;
}

void Flow::JacobianAt(const Eigen::Vector2d& x, std::vector<Arc>* arcs,
                      PointSensitivity* point,
                      Eigen::Ref<RowMajorMatrix> dy_dtheta) const {
  *point = SensitivityOfPoint(walker_, field_.basis(), x, arcs);
  if (!point->y.allFinite()) {
    dy_dtheta.setConstant(kNaN);
    point->dy_dx.setConstant(kNaN);
    point->log_det = kNaN;
    return;
  }
  const Basis& basis = field_.basis();
  if (basis.is_sparse()) {
    for (int a = 0; a < 2; ++a) {
      Eigen::VectorXd dual =
          Eigen::VectorXd::Zero(2 * basis.tessellation().num_vertices());
      for (const PointSensitivity::Block& block : point->blocks) {
        dual.segment<2>(2 * block.vertex) = block.dy_du.row(a).transpose();
      }
      dy_dtheta.row(a) = basis.ThetaFromVertexDual(dual).transpose();
    }
    return;
  }
  dy_dtheta.setZero();
  for (const PointSensitivity::Block& block : point->blocks) {
    dy_dtheta.noalias() +=
        block.dy_du * basis.vertex_basis().middleRows<2>(2 * block.vertex);
  }
}

PointJacobian Flow::Jacobian(const Eigen::Vector2d& x) const {
  std::vector<Arc> arcs;
  PointSensitivity point;
  PointJacobian result;
  result.dy_dtheta.resize(2, field_.basis().theta_size());
  JacobianAt(x, &arcs, &point, result.dy_dtheta);
  result.y = point.y;
  result.dy_dx = point.dy_dx;
  result.log_det = point.log_det;
  return result;
}

PointsJacobian Flow::Jacobians(const Eigen::Matrix2Xd& points) const {
  std::vector<Arc> arcs;
  PointSensitivity point;
  PointsJacobian result;
  result.y.resize(2, points.cols());
  result.dy_dx.resize(points.cols());
  result.log_det.resize(points.cols());
  result.dy_dtheta.resize(2 * points.cols(), field_.basis().theta_size());
  for (Eigen::Index n = 0; n < points.cols(); ++n) {
    JacobianAt(points.col(n), &arcs, &point,
               result.dy_dtheta.middleRows(2 * n, 2));
    result.y.col(n) = point.y;
    result.dy_dx[n] = point.dy_dx;
    result.log_det[n] = point.log_det;
  }
  return result;
}

template <typename Scalar>
void Flow::Transform(const PointsRef<Scalar>& points,
                     MutablePointsRef<Scalar> y,
                     const ParallelFor& parallel_for) const {
  eigen_assert(points.cols() == y.cols());
  ForEachBlock(
      points.cols(), kBlock, parallel_for,
      [&](int64_t, int64_t begin, int64_t end) {
        Eigen::Matrix2Xd x =
            points.middleCols(begin, end - begin).template cast<double>();
        WalkTogether(walker_, &x);
        y.middleCols(begin, end - begin) = x.template cast<Scalar>();
      });
}

template <typename Scalar>
FlowGradient<Scalar> Flow::Pullback(const PointsRef<Scalar>& points,
                                    const PointsRef<Scalar>& dl_dy,
                                    const ParallelFor& parallel_for) const {
  const int64_t count = points.cols();
  eigen_assert(count == dl_dy.cols());
  const int64_t block_size = AdjointBlock(count);
  const bool together = GoTogether(count, field_.tessellation().num_cells());
  const std::vector<SensitivitySeries> series =
      together ? SeriesOfCells(walker_) : std::vector<SensitivitySeries>();
  FlowGradient<Scalar> result;
  result.points.resize(2, count);
  const CellCoefficients zero =
      CellCoefficients::Zero(field_.cells().rows(), 6);
  std::vector<CellCoefficients> partial((count + block_size - 1) / block_size,
                                        zero);
  ForEachBlock(
      count, block_size, parallel_for,
      [&](int64_t block, int64_t begin, int64_t end) {
        PathGradients paths(walker_, together ? &series : nullptr,
                            &partial[block]);
        for (int64_t n = begin; n < end; n += kPiece) {
          const int64_t size = std::min(kPiece, end - n);
          result.points.middleCols(n, size) =
              paths
                  .Pullback(points.middleCols(n, size).template cast<double>(),
                            dl_dy.middleCols(n, size).template cast<double>())
                  .template cast<Scalar>();
        }
      });
  result.cells = zero;
  for (const CellCoefficients& sum : partial) result.cells += sum;
  return result;
}

// `arcs` is one path.
void Flow::LogDetPullbackAlong(const std::vector<Arc>& arcs,
                               const MovedCoordinates& moved, double weight,
                               CellCoefficients* cells,
                               Eigen::Ref<Eigen::Vector2d> dl_dx) const {
  const Tessellation& tessellation = walker_.tessellation();
  Eigen::Vector2d gradient = Eigen::Vector2d::Zero();
  for (size_t i = arcs.size(); i-- > 0;) {
    const Arc& arc = arcs[i];
    Eigen::Map<CellGradient> cell(cells->row(arc.cell).data());
    gradient =
        ArcDerivative(walker_.flow(arc.cell), arc).Pullback(gradient, cell);
    for (int a = 0; a < 2; ++a) {
      if (moved[a]) cell(a, a) += weight * arc.duration;
    }
    gradient = moved.select(gradient, 0);
    if (i == 0 || arcs[i - 1].cell == arc.cell) continue;
    const Eigen::Vector2d normal =
        CrossedEdge(tessellation, arcs[i - 1].cell, arc.cell, arc.start);
    const double speed = normal.dot(field_(arc.start));
    if (speed == 0) continue;
    const double jump = Divergence(walker_.flow(arc.cell), moved) -
                        Divergence(walker_.flow(arcs[i - 1].cell), moved);
    gradient += moved.select(weight * jump / speed * normal, 0);
  }
  dl_dx = gradient;
}

FlowGradient<double> Flow::LogDetPullback(
    const Eigen::Matrix2Xd& points, const Eigen::VectorXd& weights,
    const ParallelFor& parallel_for) const {
  const int64_t count = points.cols();
  eigen_assert(count == weights.size());
  const int64_t block_size = AdjointBlock(count);
  FlowGradient<double> result;
  result.points.resize(2, count);
  result.cells = CellCoefficients::Zero(field_.cells().rows(), 6);
  std::vector<CellCoefficients> partial((count + block_size - 1) / block_size,
                                        result.cells);
  ForEachBlock(count, block_size, parallel_for,
               [&](int64_t block, int64_t begin, int64_t end) {
                 std::vector<Arc> arcs;
                 for (int64_t n = begin; n < end; ++n) {
                   const Eigen::Vector2d y =
                       WalkAndRecord(walker_, points.col(n), &arcs);
                   LogDetPullbackAlong(arcs, walker_.Moved(points.col(n)),
                                       weights[n], &partial[block],
                                       result.points.col(n));
                   if (!y.allFinite()) {
                     result.points.col(n).setConstant(kNaN);
                     if (points.col(n).allFinite()) {
                       partial[block].setConstant(kNaN);
                     }
                   }
                 }
               });
  for (const CellCoefficients& sum : partial) result.cells += sum;
  return result;
}

template void Flow::Transform<float>(const PointsRef<float>&,
                                     MutablePointsRef<float>,
                                     const ParallelFor&) const;
template void Flow::Transform<double>(const PointsRef<double>&,
                                      MutablePointsRef<double>,
                                      const ParallelFor&) const;
template FlowGradient<float> Flow::Pullback<float>(const PointsRef<float>&,
                                                   const PointsRef<float>&,
                                                   const ParallelFor&) const;
template FlowGradient<double> Flow::Pullback<double>(const PointsRef<double>&,
                                                     const PointsRef<double>&,
                                                     const ParallelFor&) const;

}  // namespace cpab
