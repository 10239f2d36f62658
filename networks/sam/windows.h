// A map cut into square windows, and put together again.
#ifndef NETWORKS_SAM_WINDOWS_H_
#define NETWORKS_SAM_WINDOWS_H_

#include <torch/types.h>

#include <cstdint>

namespace networks::sam {

// [B, H, W, C] -> [B * windows, size, size, C], row by row; the map is first
// extended by zeros below and to the right to a multiple of `size`.
torch::Tensor SplitIntoWindows(const torch::Tensor& map, int64_t size);

// The inverse: windows of a map of H x W -> [B, H, W, C].
torch::Tensor JoinWindows(const torch::Tensor& windows, int64_t height,
                          int64_t width);

}  // namespace networks::sam

#endif  // NETWORKS_SAM_WINDOWS_H_
