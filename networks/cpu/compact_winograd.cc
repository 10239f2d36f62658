#include "networks/cpu/compact_winograd.h"

#include <ATen/Parallel.h>
#include <ATen/record_function.h>
#include <torch/types.h>

#include <utility>
#include <vector>

#include "networks/cpu/pixels.h"
#include "networks/cpu/weight_panels.h"
#include "networks/cpu/winograd_job.h"
#include "networks/cpu/winograd_tiles.h"

namespace networks::cpu {
namespace {

// Tiles that use a transformed panel together.
constexpr int64_t kMaxTilesTogether = 96;

// An image with more tiles takes stored weights, which are then 1.1 times as
// fast, and memory for what lies between the stages.
constexpr int64_t kMostTilesOfImage = 64;

// Fewer weights than these stay in the cache when they are transformed.
constexpr int64_t kLeastChannelPairs = 128 * 256;

constexpr int64_t kTilesPerTask = 4;

// Floats between the positions of a transformed panel. A multiple of 4 KB would
// put the stores of all positions into the same cache set.
int64_t PositionStride(int64_t panel_size) { return panel_size + 32; }

}  // namespace

CompactWinograd::CompactWinograd(const Kernels& kernels,
                                 const torch::Tensor& weight)
    : kernels_(kernels),
      in_channels_(weight.size(1)),
      out_channels_(weight.size(0)) {
  Check3x3Weight("CompactWinograd", weight);
  panels_ = PackPanels(weight.permute({1, 2, 3, 0}), /*row_dims=*/3,
                       kernels.panel_width);
}

torch::Tensor CompactWinograd::Apply(const ConvolutionInput& input,
                                     const torch::Tensor& bias,
                                     const torch::Tensor& residual,
                                     torch::Tensor out) const {
  const WinogradJob job("CompactWinograd", input, bias, residual,
                        std::move(out), in_channels_, out_channels_);
  const int64_t tiles = job.grid.size();
  RECORD_USER_SCOPE_WITH_INPUTS(
      input.upsample ? "cpu::CompactWinograd doubling" : "cpu::CompactWinograd",
      std::vector<c10::IValue>(
          {input.image,
           2 * tiles * (input.upsample ? kUpsampledPositions : kTilePositions) *
               in_channels_ * out_channels_}));
  const int64_t strips = (tiles + kMaxTilesTogether - 1) / kMaxTilesTogether;
  for (int64_t i = 0; i < strips; ++i) {
    RunTiles(job, tiles * i / strips, tiles * (i + 1) / strips);
  }
  return job.out;
}

void CompactWinograd::RunTiles(const WinogradJob& job, int64_t begin,
                               int64_t end) const {
  const int64_t tiles = end - begin;
  const int64_t in_stride = TileStride(kernels_, in_channels_);
  const int64_t out_stride = TileStride(kernels_, out_channels_);
  const int64_t panel_size =
      kTilePositions * PositionStride(in_channels_ * kernels_.panel_width);
  // Inputs and products of all threads, then a panel for each.
  float* const scratch =
      WinogradScratch(kTilePositions * tiles * (in_stride + out_stride) +
                      at::get_num_threads() * panel_size);
  const TileBuffer inputs{scratch, tiles * in_stride, in_stride};
  const TileBuffer products{scratch + kTilePositions * inputs.position_stride,
                            tiles * out_stride, out_stride};
  float* const weights =
      products.data + kTilePositions * products.position_stride;
  at::parallel_for(0, tiles, kTilesPerTask, [&](int64_t first, int64_t last) {
    for (int64_t t = first; t < last; ++t) {
      const int64_t b = job.grid.sample_of(begin + t);
      kernels_.transform_input(SampleOf(job.image, b), job.activation(b),
                               job.input.upsample, job.grid.y_of(begin + t),
                               job.grid.x_of(begin + t), t, inputs);
    }
  });
  at::parallel_for(0, panels_.size(0), 1, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      MultiplyPanel(job, i, tiles, inputs,
                    weights + at::get_thread_num() * panel_size, products);
    }
  });
  torch::Tensor out = job.out;
  at::parallel_for(0, tiles, kTilesPerTask, [&](int64_t first, int64_t last) {
    for (int64_t t = first; t < last; ++t) {
      const int64_t b = job.grid.sample_of(begin + t);
      kernels_.transform_output(
          products, job.input.upsample, job.grid.y_of(begin + t),
          job.grid.x_of(begin + t), t, job.bias.data_ptr<float>(),
          job.residual_of(b), MutableSampleOf(out, b));
    }
  });
}

void CompactWinograd::MultiplyPanel(const WinogradJob& job, int64_t panel,
                                    int64_t tiles, const TileBuffer& inputs,
                                    float* weights,
                                    const TileBuffer& products) const {
  const int64_t width = kernels_.panel_width;
  const int64_t position_stride = PositionStride(in_channels_ * width);
  const float* taps = panels_.data_ptr<float>() + panel * panels_.stride(0);
  for (int64_t c = 0; c < in_channels_; ++c) {
    kernels_.transform_weight(taps + c * 9 * width, width, position_stride,
                              /*panel_stride=*/0, weights + c * width);
  }
  for (int64_t p = 0; p < kTilePositions; ++p) {
    if (job.input.upsample && IsZeroAfterUpsampling(p)) continue;
    kernels_.multiply(
        inputs.data + p * inputs.position_stride, inputs.tile_stride,
        weights + p * position_stride,
        products.data + p * products.position_stride + panel * width,
        products.tile_stride, tiles, in_channels_);
  }
}

bool CompactWinograd::Worthwhile(int64_t in_channels, int64_t out_channels,
                                 int64_t height, int64_t width) {
  return in_channels * out_channels >= kLeastChannelPairs &&
         TileGrid(1, height, width).size() <= kMostTilesOfImage;
}

}  // namespace networks::cpu
