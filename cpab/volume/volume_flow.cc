// In a piece the velocity is v(x) = A (x, 1) with A = [M b]. There the path is
// the power series
//
//   x(t) = sum_k x_k t^k,   x_0 = x,   x_1 = v(x),   x_k = M x_{k-1} / k,
//
// exact to rounding for |M| t <= 1; longer times take several arcs. The
// distance from face f of a piece, n.x(t) + o, is a power series of the same
// length, with coefficients n.x_k: the first zero of all faces
// (first_crossing.h) ends the arc.
//
// Outside the cube the velocity is that of the nearest point N(x), N affine in
// each of the 26 parts of the outside: A N, and the cell's faces f N, in
// homogeneous coordinates, plus the sides of the cube that bound the part.
//
// An arc counts as a flow of fixed duration t, since the velocities on both
// sides of a face agree there. Its end is e^{tM} x + int_0^t e^{(t-s)M} b ds,
// hence, with lambda = dL/d(end) and the series of both exponentials,
//
//   dL/dx = e^{tM^T} lambda
//   dL/dA = int_0^t e^{(t-s)M^T} lambda (x(s), 1)^T ds
//         = sum_{i,j} t^{i+j+1} / (i+j+1)! (M^T)^i lambda (D^j (x, 1))^T,
//
// D^j (x, 1) being the j-th time derivative at the arc's start: v = A (x, 1),
// then M v, M^2 v, ... of the points, and (1, 0, 0, ...) of the homogeneous
// coordinate.
#include "cpab/volume/volume_flow.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "Eigen/Geometry"
#include "cpab/volume/first_crossing.h"

namespace cpab {
namespace {

constexpr double kEpsilon = std::numeric_limits<double>::epsilon();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// Terms of the power series, exact to rounding for |M| t <= 1: 1/19! = 8e-18.
constexpr int kTerms = 19;
// As PathWalker::kMaxArcs.
constexpr int kMaxArcs = 4096;
// A path leaves a piece when it is this far outside, relative to the size of
// its coordinates, so that rounding does not throw it to and fro.
constexpr double kOverlap = 64 * kEpsilon;
// And it stays in a piece at least this long, so that it makes progress even
// where many pieces meet; by continuity the velocity is off by no more than
// that.
constexpr double kShortestArc = 1e-14;

// How the nearest point of the cube depends on x, in homogeneous coordinates.
Eigen::Matrix4d NearestPoint(const Eigen::Vector3d& x) {
  Eigen::Matrix4d nearest = Eigen::Matrix4d::Identity();
  for (int a = 0; a < 3; ++a) {
    if (x[a] >= 0 && x[a] <= 1) continue;
    nearest(a, a) = 0;
    nearest(a, 3) = x[a] > 1;
  }
  return nearest;
}

// x(t) = sum of column k times t^k.
using Series = Eigen::Matrix<double, 3, kTerms>;

Series PathSeries(const AffineVelocity& A, const Eigen::Vector3d& x) {
  Series series;
  series.col(0) = x;
  series.col(1) = A * x.homogeneous();
  for (int k = 2; k < kTerms; ++k) {
    series.col(k) = A.leftCols<3>() * series.col(k - 1) / k;
  }
  return series;
}

Eigen::Vector3d Evaluate(const Series& series, double t) {
  Eigen::Vector3d x = series.col(kTerms - 1);
  for (int k = kTerms - 2; k >= 0; --k) x = x * t + series.col(k);
  return x;
}

}  // namespace

// A convex part of space in which the velocity is one affine map: a cell, or
// the points outside whose nearest in the cube are in that cell.
struct VolumeFlow::Piece {
  int cell;
  Eigen::Matrix4d nearest;
  AffineVelocity A;  // [CPAB]
  // Rows (normal, offset): normal . x + offset is positive inside. Those of
  // length 0 are no faces.
  Eigen::Matrix<double, 7, 4> faces;

  // The longest time that a power series is exact for.
  double MaxDuration() const {
    const double norm = A.leftCols<3>().norm();
    return norm > 1 ? 1 / norm : 1;
  }

