#include "networks/cpu/bfloat16_winograd.h"

#include <ATen/Parallel.h>
#include <ATen/record_function.h>
#include <torch/types.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "networks/cpu/huge_pages.h"
#include "networks/cpu/pixels.h"
#include "networks/cpu/weight_panels.h"
#include "networks/cpu/winograd_job.h"
#include "networks/cpu/winograd_tiles.h"
#include "third_party/libtorch/autocast_state.h"

namespace networks::cpu {
namespace {

// Of rows of transformed tiles beyond whole panels: rows a power of two apart
// would compete for the same cache sets.
constexpr int64_t kRowPadding = 32;

Bfloat16Bits* BitsOf(const torch::Tensor& x) {
  return static_cast<Bfloat16Bits*>(x.data_ptr());
}

}  // namespace

bool AvailableInBfloat16(const torch::Tensor& x) {
  return AvailableInFloat32(x) && BestBfloat16Kernels() != nullptr &&
         libtorch::IsAutocastOn(c10::kCPU) &&
         libtorch::AutocastDtype(c10::kCPU) == torch::kBFloat16;
}

Bfloat16Winograd::Bfloat16Winograd(const Bfloat16Kernels& kernels,
                                   const torch::Tensor& weight)
    : kernels_(kernels),
      in_channels_(weight.size(1)),
      out_channels_(weight.size(0)),
      depth_(RoundUp(weight.size(1), 2)) {
  Check3x3Weight("Bfloat16Winograd", weight);
  const int64_t width = kernels.panel_width;
  const int64_t num_panels = (out_channels_ + width - 1) / width;
  const torch::Tensor source = weight.detach();
  panels_ = EmptyInHugePages({kTilePositions, num_panels, depth_ * width},
                             torch::kBFloat16);
  at::parallel_for(0, depth_ / 2, 16, [&](int64_t begin, int64_t end) {
    std::vector<float> even(9 * out_channels_), odd(9 * out_channels_);
    for (int64_t pair = begin; pair < end; ++pair) {
      CopyTaps(source, 2 * pair, even.data());
      if (2 * pair + 1 < in_channels_) {
        CopyTaps(source, 2 * pair + 1, odd.data());
      } else {
        std::fill(odd.begin(), odd.end(), 0.0f);
      }
      kernels_.transform_weights(even.data(), odd.data(), out_channels_,
                                 panels_.stride(0), panels_.stride(1),
                                 BitsOf(panels_) + pair * 2 * width);
    }
  });
}

torch::Tensor Bfloat16Winograd::Apply(const ConvolutionInput& input,
                                      const torch::Tensor& bias,
                                      const torch::Tensor& residual,
                                      torch::Tensor out) const {
  const WinogradJob job("Bfloat16Winograd", input, bias, residual,
                        std::move(out), in_channels_, out_channels_);
  RECORD_USER_SCOPE_WITH_INPUTS(
      input.upsample ? "cpu::Bfloat16Winograd doubling"
                     : "cpu::Bfloat16Winograd",
      std::vector<c10::IValue>(
          {input.image, 2 * job.grid.size() * kTilePositions * in_channels_ *
                            out_channels_}));
  job.ForEachStrip(
      [&](int64_t begin, int64_t end) { RunStrip(job, begin, end); });
  return job.out;
}

void Bfloat16Winograd::RunStrip(const WinogradJob& job, int64_t begin,
                                int64_t end) const {
  const int64_t tiles = end - begin;
  const int64_t width = kernels_.panel_width;
  const int64_t in_stride = RoundUp(in_channels_, width) + kRowPadding;
  const int64_t out_stride = RoundUp(out_channels_, width) + kRowPadding;
  const int64_t in_position = tiles * in_stride;
  float* const scratch =
      WinogradScratch(kTilePositions * tiles * (in_stride / 2 + out_stride));
  const TileBuffer products{scratch, tiles * out_stride, out_stride};
  Bfloat16Bits* const inputs = reinterpret_cast<Bfloat16Bits*>(
      scratch + kTilePositions * products.position_stride);
  for (int64_t t = begin; t < end; ++t) {
    const int64_t b = job.grid.sample_of(t);
    kernels_.transform_input(SampleOf(job.image, b), job.activation(b),
                             job.input.upsample, job.grid.y_of(t),
                             job.grid.x_of(t), inputs + (t - begin) * in_stride,
                             in_position);
  }
  const Bfloat16Bits* panel = BitsOf(panels_);
  for (int64_t p = 0; p < kTilePositions; ++p) {
    for (int64_t i = 0; i < panels_.size(1); ++i, panel += panels_.size(2)) {
      kernels_.multiply(
          inputs + p * in_position, in_stride, panel,
          products.data + p * products.position_stride + i * width, out_stride,
          tiles, depth_);
    }
  }
  torch::Tensor out = job.out;
  for (int64_t t = begin; t < end; ++t) {
    const int64_t b = job.grid.sample_of(t);
    kernels_.transform_output(products, job.input.upsample, job.grid.y_of(t),
                              job.grid.x_of(t), t - begin,
                              job.bias.data_ptr<float>(), job.residual_of(b),
                              MutableSampleOf(out, b));
  }
}

}  // namespace networks::cpu
