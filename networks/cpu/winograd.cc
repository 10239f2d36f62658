#include "networks/cpu/winograd.h"

#include <ATen/Parallel.h>
#include <ATen/record_function.h>
#include <torch/torch.h>

#include <algorithm>
#include <vector>

#include "networks/cpu/winograd_tiles.h"

namespace networks::cpu {
namespace {

// Tiles that go through the three stages together. More tiles read the weights
// less often; fewer keep what lies between the stages in the cache.
constexpr int64_t kMaxTilesPerStrip = 96;

// Of this thread, kept for its life: taking megabytes from the system and
// giving them back at every convolution would cost page faults.
float* Scratch(size_t size) {
  thread_local std::vector<float> buffer;
  if (buffer.size() < size) buffer.resize(size);
  return buffer.data();
}

// Those that are not zero after up-sampling.
constexpr int64_t kUpsampledPositions = 25;

// The fewest tiles for which Winograd's method pays.
constexpr int64_t kLeastTiles = 16;

}  // namespace

// One call of Apply.
struct Winograd::Job {
  const ConvolutionInput& input;
  torch::Tensor image;
  torch::Tensor bias;
  torch::Tensor residual;
  torch::Tensor out;
  TileGrid grid;

  ChannelAffineRelu activation(int64_t b) const {
    const ChannelAffine& affine = input.activation;
    if (!affine.scale.defined()) return {};
    const int64_t offset = b * image.size(1);
    return {affine.scale.data_ptr<float>() + offset,
            affine.shift.data_ptr<float>() + offset};
  }
};

Winograd::Winograd(const Kernels& kernels, const torch::Tensor& weight)
    : kernels_(kernels),
      in_channels_(weight.size(1)),
      out_channels_(weight.size(0)) {
  TORCH_CHECK(weight.dim() == 4 && weight.size(2) == 3 && weight.size(3) == 3,
              "Winograd: weight must be [C', C, 3, 3], is ", weight.sizes());
  const int64_t width = kernels.panel_width;
  const int64_t num_panels = (out_channels_ + width - 1) / width;
  const torch::Tensor taps =
      weight.detach().permute({1, 2, 3, 0}).contiguous();  // [C, 3, 3, C']
  panels_ = torch::empty({kTilePositions, num_panels, in_channels_, width},
                         torch::kFloat32);
  at::parallel_for(0, in_channels_, 16, [&](int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; ++c) {
      kernels_.transform_weight(taps.data_ptr<float>() + c * 9 * out_channels_,
                                out_channels_, panels_.stride(0),
                                panels_.stride(1),
                                panels_.data_ptr<float>() + c * width);
    }
  });
}

torch::Tensor Winograd::Apply(const ConvolutionInput& input,
                              const torch::Tensor& bias,
                              const torch::Tensor& residual) const {
  TORCH_CHECK(input.image.dim() == 4 && input.image.size(1) == in_channels_,
              "Winograd: image must be [B, ", in_channels_, ", H, W], is ",
              input.image.sizes());
  const int64_t zoom = input.upsample ? 2 : 1;
  const int64_t batch = input.image.size(0);
  const int64_t height = input.image.size(2) * zoom;
  const int64_t width = input.image.size(3) * zoom;
  Job job{input,
          WithChannelsLast(input.image),
          bias.contiguous(),
          residual.defined() ? WithChannelsLast(residual) : residual,
          EmptyChannelsLast(batch, out_channels_, height, width),
          TileGrid(batch, height, width)};
  const int64_t tiles = job.grid.size();
  RECORD_USER_SCOPE_WITH_INPUTS(
      input.upsample ? "cpu::Winograd doubling" : "cpu::Winograd",
      std::vector<c10::IValue>(
          {input.image,
           2 * tiles * (input.upsample ? kUpsampledPositions : kTilePositions) *
               in_channels_ * out_channels_}));
  const int64_t threads = at::get_num_threads();
  // As many strips as the threads can share evenly.
  const int64_t rounds =
      (tiles + kMaxTilesPerStrip * threads - 1) / (kMaxTilesPerStrip * threads);
  const int64_t strips = std::min(rounds * threads, tiles);
  at::parallel_for(0, strips, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      RunStrip(job, tiles * i / strips, tiles * (i + 1) / strips);
    }
  });
  return job.out;
}

void Winograd::RunStrip(const Job& job, int64_t begin, int64_t end) const {
  const int64_t tiles = end - begin;
  const int64_t panel_width = kernels_.panel_width;
  const int64_t num_panels = panels_.size(1);
  const int64_t in_stride = TileStride(kernels_, in_channels_);
  const int64_t out_stride = TileStride(kernels_, out_channels_);
  float* scratch = Scratch(kTilePositions * tiles * (in_stride + out_stride));
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
    const bool zero =
        upsample && (p / kTileInputs == 2 || p % kTileInputs == 2);
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
    const ConstPixels residual =
        job.residual.defined() ? SampleOf(job.residual, b) : ConstPixels{};
    kernels_.transform_output(
        products, upsample, job.grid.y_of(t), job.grid.x_of(t), t - begin,
        job.bias.data_ptr<float>(), residual, MutableSampleOf(out, b));
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
