// How the 4x4 tiles of Winograd's method cover images, and how their buffers
// lie in memory.
#ifndef NETWORKS_CPU_WINOGRAD_TILES_H_
#define NETWORKS_CPU_WINOGRAD_TILES_H_

#include <cstdint>

#include "networks/cpu/kernels.h"

namespace networks::cpu {

inline int64_t RoundUp(int64_t n, int64_t multiple) {
  return (n + multiple - 1) / multiple * multiple;
}

// After up-sampling by repetition, positions in row or column 2 of a tile are
// zero (networks/cpu/winograd.h), and so many are not.
inline bool IsZeroAfterUpsampling(int64_t position) {
  return position / kTileInputs == 2 || position % kTileInputs == 2;
}
constexpr int64_t kUpsampledPositions = (kTileInputs - 1) * (kTileInputs - 1);

// Floats between the rows of a TileBuffer, one row a tile. Rows a power of two
// apart would compete for the same cache sets.
inline int64_t TileStride(const Kernels& kernels, int64_t channels) {
  constexpr int64_t kRowPadding = 16;
  return RoundUp(channels, kernels.panel_width) + kRowPadding;
}

// The tiles of a batch of images, sample by sample and row by row.
struct TileGrid {
  int64_t batch, per_column, per_row;

  TileGrid(int64_t batch, int64_t height, int64_t width)
      : batch(batch),
        per_column((height + kTileOutputs - 1) / kTileOutputs),
        per_row((width + kTileOutputs - 1) / kTileOutputs) {}

  int64_t size() const { return batch * per_column * per_row; }
  int64_t sample_of(int64_t tile) const { return tile / per_row / per_column; }
  int64_t y_of(int64_t tile) const { return tile / per_row % per_column; }
  int64_t x_of(int64_t tile) const { return tile % per_row; }
};

}  // namespace networks::cpu

#endif  // NETWORKS_CPU_WINOGRAD_TILES_H_
