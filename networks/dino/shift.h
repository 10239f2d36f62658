// Images moved by some pixels before a vision transformer sees them.
//
// A transformer cuts every image at the same places into patches, so a loss on
// its features cannot see what a decoder paints along these cuts. Shifts of up
// to half a patch, drawn anew at each step, move the cuts to all places.
#ifndef NETWORKS_DINO_SHIFT_H_
#define NETWORKS_DINO_SHIFT_H_

#include <ATen/core/Generator.h>
#include <torch/types.h>

#include <cstdint>

namespace networks::dino {

// Shifts of `count` images, [count, 2] int64 on the CPU: (x, y) in whole
// pixels, each from -most to most with the same probability.
torch::Tensor RandomShifts(int64_t count, int64_t most,
                           at::Generator generator);

// images [B, C, H, W], shifts [B, 2] as above. Returns the images, of the same
// size, moved to the right by x and down by y; where nothing came from, the
// border's pixels are repeated. Differentiable in the images.
torch::Tensor Shift(const torch::Tensor& images, const torch::Tensor& shifts);

}  // namespace networks::dino

#endif  // NETWORKS_DINO_SHIFT_H_
