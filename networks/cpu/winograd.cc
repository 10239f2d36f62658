#include "networks/cpu/winograd.h"

#include <ATen/Parallel.h>
#include <ATen/record_function.h>
#include <torch/types.h>

#include <utility>
#include <vector>

#include "networks/cpu/huge_pages.h"
#include "networks/cpu/pixels.h"
#include "networks/cpu/weight_panels.h"
#include "networks/cpu/winograd_job.h"
#include "networks/cpu/winograd_tiles.h"

namespace networks::cpu {
namespace {

// The fewest tiles for which Winograd's method pays.
constexpr int64_t kLeastTiles = 16;

}  // namespace

Winograd::Winograd(const Kernels& kernels, const torch::Tensor& weight)
    : kernels_(kernels),
      in_channels_(weight.size(1)),
      out_channels_(weight.size(0)) {
  Check3x3Weight("Winograd", weight);
  const int64_t width = kernels.panel_width;
  const int64_t num_panels = (out_channels_ + width - 1) / width;
  const torch::Tensor source = weight.detach();
  panels_ = EmptyInHugePages({kTilePositions, num_panels, in_channels_, width},
                             torch::kFloat32);
  at::parallel_for(0, in_channels_, 16, [&](int64_t begin, int64_t end) {
    std::vector<float> taps(9 * out_channels_);
    for (int64_t c = begin; c < end; ++c) {
      CopyTaps(source, c, taps.data());
      kernels_.transform_weight(taps.data(), out_channels_, panels_.stride(0),
                                panels_.stride(1),
                                panels_.data_ptr<float>() + c * width);
    }
  });
}

torch::Tensor Winograd::Apply(const ConvolutionInput& input,
                              const torch::Tensor& bias,
                              const torch::Tensor& residual,
                              torch::Tensor out) const {
  const WinogradJob job("Winograd", input, bias, residual, std::move(out),
                        in_channels_, out_channels_);
  RECORD_USER_SCOPE_WITH_INPUTS(
      input.upsample ? "cpu::Winograd doubling" : "cpu::Winograd",
      std::vector<c10::IValue>(
          {input.image,
           2 * job.grid.size() *
               (input.upsample ? kUpsampledPositions : kTilePositions) *
               in_channels_ * out_channels_}));
  job.ForEachStrip(
      [&](int64_t begin, int64_t end) { RunStrip(job, begin, end); });
  return job.out;
}

void Winograd::RunStrip(const WinogradJob& job, int64_t begin,
                        int64_t end) const {
  const int64_t tiles = end - begin;
  const int64_t panel_width = kernels_.panel_width;
  const int64_t num_panels = panels_.size(1);
  const int64_t in_stride = TileStride(kernels_, in_channels_);
  const int64_t out_stride = TileStride(kernels_, out_channels_);
  float* scratch =
      WinogradScratch(kTilePositions * tiles * (in_stride + out_stride));
  const TileBuffer inputs{scratch, tiles * in_stride, in_stride};
  const TileBuffer products{scratch + kTilePositions * tiles * in_stride,
                            tiles * out_stride, out_stride};
  const bool upsample = job.input.upsample;

  for (int64_t t = begin; t < end; ++t) {
    const int64_t b = job.grid.sample_of(t);
    kernels_.transform_input(SampleOf(job.image, b), job.activation(b),
                             upsample, job.grid.y_of(t), job.grid.x_of(t),
                             t - begin, inputs);
  }
  const float* panel = panels_.data_ptr<float>();
  const int64_t panel_size = in_channels_ * panel_width;
  for (int64_t p = 0; p < kTilePositions; ++p) {
    const bool zero = upsample && IsZeroAfterUpsampling(p);
    for (int64_t i = 0; i < num_panels; ++i, panel += panel_size) {
      if (zero) continue;
      kernels_.multiply(
          inputs.data + p * inputs.position_stride, in_stride, panel,
          products.data + p * products.position_stride + i * panel_width,
          out_stride, tiles, in_channels_);
    }
  }
  torch::Tensor out = job.out;
  for (int64_t t = begin; t < end; ++t) {
    const int64_t b = job.grid.sample_of(t);
    kernels_.transform_output(products, upsample, job.grid.y_of(t),
                              job.grid.x_of(t), t - begin,
                              job.bias.data_ptr<float>(), job.residual_of(b),
                              MutableSampleOf(out, b));
  }
}

bool Winograd::Worthwhile(int64_t height, int64_t width) {
  return WorthwhileTogether(/*batch=*/1, height, width);
}

bool Winograd::WorthwhileTogether(int64_t batch, int64_t height,
                                  int64_t width) {
  // Below a tile's size most of the products are of padding.
  return height >= kTileOutputs && width >= kTileOutputs &&
         batch * height * width >= kLeastTiles * kTileOutputs * kTileOutputs;
}

}  // namespace networks::cpu
