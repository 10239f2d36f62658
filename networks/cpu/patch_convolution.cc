#include "networks/cpu/patch_convolution.h"

#include <ATen/Parallel.h>
#include <ATen/record_function.h>
#include <torch/types.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "networks/cpu/pixels.h"
#include "networks/cpu/weight_panels.h"

namespace networks::cpu {
namespace {

// Floats of the patches of one task, which stay in the second-level cache while
// the weights pass.
constexpr int64_t kFloatsPerTask = 96 * 1024;

// The fewest pixels of a task: each reads all weights.
constexpr int64_t kLeastPixels = 24;

// Copies the patch around (y, x), [k, k, C], with zeros outside the image.
void CopyPatch(const ConstPixels& image, int64_t y, int64_t x,
               int64_t kernel_size, float* to) {
  const int64_t margin = kernel_size / 2, channels = image.channels;
  for (int64_t dy = -margin; dy <= margin; ++dy) {
    for (int64_t dx = -margin; dx <= margin; ++dx, to += channels) {
      const int64_t v = y + dy, u = x + dx;
      if (v < 0 || v >= image.height || u < 0 || u >= image.width) {
        std::memset(to, 0, channels * sizeof(float));
      } else {
        std::memcpy(to, image.pixel(v, u), channels * sizeof(float));
      }
    }
  }
}

}  // namespace

// One call of Apply.
struct PatchConvolution::Job {
  torch::Tensor image;
  torch::Tensor bias;  // contiguous or undefined
  torch::Tensor out;
  int64_t stride;
};

PatchConvolution::PatchConvolution(const Kernels& kernels,
                                   const torch::Tensor& weight)
    : kernels_(kernels),
      in_channels_(weight.size(1)),
      out_channels_(weight.size(0)),
      kernel_size_(weight.size(2)) {
  CheckSquareWeight("PatchConvolution", weight);
  // From [C', C, dy, dx] to [(dy, dx, C), C'].
  panels_ = PackPanels(weight.permute({2, 3, 1, 0}), /*row_dims=*/3,
                       kernels.panel_width);
}

torch::Tensor PatchConvolution::Apply(const torch::Tensor& image,
                                      const torch::Tensor& bias,
                                      int64_t stride) const {
  TORCH_CHECK(image.dim() == 4 && image.size(1) == in_channels_,
              "PatchConvolution: image must be [B, ", in_channels_,
              ", H, W], is ", image.sizes());
  TORCH_CHECK(image.size(2) > 0 && image.size(3) > 0,
              "PatchConvolution: image has no pixels: ", image.sizes());
  const int64_t height = (image.size(2) - 1) / stride + 1;
  const int64_t width = (image.size(3) - 1) / stride + 1;
  const Job job{
      WithChannelsLast(image), bias.defined() ? bias.contiguous() : bias,
      EmptyChannelsLast(image.size(0), out_channels_, height, width), stride};
  const int64_t pixels = image.size(0) * height * width;
  RECORD_USER_SCOPE_WITH_INPUTS(
      "cpu::PatchConvolution",
      std::vector<c10::IValue>(
          {image, 2 * pixels * panels_.size(1) * out_channels_}));
  const int64_t task = std::max(kFloatsPerTask / panels_.size(1), kLeastPixels);
  at::parallel_for(
      0, (pixels + task - 1) / task, 1, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          ComputePixels(job, i * task, std::min((i + 1) * task, pixels));
        }
      });
  return job.out;
}

void PatchConvolution::ComputePixels(const Job& job, int64_t begin,
                                     int64_t end) const {
  const int64_t depth = panels_.size(1), panel_width = kernels_.panel_width;
  const int64_t height = job.out.size(2), width = job.out.size(3);
  const int64_t count = end - begin;
  std::vector<float> patches(count * depth), products(count * panel_width);
  for (int64_t i = 0; i < count; ++i) {
    const int64_t pixel = begin + i;
    CopyPatch(SampleOf(job.image, pixel / (height * width)),
              pixel / width % height * job.stride, pixel % width * job.stride,
              kernel_size_, patches.data() + i * depth);
  }
  // The output is dense: pixel i begins at i C'.
  float* const out = job.out.data_ptr<float>() + begin * out_channels_;
  for (int64_t panel = 0; panel < panels_.size(0); ++panel) {
    kernels_.multiply(patches.data(), depth,
                      panels_.data_ptr<float>() + panel * depth * panel_width,
                      products.data(), panel_width, count, depth);
    const int64_t first = panel * panel_width;
    const int64_t columns = std::min(panel_width, out_channels_ - first);
    const float* bias =
        job.bias.defined() ? job.bias.data_ptr<float>() + first : nullptr;
    for (int64_t i = 0; i < count; ++i) {
      const float* from = products.data() + i * panel_width;
      float* to = out + i * out_channels_ + first;
      for (int64_t j = 0; j < columns; ++j) {
        to[j] = bias == nullptr ? from[j] : from[j] + bias[j];
      }
    }
  }
}

}  // namespace networks::cpu
