// Tested by differentiable_convolution_test.cc.
#include "networks/cpu/winograd_gradient.h"

#include <ATen/Parallel.h>
#include <torch/types.h>

#include "networks/cpu/pixels.h"
#include "networks/cpu/winograd_tiles.h"

namespace networks::cpu {
namespace {

// The sums of all positions are read and written once a strip, so that strips
// are longer than in winograd.cc.
constexpr int64_t kMaxTilesPerStrip = 128;
constexpr int64_t kTilesPerTask = 8;

// [36, tiles, channels] of the transformed domain, rows padded.
struct Transformed {
  torch::Tensor memory;

  Transformed(const Kernels& kernels, int64_t tiles, int64_t channels)
      : memory(torch::empty(
            {kTilePositions, tiles, TileStride(kernels, channels)})) {}

  TileBuffer view() {
    return {memory.data_ptr<float>(), memory.stride(0), memory.stride(1)};
  }
};

}  // namespace

torch::Tensor WinogradWeightGradient(const Kernels& kernels,
                                     const torch::Tensor& image,
                                     const torch::Tensor& of_output) {
  const torch::Tensor in = WithChannelsLast(image);
  const torch::Tensor out = WithChannelsLast(of_output);
  const int64_t in_channels = in.size(1), out_channels = out.size(1);
  TORCH_CHECK(in.size(0) == out.size(0) && in.size(2) == out.size(2) &&
                  in.size(3) == out.size(3),
              "WinogradWeightGradient: image is ", in.sizes(),
              ", the output's gradient ", out.sizes());
  const TileGrid grid(in.size(0), in.size(2), in.size(3));
  const int64_t tiles = grid.size();
  const int64_t strips = (tiles + kMaxTilesPerStrip - 1) / kMaxTilesPerStrip;
  const int64_t longest = (tiles + strips - 1) / strips;
  const int64_t panel_width = kernels.panel_width;
  Transformed inputs(kernels, longest, in_channels);
  Transformed gradients(kernels, longest, out_channels);
  const int64_t row = RoundUp(out_channels, panel_width);
  const torch::Tensor sums =
      torch::zeros({kTilePositions, in_channels, row});  // [36, C, C']

  for (int64_t strip = 0; strip < strips; ++strip) {
    const int64_t first = tiles * strip / strips;
    const int64_t count = tiles * (strip + 1) / strips - first;
    at::parallel_for(0, count, kTilesPerTask, [&](int64_t begin, int64_t end) {
      for (int64_t t = begin; t < end; ++t) {
        const int64_t b = grid.sample_of(first + t);
        const int64_t y = grid.y_of(first + t), x = grid.x_of(first + t);
        kernels.transform_input(SampleOf(in, b), {}, /*upsample=*/false, y, x,
                                t, inputs.view());
        kernels.transform_output_gradient(SampleOf(out, b), y, x, t,
                                          gradients.view());
      }
    });
    at::parallel_for(0, kTilePositions, 1, [&](int64_t begin, int64_t end) {
      const TileBuffer a = inputs.view(), b = gradients.view();
      for (int64_t p = begin; p < end; ++p) {
        for (int64_t j = 0; j < row; j += panel_width) {
          kernels.add_transposed_product(
              a.data + p * a.position_stride, a.tile_stride,
              b.data + p * b.position_stride + j, b.tile_stride,
              sums.data_ptr<float>() + p * sums.stride(0) + j, row, in_channels,
              count);
        }
      }
    });
  }

  const torch::Tensor taps =
      torch::empty({in_channels, 3, 3, out_channels}, torch::kFloat32);
  at::parallel_for(0, in_channels, 16, [&](int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; ++c) {
      kernels.transform_weight_gradient(
          sums.data_ptr<float>() + c * row, sums.stride(0), out_channels,
          taps.data_ptr<float>() + c * 9 * out_channels);
    }
  });
  return taps.permute({3, 0, 1, 2}).contiguous();
}

}  // namespace networks::cpu
