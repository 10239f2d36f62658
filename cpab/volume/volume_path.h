// Walks paths of points through the tetrahedra of a cube, four at a time.
//
// Inside the cube a point is known by its cell and its barycentric coordinates
// there, which are its distances from the cell's faces. They obey the affine
// equation l' = R (l, 1), whose power series
//
//   l(t) = sum_k b_k (t / h)^k,   b_1 = h R (l, 1),   b_k = h / k R_l b_{k-1},
//
// is exact to rounding up to the longest step h of a cell. The cells of four
// points differ; their coefficients are in lanes of a pack. Of each
// coordinate s, from its coefficients alone:
//
//   s(0) + b_1 + sum_{k > 1} min(b_k, 0) > 0      it stays positive up to h
//   b_1 + sum_{k > 1} k max(b_k, 0) < 0           it falls all the way, so that
//                                                 it crosses 0 once at most
//
// Where a coordinate does neither, h is shortened: near the start of an arc
// the first coefficient decides. The first crossing is found by Halley's
// iteration, and the neighbour's coordinates are the same but for one.
//
// Points outside the cube, and the rare ones for which that does not come to an
// end, take steps of their own (volume_step.h). The position is the sum of the
// displacements of all arcs: at rest a point stays where it is, bit for bit.
//
// Private to //cpab/volume.
#ifndef CPAB_VOLUME_VOLUME_PATH_H_
#define CPAB_VOLUME_VOLUME_PATH_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "Eigen/Core"
#include "cpab/volume/volume_arc.h"
#include "cpab/volume/volume_basis.h"

namespace cpab {

// Points that are walked together: enough to keep packs full, few enough for
// their arcs to stay in the cache.
inline constexpr int64_t kVolumeBlock = 256;

// The most arcs that are recorded at a time: 3 MB.
inline constexpr size_t kMaxVolumeArcs = size_t{1} << 16;

// Immutable; safe to use from many threads.
class VolumeWalker {
 public:
  VolumeWalker(std::shared_ptr<const VolumeBasis> basis,
               VolumeCoefficients cells);

  const VolumeBasis& basis() const { return *basis_; }
  const VolumeCoefficients& cells() const { return cells_; }

  // Replaces points by where their paths are after unit time. Each column's
  // result is bit for bit the same in whatever company. NaN for points that
  // are not finite, and for paths of more than 4096 arcs. Unless `arcs` is
  // null, replaces it by the arcs; those of one point are in order. Returns
  // false, with `points` and `arcs` of no use, where there would be more than
  // kMaxVolumeArcs: of many points in a field that has diverged.
  bool Walk(Eigen::Matrix3Xd* points, std::vector<VolumeArc>* arcs) const;

  // The same for a piece of the points at a time: kVolumeBlock of them, or
  // fewer where their arcs would be too many. Calls visit(begin, ends, arcs)
  // for each, in order; point 0 of `arcs` is column `begin` of `points`.
  using Visit = std::function<void(int64_t begin, const Eigen::Matrix3Xd& ends,
                                   const std::vector<VolumeArc>& arcs)>;
  void WalkAndRecord(const Eigen::Ref<const Eigen::Matrix3Xd>& points,
                     const Visit& visit) const;

  Eigen::Vector3d Velocity(const Eigen::Vector3d& x) const;

  // Barycentric coordinates of a cell under the flow, without the last one.
  struct Frame {
    double rates[3][4];  // R.
    double longest;      // The longest step that the series is exact for.
    double padding[3];
  };
  const Frame& frame(int cell) const { return frames_[cell]; }

 private:
  Frame FrameOf(int cell) const;

  std::shared_ptr<const VolumeBasis> basis_;
  VolumeCoefficients cells_;
  std::vector<Frame> frames_;
  bool finite_;
};

}  // namespace cpab

#endif  // CPAB_VOLUME_VOLUME_PATH_H_
