#include "cpab/volume/volume_sensitivity.h"

#include <array>
#include <cmath>
#include <limits>

#include "Eigen/Geometry"

namespace cpab {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// The power series of exp at `size` leaves out less than this.
constexpr double kRounding = 1e-17;

// The nearest point of the cube, in homogeneous coordinates.
void MoveToCube(const OutsideOfCube& outside,
                Eigen::Ref<Eigen::Vector4d> point) {
  for (int a = 0; a < 3; ++a) {
    if (outside[a] != 0) point[a] = outside[a] > 0 ? point[3] : 0;
  }
}

// Adds the block of `vertex`. Paths visit few vertices, so that looking
// through them all beats any index.
void AddBlock(int vertex, const Eigen::Matrix3d& dy_du,
              std::vector<VolumeSensitivity::Block>* blocks) {
  for (VolumeSensitivity::Block& block : *blocks) {
    if (block.vertex == vertex) {
      block.dy_du += dy_du;
      return;
    }
  }
  blocks->push_back({vertex, dy_du});
}

// The normal of the face at x of the part of space that an arc is in, where its
// cell ends: of the cell, at the nearest point of the cube. Outside, cells meet
// along such faces that have only an edge in common.
Eigen::Vector3d FaceAt(const VolumeBasis& basis, const VolumeArc& arc,
                       const Eigen::Vector3d& x) {
  Eigen::Vector4d nearest = x.homogeneous();
  MoveToCube(arc.outside, nearest);
  Eigen::Vector3d result = Eigen::Vector3d::Zero();
  double least = std::numeric_limits<double>::infinity();
  for (int face = 0; face < 4; ++face) {
    const Eigen::RowVector4d row = basis.shape_matrix(arc.cell).row(face);
    Eigen::Vector3d normal = row.head<3>().transpose();
    for (int a = 0; a < 3; ++a) {
      if (arc.outside[a] != 0) normal[a] = 0;
    }
    const double size = normal.norm();
    const double distance = std::abs(row * nearest);
    // Rounding leaves something of normals along the axes outside.
    if (size < 1e-9 || distance >= least * size) continue;
    least = distance / size;
    result = normal;
  }
  return result;
}

}  // namespace

VolumeArcDerivative::VolumeArcDerivative(const VolumeCoefficients& cells,
                                         const VolumeArc& arc) {
  const AffineVelocity A = VelocityOfArc(cells, arc);
  M_ = A.leftCols<3>();
  log_det_ = M_.trace() * arc.duration;
  const double size = M_.norm() * arc.duration;
  powers_[0] = 1;
  double left_out = 1;  // size^i / i!
  for (num_terms_ = 1; num_terms_ < kMaxTerms; ++num_terms_) {
    left_out *= size / num_terms_;
    if (left_out < kRounding) break;
    powers_[num_terms_] = powers_[num_terms_ - 1] * arc.duration / num_terms_;
  }
  Eigen::Matrix<double, 4, kMaxTerms> derivatives;  // D^j (x, 1).
  derivatives.col(0) = arc.start.homogeneous();
  derivatives.col(1).head<3>() = A * derivatives.col(0);
  derivatives(3, 1) = 0;
  for (int j = 2; j <= num_terms_ && j < kMaxTerms; ++j) {
    derivatives.col(j).head<3>().noalias() =
        M_ * derivatives.col(j - 1).head<3>();
    derivatives(3, j) = 0;
  }
  for (int i = 0; i < num_terms_; ++i) {
    Eigen::Vector4d sum = Eigen::Vector4d::Zero();
    double weight = powers_[i];
    for (int j = 0; i + j <= num_terms_ && j < kMaxTerms; ++j) {
      weight *= arc.duration / (i + j + 1);
      sum += weight * derivatives.col(j);
    }
    MoveToCube(arc.outside, sum);
    moments_.col(i) = sum;
  }
}

Eigen::Vector3d VolumeArcDerivative::Pullback(
    const Eigen::Vector3d& dl_dend, Eigen::Map<AffineVelocity> cell) const {
  Eigen::Vector3d dl_dstart = Eigen::Vector3d::Zero();
  Eigen::Vector3d turned = dl_dend;  // (M^T)^i dl_dend
  for (int i = 0; i < num_terms_; ++i) {
    dl_dstart += powers_[i] * turned;
    cell += turned * moments_.col(i).transpose();
    turned = (M_.transpose() * turned).eval();
  }
  return dl_dstart;
}

Eigen::Matrix3d VolumeArcDerivative::Prepend(const Eigen::Matrix3d& dy_dend,
                                             const Eigen::Matrix4d& shape,
                                             Eigen::Matrix3d dy_du[4]) const {
  Eigen::Matrix3d dy_dstart = Eigen::Matrix3d::Zero();
  Eigen::Matrix3d turned = dy_dend;  // dy_dend M^i
  for (int i = 0; i < num_terms_; ++i) {
    dy_dstart += powers_[i] * turned;
    const Eigen::Vector4d weights = shape * moments_.col(i);
    for (int n = 0; n < 4; ++n) dy_du[n] += weights[n] * turned;
    turned = (turned * M_).eval();
  }
  return dy_dstart;
}

Eigen::Vector3d LogDetJump(const VolumeBasis& basis,
                           const VolumeCoefficients& cells,
                           const VolumeArc& arc, const VolumeArc& next) {
  Eigen::Vector3d normal = Eigen::Vector3d::Zero();
  for (int a = 0; a < 3; ++a) {
    if (arc.outside[a] != next.outside[a]) normal = Eigen::Vector3d::Unit(a);
  }
  if (normal.isZero(0) && arc.cell != next.cell) {
    normal = FaceAt(basis, arc, next.start);
  }
  const AffineVelocity after = VelocityOfArc(cells, next);
  const double speed = normal.dot(after * next.start.homogeneous());
  if (speed == 0) return Eigen::Vector3d::Zero();
  const double jump = after.leftCols<3>().trace() -
                      VelocityOfArc(cells, arc).leftCols<3>().trace();
  return jump / speed * normal;
}

std::vector<VolumeSensitivity> SensitivitiesOf(const VolumeWalker& walker,
                                               const Eigen::Matrix3Xd& points) {
  const VolumeBasis& basis = walker.basis();
  std::vector<VolumeSensitivity> result(points.cols());
  walker.WalkAndRecord(points, [&](int64_t begin, const Eigen::Matrix3Xd& ends,
                                   const std::vector<VolumeArc>& arcs) {
    for (Eigen::Index n = 0; n < ends.cols(); ++n) {
      VolumeSensitivity& point = result[begin + n];
      point.y = ends.col(n);
      point.dy_dx.setIdentity();
      point.log_det = 0;
      if (point.y.allFinite()) continue;
      point.dy_dx.setConstant(kNaN);
      point.log_det = kNaN;
    }
    for (auto arc = arcs.rbegin(); arc != arcs.rend(); ++arc) {
      VolumeSensitivity& point = result[begin + arc->point];
      if (!point.y.allFinite()) continue;
      const VolumeArcDerivative derivative(walker.cells(), *arc);
      std::array<Eigen::Matrix3d, 4> dy_du;
      dy_du.fill(Eigen::Matrix3d::Zero());
      point.dy_dx = derivative.Prepend(
          point.dy_dx, basis.shape_matrix(arc->cell), dy_du.data());
      point.log_det += derivative.log_det();
      for (int n = 0; n < 4; ++n) {
        AddBlock(basis.cells()[arc->cell][n], dy_du[n], &point.blocks);
      }
    }
  });
  return result;
}

}  // namespace cpab