  // When the path with this series leaves, at most `longest`.
  double ExitTime(const Series& path, double longest) const {
    const double scale = 1 + path.col(0).cwiseAbs().maxCoeff();
    // In units of `longest`, for FirstCrossing.
    Eigen::Matrix<double, kTerms, 1> powers;
    powers[0] = 1;
    for (int k = 1; k < kTerms; ++k) powers[k] = powers[k - 1] * longest;
    double first = 1;
    for (int f = 0; f < faces.rows(); ++f) {
      const auto normal = faces.row(f).head<3>();
      const double size = normal.norm();
      if (size == 0) continue;
      Eigen::Matrix<double, kTerms, 1> distance =
          (normal * path).transpose().cwiseProduct(powers);
      distance[0] += faces(f, 3) + size * scale * kOverlap;
      first = std::min(first, FirstCrossing(distance));
    }
    return std::max(first * longest, std::min(kShortestArc, longest));
  }
};

struct VolumeFlow::Arc {
  Piece piece;
  Eigen::Vector3d start;
  double duration;

  // Pulls dL/d(end) back to dL/d(start), and adds dL/dA_c to `cell`:
  // sum over i, j of t^(i + j + 1) / (i + j + 1)! (M^T)^i dL/d(end) (A^j x)^T.
  Eigen::Vector3d Pullback(const Eigen::Vector3d& dl_dend,
                           Eigen::Map<AffineVelocity> cell) const {
    const auto M = piece.A.leftCols<3>();
    Eigen::Matrix<double, 4, kTerms> x =
        Eigen::Matrix<double, 4, kTerms>::Zero();
    x.col(0) = start.homogeneous();
    x.col(1).head<3>() = piece.A * x.col(0);
    for (int j = 2; j < kTerms; ++j) {
      x.col(j).head<3>() = M * x.col(j - 1).head<3>();
    }
    Eigen::Matrix<double, 3, 4> gradient = Eigen::Matrix<double, 3, 4>::Zero();
    Eigen::Vector3d dl_dstart = Eigen::Vector3d::Zero();
    Eigen::Vector3d turned = dl_dend;  // (M^T)^i dl_dend
    double power = 1;                  // t^i / i!
    for (int i = 0; i < kTerms; ++i) {
      dl_dstart += power * turned;
      Eigen::Vector4d sum = Eigen::Vector4d::Zero();
      double weight = power;
      for (int j = 0; i + j < kTerms; ++j) {
        weight *= duration / (i + j + 1);
        sum += weight * x.col(j);
      }
      gradient += turned * sum.transpose();
      turned = M.transpose() * turned;
      power *= duration / (i + 1);
    }
    cell += gradient * piece.nearest.transpose();
    return dl_dstart;
  }
};

VolumeFlow::VolumeFlow(std::shared_ptr<const VolumeBasis> basis,
                       const Eigen::Ref<const Eigen::VectorXd>& theta)
    : basis_(std::move(basis)), cells_(basis_->CellsFromTheta(theta)) {}

VolumeFlow VolumeFlow::Power(double t) const {
  VolumeFlow power = *this;
  power.cells_ *= t;
  return power;
}

VolumeFlow::Piece VolumeFlow::PieceAt(const Eigen::Vector3d& x) const {
  Piece piece;
  piece.cell = basis_->FindCell(x);
  piece.nearest = NearestPoint(x);
  piece.A = Eigen::Map<const AffineVelocity>(cells_.row(piece.cell).data());
  piece.faces.setZero();
  piece.faces.topRows<4>() = basis_->shape_matrix(piece.cell);
  // Inside the cube the nearest point is x itself.
  if (piece.nearest.trace() == 4) return piece;
  piece.A = (piece.A * piece.nearest).eval();
  piece.faces.topRows<4>() = basis_->shape_matrix(piece.cell) * piece.nearest;
  for (int a = 0; a < 3; ++a) {
    if (piece.nearest(a, a) != 0) continue;
    piece.faces(4 + a, a) = x[a] > 1 ? 1 : -1;
    piece.faces(4 + a, 3) = x[a] > 1 ? -1 : 0;
  }
  return piece;
}

Eigen::Vector3d VolumeFlow::Velocity(const Eigen::Vector3d& x) const {
  return PieceAt(x).A * x.homogeneous();
}

// Records the arcs if `arcs` is not null.
Eigen::Vector3d VolumeFlow::Walk(Eigen::Vector3d x,
                                 std::vector<Arc>* arcs) const {
  if (!x.allFinite() || !cells_.allFinite()) {
    return Eigen::Vector3d::Constant(kNaN);
  }
  double time_left = 1;
  for (int count = 0; time_left > 0; ++count) {
    if (count == kMaxArcs) return Eigen::Vector3d::Constant(kNaN);
    const Piece piece = PieceAt(x);
    const Series path = PathSeries(piece.A, x);
    const double duration =
        piece.ExitTime(path, std::min(time_left, piece.MaxDuration()));
    if (arcs != nullptr) arcs->push_back({piece, x, duration});
    x = Evaluate(path, duration);
    time_left -= duration;
  }
  return x;
}

Eigen::Vector3d VolumeFlow::operator()(const Eigen::Vector3d& x) const {
  return Walk(x, nullptr);
}

VolumeJacobian VolumeFlow::Jacobian(const Eigen::Vector3d& x) const {
  std::vector<Arc> arcs;
  VolumeJacobian result;
  result.y = Walk(x, &arcs);
  result.dy_dtheta.resize(3, basis_->theta_size());
  result.log_det = 0;
  for (const Arc& arc : arcs) {
    result.log_det += arc.piece.A.leftCols<3>().trace() * arc.duration;
  }
  for (int a = 0; a < 3; ++a) {
    VolumeCoefficients cells = VolumeCoefficients::Zero(cells_.rows(), 12);
    Eigen::Vector3d row = Eigen::Vector3d::Unit(a);
    for (auto arc = arcs.rbegin(); arc != arcs.rend(); ++arc) {
      row = arc->Pullback(
          row, Eigen::Map<AffineVelocity>(cells.row(arc->piece.cell).data()));
    }
    result.dy_dx.row(a) = row.transpose();
    result.dy_dtheta.row(a) = basis_->ThetaFromCells(cells).transpose();
  }
  if (!result.y.allFinite()) {
    result.dy_dx.setConstant(kNaN);
    result.dy_dtheta.setConstant(kNaN);
    result.log_det = kNaN;
  }
  return result;
}

double VolumeFlow::LogDetJacobian(const Eigen::Vector3d& x) const {
  std::vector<Arc> arcs;
  if (!Walk(x, &arcs).allFinite()) return kNaN;
  double integral = 0;
  for (const Arc& arc : arcs) {
    integral += arc.piece.A.leftCols<3>().trace() * arc.duration;
  }
  return integral;
}

Eigen::Matrix3Xd VolumeFlow::Transform(const Eigen::Matrix3Xd& points,
                                       const ParallelFor& parallel_for) const {
  Eigen::Matrix3Xd y(3, points.cols());
  parallel_for(points.cols(),
               [&](int64_t n) { y.col(n) = (*this)(points.col(n)); });
  return y;
}

VolumeGradient VolumeFlow::Pullback(const Eigen::Matrix3Xd& points,
                                    const Eigen::Matrix3Xd& dl_dy,
                                    const ParallelFor& parallel_for) const {
  eigen_assert(points.cols() == dl_dy.cols());
  const int64_t count = points.cols();
  // At most 64 partial sums, whatever the number of points.
  const int64_t block_size = std::max<int64_t>(64, (count + 63) / 64);
  const int64_t num_blocks = (count + block_size - 1) / block_size;
  std::vector<VolumeCoefficients> partial(
      num_blocks, VolumeCoefficients::Zero(cells_.rows(), 12));
  VolumeGradient result;
  result.points.resize(3, count);
  parallel_for(num_blocks, [&](int64_t block) {
    std::vector<Arc> arcs;
    const int64_t end = std::min(count, (block + 1) * block_size);
    for (int64_t n = block * block_size; n < end; ++n) {
      arcs.clear();
      const Eigen::Vector3d y = Walk(points.col(n), &arcs);
      Eigen::Vector3d gradient = dl_dy.col(n);
      if (!y.allFinite()) gradient.setConstant(kNaN);
      for (auto arc = arcs.rbegin(); arc != arcs.rend(); ++arc) {
        gradient = arc->Pullback(
            gradient, Eigen::Map<AffineVelocity>(
                          partial[block].row(arc->piece.cell).data()));
      }
      result.points.col(n) = gradient;
    }
  });
  VolumeCoefficients cells = VolumeCoefficients::Zero(cells_.rows(), 12);
  for (const VolumeCoefficients& sum : partial) cells += sum;
  result.theta = basis_->ThetaFromCells(cells);
  return result;
}

}  // namespace cpab
