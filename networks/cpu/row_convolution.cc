#include "networks/cpu/row_convolution.h"

#include <ATen/Parallel.h>
#include <ATen/record_function.h>
#include <torch/torch.h>

#include <algorithm>
#include <cstring>

#include "networks/cpu/pixels.h"
#include "networks/cpu/weight_panels.h"

namespace networks::cpu {
namespace {

// Pixels of one task of the product: their inputs stay in the second-level
// cache while a panel of weights passes.
constexpr int64_t kPixelsPerTask = 240;

// Pixels of the samples that go through the stages together: small images share
// the reading of the weights, large ones stay in the cache.
constexpr int64_t kPixelsPerGroup = 2 * kPixelsPerTask;

// Samples begin .. begin + count - 1 as [count H, W + k - 1, C], with
// (k - 1) / 2 zero pixels at either end of a row, doubled in size if
// `upsample`; and k - 1 zero pixels at the very end, which the last products
// read.
torch::Tensor PadRows(const torch::Tensor& image, int64_t begin, int64_t count,
                      bool upsample, int64_t kernel_size) {
  const int64_t zoom = upsample ? 2 : 1;
  const int64_t height = image.size(2) * zoom, width = image.size(3) * zoom;
  const int64_t channels = image.size(1);
  const int64_t row = (width + kernel_size - 1) * channels;
  const int64_t margin = (kernel_size - 1) / 2 * channels;
  torch::Tensor padded =
      torch::empty({count * height * row + 2 * margin}, torch::kFloat32);
  float* const data = padded.data_ptr<float>();
  const auto zero = [](float* to, int64_t n) {
    std::memset(to, 0, n * sizeof(float));
  };
  at::parallel_for(0, count * height, 8, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      const ConstPixels pixels = SampleOf(image, begin + i / height);
      const int64_t y = i % height / zoom;
      float* to = data + i * row;
      zero(to, margin);
      for (int64_t x = 0; x < width; ++x) {
        std::memcpy(to + margin + x * channels, pixels.pixel(y, x / zoom),
                    channels * sizeof(float));
      }
      zero(to + row - margin, margin);
    }
  });
  zero(data + count * height * row, 2 * margin);
  return padded;
}

// to[i] += from[i].
void Add(const float* __restrict from, int64_t n, float* __restrict to) {
  for (int64_t i = 0; i < n; ++i) to[i] += from[i];
}

}  // namespace

RowConvolution::RowConvolution(const Kernels& kernels,
                               const torch::Tensor& weight)
    : kernels_(kernels),
      in_channels_(weight.size(1)),
      out_channels_(weight.size(0)),
      kernel_size_(weight.size(2)) {
  CheckSquareWeight("RowConvolution", weight);
  // From [C', C, dy, dx] to [(dx, C), (dy, C')].
  panels_ = PackPanels(weight.detach()
                           .permute({3, 1, 2, 0})
                           .reshape({kernel_size_ * in_channels_, -1}),
                       kernels.panel_width);
}

void RowConvolution::ComputeShares(const torch::Tensor& padded,
                                   torch::Tensor& shares) const {
  const int64_t pixels = shares.size(0), stride = shares.size(1);
  const int64_t depth = kernel_size_ * in_channels_;
  const int64_t blocks = (pixels + kPixelsPerTask - 1) / kPixelsPerTask;
  const int64_t num_panels = panels_.size(0);
  at::parallel_for(0, blocks * num_panels, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t first = i / num_panels * kPixelsPerTask;
      const int64_t panel = i % num_panels;
      kernels_.multiply(
          padded.data_ptr<float>() + first * in_channels_, in_channels_,
          panels_.data_ptr<float>() + panel * depth * kernels_.panel_width,
          shares.data_ptr<float>() + first * stride +
              panel * kernels_.panel_width,
          stride, std::min(kPixelsPerTask, pixels - first), depth);
    }
  });
}

void RowConvolution::AddShares(const torch::Tensor& shares, int64_t begin,
                               int64_t count, torch::Tensor& out) const {
  const int64_t height = out.size(2), width = out.size(3);
  const int64_t padded_width = width + kernel_size_ - 1;
  at::parallel_for(0, count * height, 8, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      const int64_t y = i % height;
      const Pixels to = MutableSampleOf(out, begin + i / height);
      for (int64_t dy = 0; dy < kernel_size_; ++dy) {
        const int64_t up = kernel_size_ / 2 - dy;  // from y to the share's row
        if (y - up < 0 || y - up >= height) continue;
        const float* share = shares.data_ptr<float>() +
                             (i - up) * padded_width * shares.size(1) +
                             dy * out_channels_;
        for (int64_t x = 0; x < width; ++x) {
          Add(share + x * shares.size(1), out_channels_, to.pixel(y, x));
        }
      }
    }
  });
}

torch::Tensor RowConvolution::Apply(const ConvolutionInput& input,
                                    const torch::Tensor& bias,
                                    const torch::Tensor& residual) const {
  TORCH_CHECK(input.image.dim() == 4 && input.image.size(1) == in_channels_,
              "RowConvolution: image must be [B, ", in_channels_,
              ", H, W], is ", input.image.sizes());
  const int64_t outputs = input.image.size(0) * input.image.size(2) *
                          input.image.size(3) * (input.upsample ? 4 : 1);
  RECORD_USER_SCOPE_WITH_INPUTS(
      "cpu::RowConvolution",
      std::vector<c10::IValue>({input.image, 2 * outputs * kernel_size_ *
                                                 kernel_size_ * in_channels_ *
                                                 out_channels_}));
  const torch::Tensor image = input.activation.scale.defined()
                                  ? Activate(input.image, input.activation)
                                  : WithChannelsLast(input.image);
  const int64_t zoom = input.upsample ? 2 : 1;
  const int64_t height = image.size(2) * zoom, width = image.size(3) * zoom;
  const int64_t padded_width = width + kernel_size_ - 1;
  torch::Tensor out =
      EmptyChannelsLast(image.size(0), out_channels_, height, width);
  out.copy_(residual.defined() ? residual + bias.view({1, -1, 1, 1})
                               : bias.view({1, -1, 1, 1}));
  const int64_t batch = image.size(0);
  const int64_t group = std::max<int64_t>(
      std::min(kPixelsPerGroup / (height * padded_width), batch), 1);
  torch::Tensor shares = torch::empty(
      {group * height * padded_width, panels_.size(0) * kernels_.panel_width},
      torch::kFloat32);
  for (int64_t begin = 0; begin < batch; begin += group) {
    const int64_t count = std::min(group, batch - begin);
    torch::Tensor used = shares.slice(0, 0, count * height * padded_width);
    ComputeShares(PadRows(image, begin, count, input.upsample, kernel_size_),
                  used);
    AddShares(used, begin, count, out);
  }
  return out;
}

}  // namespace networks::cpu
