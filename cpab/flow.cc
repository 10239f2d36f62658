#include "cpab/flow.h"

#include <algorithm>
#include <utility>

namespace cpab {
namespace {

// Points that one call of a parallel loop's body takes: some 50 microseconds
// of work, and few partial sums of the gradient.
constexpr int64_t kBlock = 512;

int64_t NumBlocks(int64_t n) { return (n + kBlock - 1) / kBlock; }

template <typename Body>
void ForEachInBlock(int64_t block, int64_t n, Body body) {
  const int64_t end = std::min(n, (block + 1) * kBlock);
  for (int64_t i = block * kBlock; i < end; ++i) body(i);
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

bool IsFinite(const Eigen::Vector2d& x) { return std::isfinite(x.x() + x.y()); }

Eigen::Vector2d WalkAndRecord(const PathWalker& walker,
                              const Eigen::Vector2d& x,
                              std::vector<Arc>* arcs) {
  arcs->clear();
  return walker.Walk(x, [arcs](const Arc& arc) { arcs->push_back(arc); });
}

}  // namespace

// The derivative of one point with respect to the velocities of the vertices.
// Only vertices of cells on its path have one.
struct Flow::Workspace {
  explicit Workspace(const Tessellation& tessellation)
      : dy_dvertex(tessellation.num_vertices(), Eigen::Matrix2d::Zero()) {}

  void AddCell(const Basis& basis, int cell, const CellGradient dy_dcell[2]) {
    for (int n = 0; n < 3; ++n) {
      const int v = basis.tessellation().cells()[cell][n];
      if (dy_dvertex[v].isZero(0)) touched.push_back(v);
      const auto shape = basis.shape_matrix(cell).row(n).transpose();
      for (int a = 0; a < 2; ++a) {
        dy_dvertex[v].row(a) += (dy_dcell[a] * shape).transpose();
      }
    }
  }

  // Multiplies by the vertex basis, and clears for the next point.
  void MoveThroughBasis(const Basis& basis,
                        Eigen::Ref<RowMajorMatrix> dy_dtheta) {
    dy_dtheta.setZero();
    for (const int v : touched) {
      dy_dtheta.noalias() +=
          dy_dvertex[v] * basis.vertex_basis().middleRows<2>(2 * v);
      dy_dvertex[v].setZero();
    }
    touched.clear();
  }

