// Thin-plate splines through keypoint pairs.
//
// Source: [Bookstein]. The model's splines, which are differentiable tensors
// and do not interpolate, are in pipelines/model/thin_plate.h.
// Tested by point_map_test.cc.
#ifndef TOOLS_STUDIO_WARP_THIN_PLATE_MAP_H_
#define TOOLS_STUDIO_WARP_THIN_PLATE_MAP_H_

#include "Eigen/Core"
#include "tools/studio/warp/affine_map.h"
#include "tools/studio/warp/point_map.h"

namespace studio {

// The interpolant of least bending energy,
//
//   T(x) = A(x) + sum_k w_k U(|x - p_k|^2),   U(s) = s log s,
//   sum_k w_k = 0,  sum_k w_k p_k^T = 0.
//
// It meets all pairs, but it need not be invertible: its determinant may
// be negative.
class ThinPlateMap final : public PointMap {
 public:
  // `from` has no two equal points. Where pairs leave the affine part open, it
  // is that of AffineMap::Fit.
  static ThinPlateMap Fit(const Eigen::Matrix2Xd& from,
                          const Eigen::Matrix2Xd& to);

  Eigen::Matrix2Xd Apply(const Eigen::Matrix2Xd& points) const override;
  Eigen::VectorXd Determinants(const Eigen::Matrix2Xd& points) const override;

  // dT/dx.
  Eigen::Matrix2d Jacobian(const Eigen::Vector2d& x) const;

 private:
  AffineMap affine_;
  Eigen::Matrix2Xd centres_;  // p
  Eigen::Matrix2Xd weights_;  // w
};

// The inverse of a spline, by Newton's method: no closed form is known. It
// begins at the spline of the exchanged pairs, and stays there where it does
// not converge, as where the spline folds.
class InverseThinPlateMap final : public PointMap {
 public:
  // The inverse of Fit(from, to).
  static InverseThinPlateMap Fit(const Eigen::Matrix2Xd& from,
                                 const Eigen::Matrix2Xd& to);

  Eigen::Matrix2Xd Apply(const Eigen::Matrix2Xd& points) const override;
  Eigen::VectorXd Determinants(const Eigen::Matrix2Xd& points) const override;

  const ThinPlateMap& spline() const { return spline_; }

 private:
  InverseThinPlateMap(ThinPlateMap spline, ThinPlateMap guess);

  ThinPlateMap spline_;  // whose inverse this is
  ThinPlateMap guess_;
};

}  // namespace studio

#endif  // TOOLS_STUDIO_WARP_THIN_PLATE_MAP_H_
