#include "networks/cpu/row_convolution.h"

#include <ATen/Parallel.h>
#include <ATen/record_function.h>
#include <torch/types.h>

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "networks/cpu/pixels.h"
#include "networks/cpu/weight_panels.h"

namespace networks::cpu {
namespace {

// Pixels of one task of the product: their inputs stay in the second-level
// cache while a panel of weights passes.
constexpr int64_t kPixelsPerTask = 240;

// Pixels of the small images that go through the stages together and so share
// the reading of the weights. Larger ones are taken row by row, in the cache.
constexpr int64_t kPixelsPerGroup = 2 * kPixelsPerTask;

// The fewest rows of outputs of one task where a sample is shared: the rows
// around them are multiplied by their neighbours, too.
constexpr int64_t kLeastRowsPerTask = 32;

// Row y of `image`, doubled in size if `upsample`, with (k - 1) / 2 zero pixels
// at either end: [W + k - 1, C].
void PadRow(const ConstPixels& image, int64_t y, bool upsample,
            int64_t kernel_size, float* to) {
  const int64_t zoom = upsample ? 2 : 1, width = image.width * zoom;
  const size_t pixel = image.channels * sizeof(float);
  const int64_t margin = (kernel_size - 1) / 2;
  std::memset(to, 0, margin * pixel);
  to += margin * image.channels;
  for (int64_t x = 0; x < width; ++x, to += image.channels) {
    std::memcpy(to, image.pixel(y / zoom, x / zoom), pixel);
  }
  std::memset(to, 0, margin * pixel);
}

// Samples begin .. begin + count - 1 as [count H, W + k - 1, C], and k - 1 zero
// pixels at the very end, which the last products read.
torch::Tensor PadRows(const torch::Tensor& image, int64_t begin, int64_t count,
                      bool upsample, int64_t kernel_size) {
  const int64_t zoom = upsample ? 2 : 1;
  const int64_t height = image.size(2) * zoom, width = image.size(3) * zoom;
  const int64_t row = (width + kernel_size - 1) * image.size(1);
  const int64_t tail = (kernel_size - 1) * image.size(1);
  torch::Tensor padded =
      torch::empty({count * height * row + tail}, torch::kFloat32);
  float* const data = padded.data_ptr<float>();
  at::parallel_for(0, count * height, 8, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      PadRow(SampleOf(image, begin + i / height), i % height, upsample,
             kernel_size, data + i * row);
    }
  });
  std::memset(data + count * height * row, 0, tail * sizeof(float));
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
  panels_ = PackPanels(weight.permute({3, 1, 2, 0}), /*row_dims=*/2,
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

void RowConvolution::ComputeRows(const ConstPixels& image, bool upsample,
                                 int64_t begin, int64_t end,
                                 const Pixels& out) const {
  const int64_t margin = kernel_size_ / 2, depth = kernel_size_ * in_channels_;
  const int64_t padded_width = out.width + kernel_size_ - 1;
  const int64_t panel_width = kernels_.panel_width;
  const int64_t stride = panels_.size(0) * panel_width;
  // Rows of the input that are multiplied together.
  const int64_t most = std::max<int64_t>(kPixelsPerTask / padded_width, 1);
  std::vector<float> padded((most * padded_width + kernel_size_ - 1) *
                            in_channels_);
  std::vector<float> shares(most * padded_width * stride);
  const int64_t last = std::min(end + margin, out.height);
  for (int64_t row = std::max<int64_t>(begin - margin, 0); row < last;
       row += most) {
    const int64_t count = std::min(most, last - row);
    for (int64_t i = 0; i < count; ++i) {
      PadRow(image, row + i, upsample, kernel_size_,
             padded.data() + i * padded_width * in_channels_);
    }
    for (int64_t panel = 0; panel < panels_.size(0); ++panel) {
      kernels_.multiply(padded.data(), in_channels_,
                        panels_.data_ptr<float>() + panel * depth * panel_width,
                        shares.data() + panel * panel_width, stride,
                        count * padded_width, depth);
    }
    // A row of outputs receives its shares in the order of dy, as in AddShares.
    for (int64_t i = 0; i < count; ++i) {
      for (int64_t dy = 0; dy < kernel_size_; ++dy) {
        const int64_t y = row + i + margin - dy;
        if (y < begin || y >= end) continue;
        const float* share =
            shares.data() + i * padded_width * stride + dy * out_channels_;
        for (int64_t x = 0; x < out.width; ++x) {
          Add(share + x * stride, out_channels_, out.pixel(y, x));
        }
      }
    }
  }
}

torch::Tensor RowConvolution::Apply(const ConvolutionInput& input,
                                    const torch::Tensor& bias,
                                    const torch::Tensor& residual,
                                    torch::Tensor out) const {
  TORCH_CHECK(input.image.dim() == 4 && input.image.size(1) == in_channels_,
              "RowConvolution: image must be [B, ", in_channels_,
              ", H, W], is ", input.image.sizes());
  TORCH_CHECK(input.image.size(2) > 0 && input.image.size(3) > 0,
              "RowConvolution: image has no pixels: ", input.image.sizes());
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
  out = OutputLike(std::move(out), image.size(0), out_channels_, height, width);
  out.copy_(residual.defined() ? residual + bias.view({1, -1, 1, 1})
                               : bias.view({1, -1, 1, 1}));
  const int64_t batch = image.size(0);
  if (height * padded_width > kPixelsPerGroup) {
    at::parallel_for(
        0, batch * height, kLeastRowsPerTask, [&](int64_t first, int64_t last) {
          while (first < last) {
            const int64_t b = first / height;
            const int64_t end = std::min(last, (b + 1) * height);
            ComputeRows(SampleOf(image, b), input.upsample, first - b * height,
                        end - b * height, MutableSampleOf(out, b));
            first = end;
          }
        });
    return out;
  }
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
