#include "networks/sam/windows.h"

#include <torch/types.h>

namespace networks::sam {

using torch::Tensor;

namespace {

int64_t CountOf(int64_t length, int64_t size) {
  return (length + size - 1) / size;
}

}  // namespace

Tensor SplitIntoWindows(const Tensor& map, int64_t size) {
  const int64_t rows = CountOf(map.size(1), size);
  const int64_t columns = CountOf(map.size(2), size);
  const Tensor padded = torch::constant_pad_nd(
      map,
      {0, 0, 0, columns * size - map.size(2), 0, rows * size - map.size(1)});
  return padded.view({map.size(0), rows, size, columns, size, map.size(3)})
      .transpose(2, 3)  // [B, rows, columns, size, size, C]
      .flatten(0, 2);
}

Tensor JoinWindows(const Tensor& windows, int64_t height, int64_t width) {
  const int64_t size = windows.size(1);
  const int64_t rows = CountOf(height, size);
  const int64_t columns = CountOf(width, size);
  return windows.view({-1, rows, columns, size, size, windows.size(3)})
      .transpose(2, 3)  // [B, rows, size, columns, size, C]
      .flatten(3, 4)
      .flatten(1, 2)
      .slice(1, 0, height)
      .slice(2, 0, width);
}

}  // namespace networks::sam
