// From an image in [0, 1] to the input of DINO's vision transformer.
#ifndef NETWORKS_DINO_DINO_INPUT_H_
#define NETWORKS_DINO_DINO_INPUT_H_

#include <torch/types.h>

#include <cstdint>
#include <vector>

namespace networks::dino {

struct PreparationOptions {
  // The shorter side becomes `size` pixels, unless the longer side would then
  // exceed `max_size`: that becomes `max_size` instead.
  int64_t size = 224;
  int64_t max_size = 480;
};

// images [B, 3, H, W], RGB in [0, 1]. Returns [B, 3, H', W'] of the same
// dtype, resized (bilinear, align_corners = false, no antialiasing, as the
// networks of [CPABMM] saw them) and normalised by ImageNet's mean and
// standard deviation. Differentiable.
torch::Tensor Prepare(const torch::Tensor& images,
                      const PreparationOptions& options = {});

// {H', W'} of Prepare for images of this height and width; fractions of a pixel
// are dropped.
std::vector<int64_t> PreparedSize(int64_t height, int64_t width,
                                  const PreparationOptions& options);

}  // namespace networks::dino

#endif  // NETWORKS_DINO_DINO_INPUT_H_
