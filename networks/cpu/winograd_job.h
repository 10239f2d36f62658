// What a convolution by Winograd's method does in either precision: shapes, and
// the strips of tiles that threads work on.
#ifndef NETWORKS_CPU_WINOGRAD_JOB_H_
#define NETWORKS_CPU_WINOGRAD_JOB_H_

#include <ATen/Parallel.h>
#include <torch/types.h>

#include <algorithm>
#include <cstdint>

#include "networks/cpu/convolution_input.h"
#include "networks/cpu/kernels.h"
#include "networks/cpu/winograd_tiles.h"

namespace networks::cpu {

// One call of Apply.
struct WinogradJob {
  // TORCH_CHECK: the image has in_channels; the message names `who`.
  WinogradJob(const char* who, const ConvolutionInput& input,
              const torch::Tensor& bias, const torch::Tensor& residual,
              torch::Tensor out_image, int64_t in_channels,
              int64_t out_channels);

  const ConvolutionInput& input;
  torch::Tensor image;
  torch::Tensor bias;
  torch::Tensor residual;
  torch::Tensor out;
  TileGrid grid;

  ChannelAffineRelu activation(int64_t sample) const;
  ConstPixels residual_of(int64_t sample) const;  // no pixels if there is none

  // Calls body(begin, end) for strips of tiles, in parallel.
  template <typename Body>
  void ForEachStrip(const Body& body) const;
};

// Floats that this thread keeps for its life, in which nothing is kept: taking
// megabytes from the system and giving them back at every convolution would
// cost page faults.
float* WinogradScratch(int64_t size);

// --- Implementation --------------------------------------------------------

template <typename Body>
void WinogradJob::ForEachStrip(const Body& body) const {
  // Tiles that go through the three stages together. More tiles read the
  // weights less often; fewer keep what lies between the stages in the cache.
  constexpr int64_t kMaxTilesPerStrip = 96;
  const int64_t tiles = grid.size();
  const int64_t threads = at::get_num_threads();
  // As many strips as the threads can share evenly.
  const int64_t rounds =
      (tiles + kMaxTilesPerStrip * threads - 1) / (kMaxTilesPerStrip * threads);
  const int64_t strips = std::min(rounds * threads, tiles);
  at::parallel_for(0, strips, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      body(tiles * i / strips, tiles * (i + 1) / strips);
    }
  });
}

}  // namespace networks::cpu

#endif  // NETWORKS_CPU_WINOGRAD_JOB_H_
