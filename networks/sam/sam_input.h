// From an image in [0, 1] to the input of SAM's image encoder, and the way of
// points there and of masks back.
//
// The image is enlarged or reduced so that its longer side fills the square,
// in the upper left corner of which it then lies; the rest is zero.
#ifndef NETWORKS_SAM_SAM_INPUT_H_
#define NETWORKS_SAM_SAM_INPUT_H_

#include <torch/types.h>

#include <cstdint>

namespace networks::sam {

// How an image of height x width pixels lies in the square of `size`.
struct Placement {
  int64_t height, width;                // of the image
  int64_t placed_height, placed_width;  // in the square
  int64_t size;                         // of the square
};

Placement PlacementOf(int64_t height, int64_t width, int64_t size);

// images [B, 3, H, W], RGB in [0, 1]. Returns [B, 3, size, size], resized
// (bilinear, antialiased, align_corners = false), normalised by the mean and
// standard deviation of SAM's training and padded.
torch::Tensor Prepare(const torch::Tensor& images, int64_t size);

// points [.., 2], (x, y) in pixels of the image, 0 the centre of the first
// one. Returns them in pixels of the square, likewise. Differentiable.
torch::Tensor PlacePoints(const torch::Tensor& points,
                          const Placement& placement);

// logits [P, M, h, w] over the square -> [P, M, H, W] over the image.
torch::Tensor MasksOverImage(const torch::Tensor& logits,
                             const Placement& placement);

}  // namespace networks::sam

#endif  // NETWORKS_SAM_SAM_INPUT_H_
