#include "networks/dino/dino_input.h"

#include <torch/nn/functional.h>
#include <torch/types.h>

#include <algorithm>
#include <vector>

#include "networks/copy_ahead.h"

namespace networks::dino {

using torch::Tensor;

namespace {

Tensor PerChannel(const std::vector<double>& values, const Tensor& like) {
  return NumbersAhead(values, like).view({1, 3, 1, 1});
}

}  // namespace

std::vector<int64_t> PreparedSize(int64_t height, int64_t width,
                                  const PreparationOptions& options) {
  const auto [shorter, longer] = std::minmax(height, width);
  int64_t new_shorter = options.size;
  int64_t new_longer = options.size * longer / shorter;
  if (new_longer > options.max_size) {
    new_shorter = options.max_size * new_shorter / new_longer;
    new_longer = options.max_size;
  }
  return height <= width ? std::vector<int64_t>{new_shorter, new_longer}
                         : std::vector<int64_t>{new_longer, new_shorter};
}

Tensor Prepare(const Tensor& images, const PreparationOptions& options) {
  TORCH_CHECK(images.dim() == 4 && images.size(1) == 3 && images.numel() > 0,
              "DINO takes images [B, 3, H, W], got ", images.sizes());
  const std::vector<int64_t> size =
      PreparedSize(images.size(2), images.size(3), options);
  namespace F = torch::nn::functional;
  const Tensor resized =
      images.sizes().slice(2).equals(size)
          ? images
          : F::interpolate(images, F::InterpolateFuncOptions()
                                       .size(size)
                                       .mode(torch::kBilinear)
                                       .align_corners(false));
  return (resized - PerChannel({0.485, 0.456, 0.406}, images)) /
         PerChannel({0.229, 0.224, 0.225}, images);
}

}  // namespace networks::dino
