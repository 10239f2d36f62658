#include "cpab/volume/volume_step.h"

#include <algorithm>

#include "Eigen/Geometry"
#include "cpab/volume/first_crossing.h"

namespace cpab {
namespace {

// Terms of the series of a point on its own, exact to rounding for |M| t <= 1:
// 1/19! = 8e-18.
constexpr int kTerms = 19;
// A path stays in a piece at least this long, so that it makes progress even
// where many pieces meet; by continuity the velocity is off by no more than
// that.
constexpr double kShortestArc = 1e-14;

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

// The sides of the part of space that an arc is in, as rows (normal, offset):
// normal . x + offset is positive inside. Those of length 0 are none.
Eigen::Matrix<double, 7, 4> FacesAround(const VolumeBasis& basis,
                                        const VolumeArc& arc) {
  Eigen::Matrix<double, 7, 4> faces = Eigen::Matrix<double, 7, 4>::Zero();
  faces.topRows<4>() = basis.shape_matrix(arc.cell) * NearestPoint(arc.outside);
  for (int a = 0; a < 3; ++a) {
    if (arc.outside[a] == 0) continue;
    faces(4 + a, a) = arc.outside[a];
    faces(4 + a, 3) = arc.outside[a] > 0 ? -1 : 0;
  }
  return faces;
}

// When the path with this series leaves, at most `longest`.
double ExitTime(const Eigen::Matrix<double, 7, 4>& faces, const Series& path,
                double longest) {
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
    distance[0] += faces(f, 3) + size * scale * kVolumeOverlap;
    first = std::min(first, FirstCrossing(distance));
  }
  return std::max(first * longest, std::min(kShortestArc, longest));
}

}  // namespace

void Locate(const VolumeBasis& basis, VolumeState* state) {
  state->cell = -1;
  if (!IsInside(OutsideAt(state->x))) return;
  state->cell = basis.FindCell(state->x);
  Eigen::Map<Eigen::Vector3d>(state->coordinates) =
      basis.shape_matrix(state->cell).topRows<3>() * state->x.homogeneous();
}

VolumeArc StepAlone(const VolumeBasis& basis, const VolumeCoefficients& cells,
                    VolumeState* state) {
  VolumeArc arc = ArcAt(basis, state->point, state->x);
  const AffineVelocity A = VelocityOfArc(cells, arc);
  const Series path = PathSeries(A, state->x);
  const double norm = A.leftCols<3>().norm();
  const double longest = std::min(state->time_left, norm > 1 ? 1 / norm : 1.0);
  arc.duration = ExitTime(FacesAround(basis, arc), path, longest);
  state->x = Evaluate(path, arc.duration);
  state->time_left -= arc.duration;
  Locate(basis, state);
  return arc;
}

}  // namespace cpab
