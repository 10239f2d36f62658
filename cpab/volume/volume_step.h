// One arc of one path, in one piece of space: inside a tetrahedron, or in a
// part of the space around the cube, with the ends of first_crossing.h. The
// packs of volume_path.h leave to it what they do not solve.
//
// Private to //cpab/volume.
#ifndef CPAB_VOLUME_VOLUME_STEP_H_
#define CPAB_VOLUME_VOLUME_STEP_H_

#include <cstdint>
#include <limits>

#include "Eigen/Core"
#include "cpab/volume/volume_arc.h"
#include "cpab/volume/volume_basis.h"

namespace cpab {

// A path leaves a piece when it is this far outside, relative to the size of
// its coordinates, so that rounding does not throw it to and fro.
inline constexpr double kVolumeOverlap =
    64 * std::numeric_limits<double>::epsilon();

// A path on its way.
struct VolumeState {
  int64_t point;
  int cell;  // -1: not known, the point is outside or new.
  double time_left;
  Eigen::Vector3d x;
  double coordinates[3];  // Barycentric, in the cell, without the last.
};

// Puts a state whose x has changed into its cell.
void Locate(const VolumeBasis& basis, VolumeState* state);

// Puts a state that goes through a face of its cell, where its coordinates are
// `now`, into the cell on the other side, if there is one. The face's own
// coordinate, which is kVolumeOverlap below 0, begins at 0 there. The others
// are scaled to add up to 1 again: where the last coordinate is that of the
// face, it is what they leave, and would else begin below 0.
inline void CrossFace(const VolumeBasis& basis, int face,
                      const double (&now)[4], VolumeState* state) {
  const VolumeBasis::Neighbour& next = basis.neighbour(state->cell, face);
  state->cell = next.cell;
  if (next.cell < 0) return;
  const double scale = 1 + now[face];
  double there[4];
  for (int n = 0; n < 4; ++n) {
    there[next.place[n]] = n == face ? 0 : scale * now[n];
  }
  for (int a = 0; a < 3; ++a) state->coordinates[a] = there[a];
}

// Takes the next arc of a path with time left, anywhere, and returns it.
VolumeArc StepAlone(const VolumeBasis& basis, const VolumeCoefficients& cells,
                    VolumeState* state);

}  // namespace cpab

#endif  // CPAB_VOLUME_VOLUME_STEP_H_
