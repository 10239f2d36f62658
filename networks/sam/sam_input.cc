#include "networks/sam/sam_input.h"

#include <torch/nn/functional.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "networks/copy_ahead.h"

namespace networks::sam {

using torch::Tensor;

namespace {

namespace F = torch::nn::functional;

Tensor Resize(const Tensor& maps, int64_t height, int64_t width,
              bool antialias) {
  if (maps.size(2) == height && maps.size(3) == width) return maps;
  return F::interpolate(maps, F::InterpolateFuncOptions()
                                  .size(std::vector<int64_t>{height, width})
                                  .mode(torch::kBilinear)
                                  .align_corners(false)
                                  .antialias(antialias));
}

Tensor PerChannel(const std::vector<double>& values, const Tensor& like) {
  return NumbersAhead(values, like).view({1, 3, 1, 1});
}

}  // namespace

Placement PlacementOf(int64_t height, int64_t width, int64_t size) {
  TORCH_CHECK(height > 0 && width > 0, "SAM takes images of at least a pixel");
  const double scale =
      static_cast<double>(size) / static_cast<double>(std::max(height, width));
  const auto placed = [&](int64_t length) {
    const double scaled = std::floor(static_cast<double>(length) * scale + 0.5);
    return std::max<int64_t>(1, static_cast<int64_t>(scaled));
  };
  return {height, width, placed(height), placed(width), size};
}

Tensor Prepare(const Tensor& images, int64_t size) {
  TORCH_CHECK(images.dim() == 4 && images.size(1) == 3,
              "SAM takes images [B, 3, H, W], got ", images.sizes());
  const Placement placement = PlacementOf(images.size(2), images.size(3), size);
  const Tensor resized = Resize(images, placement.placed_height,
                                placement.placed_width, /*antialias=*/true);
  const Tensor normalised =
      (resized -
       PerChannel({123.675 / 255, 116.28 / 255, 103.53 / 255}, images)) /
      PerChannel({58.395 / 255, 57.12 / 255, 57.375 / 255}, images);
  return torch::constant_pad_nd(
      normalised,
      {0, size - placement.placed_width, 0, size - placement.placed_height});
}

Tensor PlacePoints(const Tensor& points, const Placement& placement) {
  // Pixel areas, not pixel centres, map onto each other.
  const Tensor scale =
      NumbersAhead({static_cast<double>(placement.placed_width) /
                        static_cast<double>(placement.width),
                    static_cast<double>(placement.placed_height) /
                        static_cast<double>(placement.height)},
                   points);
  return (points + 0.5) * scale - 0.5;
}

// Up to the square, without the padding, back to the image: the steps of
// Prepare in reverse.
Tensor MasksOverImage(const Tensor& logits, const Placement& placement) {
  const Tensor square =
      Resize(logits, placement.size, placement.size, /*antialias=*/false);
  return Resize(square.slice(2, 0, placement.placed_height)
                    .slice(3, 0, placement.placed_width),
                placement.height, placement.width, /*antialias=*/false);
}

}  // namespace networks::sam
