// Tested by winograd_test.cc.
#include "networks/cpu/winograd_job.h"

#include <torch/types.h>

#include <utility>

#include "networks/cpu/huge_pages.h"
#include "networks/cpu/pixels.h"

namespace networks::cpu {
namespace {

int64_t Zoom(const ConvolutionInput& input) { return input.upsample ? 2 : 1; }

}  // namespace

WinogradJob::WinogradJob(const char* who, const ConvolutionInput& input,
                         const torch::Tensor& bias,
                         const torch::Tensor& residual, torch::Tensor out_image,
                         int64_t in_channels, int64_t out_channels)
    : input(input),
      bias(bias.contiguous()),
      residual(residual.defined() ? WithChannelsLast(residual) : residual),
      grid(input.image.size(0), input.image.size(2) * Zoom(input),
           input.image.size(3) * Zoom(input)) {
  TORCH_CHECK(input.image.dim() == 4 && input.image.size(1) == in_channels, who,
              ": image must be [B, ", in_channels, ", H, W], is ",
              input.image.sizes());
  image = WithChannelsLast(input.image);
  out = OutputLike(std::move(out_image), image.size(0), out_channels,
                   image.size(2) * Zoom(input), image.size(3) * Zoom(input));
  TORCH_CHECK(this->bias.numel() == out_channels, who, ": bias must be [",
              out_channels, "], is ", bias.sizes());
  TORCH_CHECK(!residual.defined() || residual.sizes() == out.sizes(), who,
              ": residual must be ", out.sizes(), ", is ", residual.sizes());
  if (input.activation.scale.defined()) {
    CheckAffine(who, input.activation, image.size(0), in_channels);
  }
}

ChannelAffineRelu WinogradJob::activation(int64_t sample) const {
  const ChannelAffine& affine = input.activation;
  if (!affine.scale.defined()) return {};
  const int64_t offset = sample * image.size(1);
  return {affine.scale.data_ptr<float>() + offset,
          affine.shift.data_ptr<float>() + offset};
}

ConstPixels WinogradJob::residual_of(int64_t sample) const {
  return residual.defined() ? SampleOf(residual, sample) : ConstPixels{};
}

float* WinogradScratch(int64_t size) {
  thread_local torch::Tensor buffer;
  if (!buffer.defined() || buffer.numel() < size) {
    buffer = torch::Tensor();  // before the larger one is made
    buffer = EmptyInHugePages({size}, torch::kFloat32);
  }
  return buffer.data_ptr<float>();
}

}  // namespace networks::cpu