  std::vector<Arc> arcs;
  std::vector<Eigen::Matrix2d> dy_dvertex;
  std::vector<int> touched;
};

Flow::Flow(VelocityField field) : field_(std::move(field)), walker_(field_) {}

Flow::Flow(std::shared_ptr<const Basis> basis,
           const Eigen::Ref<const Eigen::VectorXd>& theta)
    : Flow(VelocityField(std::move(basis), theta)) {}

Eigen::Vector2d Flow::operator()(const Eigen::Vector2d& x) const {
  return walker_.Walk(x, [](const Arc&) {});
}

double Flow::LogDetJacobian(const Eigen::Vector2d& x) const {
  double integral = 0;
  const Eigen::Vector2d y = walker_.Walk(x, [&](const Arc& arc) {
    integral += walker_.flow(arc.cell).trace() * arc.duration;
  });
  return IsFinite(y) ? integral : y.x();
}

void Flow::JacobianAt(const Eigen::Vector2d& x, Workspace* workspace,
                      Eigen::Vector2d* y, Eigen::Matrix2d* dy_dx,
                      double* log_det,
                      Eigen::Ref<RowMajorMatrix> dy_dtheta) const {
  *y = WalkAndRecord(walker_, x, &workspace->arcs);
  *log_det = 0;
  dy_dx->setIdentity();  // dy/d(end of the arc), from the last to the first.
  const std::vector<Arc>& arcs = workspace->arcs;
  for (auto arc = arcs.rbegin(); arc != arcs.rend(); ++arc) {
    const AffineFlow& flow = walker_.flow(arc->cell);
    const ArcDerivative derivative(flow, *arc);
    CellGradient dy_dcell[2] = {CellGradient::Zero(), CellGradient::Zero()};
    for (int a = 0; a < 2; ++a) {
      dy_dx->row(a) =
          derivative.Pullback(dy_dx->row(a).transpose(), dy_dcell[a])
              .transpose();
    }
    *log_det += flow.trace() * arc->duration;
    workspace->AddCell(field_.basis(), arc->cell, dy_dcell);
  }
  workspace->MoveThroughBasis(field_.basis(), dy_dtheta);
  if (!IsFinite(*y)) {
    dy_dtheta.setConstant(y->x());
    dy_dx->setConstant(y->x());
    *log_det = y->x();
  }
}

PointJacobian Flow::Jacobian(const Eigen::Vector2d& x) const {
  Workspace workspace(field_.tessellation());
  PointJacobian result;
  result.dy_dtheta.resize(2, field_.basis().theta_size());
  JacobianAt(x, &workspace, &result.y, &result.dy_dx, &result.log_det,
             result.dy_dtheta);
  return result;
}

PointsJacobian Flow::Jacobians(const Eigen::Matrix2Xd& points) const {
  Workspace workspace(field_.tessellation());
  PointsJacobian result;
  result.y.resize(2, points.cols());
  result.dy_dx.resize(points.cols());
  result.log_det.resize(points.cols());
  result.dy_dtheta.resize(2 * points.cols(), field_.basis().theta_size());
  for (Eigen::Index n = 0; n < points.cols(); ++n) {
    Eigen::Vector2d y;
    JacobianAt(points.col(n), &workspace, &y, &result.dy_dx[n],
               &result.log_det[n], result.dy_dtheta.middleRows(2 * n, 2));
    result.y.col(n) = y;
  }
  return result;
}

template <typename Scalar>
void Flow::Transform(const PointsRef<Scalar>& points,
                     MutablePointsRef<Scalar> y,
                     const ParallelFor& parallel_for) const {
  eigen_assert(points.cols() == y.cols());
  parallel_for(NumBlocks(points.cols()), [&](int64_t block) {
    ForEachInBlock(block, points.cols(), [&](int64_t n) {
      const Eigen::Vector2d x = points.col(n).template cast<double>();
      y.col(n) = (*this)(x).template cast<Scalar>();
    });
  });
}

template <typename Scalar>
FlowGradient<Scalar> Flow::Pullback(const PointsRef<Scalar>& points,
                                    const PointsRef<Scalar>& dl_dy,
                                    const ParallelFor& parallel_for) const {
  eigen_assert(points.cols() == dl_dy.cols());
  FlowGradient<Scalar> result;
  result.points.resize(2, points.cols());
  const int64_t num_blocks = NumBlocks(points.cols());
  std::vector<CellCoefficients> partial(
      num_blocks, CellCoefficients::Zero(field_.cells().rows(), 6));
  parallel_for(num_blocks, [&](int64_t block) {
    std::vector<Arc> arcs;
    ForEachInBlock(block, points.cols(), [&](int64_t n) {
      const Eigen::Vector2d x = points.col(n).template cast<double>();
      const Eigen::Vector2d y = WalkAndRecord(walker_, x, &arcs);
      Eigen::Vector2d gradient = dl_dy.col(n).template cast<double>();
      if (!IsFinite(y)) gradient.setConstant(y.x());
      for (auto arc = arcs.rbegin(); arc != arcs.rend(); ++arc) {
        gradient =
            ArcDerivative(walker_.flow(arc->cell), *arc)
                .Pullback(gradient, Eigen::Map<CellGradient>(
                                        partial[block].row(arc->cell).data()));
      }
      result.points.col(n) = gradient.template cast<Scalar>();
    });
  });
  result.cells.setZero(field_.cells().rows(), 6);
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
