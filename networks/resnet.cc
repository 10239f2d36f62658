#include "networks/resnet.h"

#include <torch/nn/init.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include "networks/cpu/pixels.h"
#include "networks/exact_scope.h"

namespace networks {
namespace {

using torch::nn::Sequential;

Conv2d MakeConv(int64_t in, int64_t out, int64_t kernel_size, int64_t stride) {
  Conv2d conv(in, out, kernel_size, stride, /*bias=*/false);
  torch::nn::init::kaiming_normal_(conv->weight, /*a=*/0, torch::kFanOut,
                                   torch::kReLU);
  return conv;
}

// relu(x' + (conv1 -> bn1 -> relu -> conv2 -> bn2)), where x' is x or, if the
// shape changes, its projection by a 1x1 convolution.
class BasicBlockImpl : public torch::nn::Module {
 public:
  BasicBlockImpl(int64_t in, int64_t out, int64_t stride)
      : conv1_(register_module("conv1", MakeConv(in, out, 3, stride))),
        bn1_(register_module("bn1", BatchNorm2d(out))),
        conv2_(register_module("conv2", MakeConv(out, out, 3, 1))),
        bn2_(register_module("bn2", BatchNorm2d(out))) {
    if (stride == 1 && in == out) return;
    downsample_ = register_module(
        "downsample",
        Sequential(MakeConv(in, out, 1, stride), BatchNorm2d(out)));
  }

  torch::Tensor forward(const torch::Tensor& x) {
    torch::Tensor out = bn1_(conv1_(x)).relu_();
    out = bn2_(conv2_(out));
    out += downsample_ ? downsample_->forward(x) : x;
    return out.relu_();
  }

 private:
  Conv2d conv1_;
  BatchNorm2d bn1_;
  Conv2d conv2_;
  BatchNorm2d bn2_;
  Sequential downsample_ = nullptr;
};
TORCH_MODULE(BasicBlock);

Sequential MakeLayer(int64_t in, int64_t out, int64_t stride) {
  return Sequential(BasicBlock(in, out, stride), BasicBlock(out, out, 1));
}

}  // namespace

ResNet18LayersImpl::ResNet18LayersImpl(int64_t in_channels, int64_t width)
    : conv1_(register_module("conv1", MakeConv(in_channels, width, 7, 2))),
      bn1_(register_module("bn1", BatchNorm2d(width))),
      layer1_(register_module("layer1", MakeLayer(width, width, 1))),
      layer2_(register_module("layer2", MakeLayer(width, 2 * width, 2))),
      layer3_(register_module("layer3", MakeLayer(2 * width, 4 * width, 2))),
      layer4_(register_module("layer4", MakeLayer(4 * width, 8 * width, 2))) {}

std::array<torch::Tensor, ResNet18LayersImpl::kNumLayers>
ResNet18LayersImpl::forward(const torch::Tensor& image) {
  torch::Tensor x = bn1_(conv1_(image)).relu_();  // [B, w, H / 2, W / 2]
  x = torch::max_pool2d(x, /*kernel_size=*/3, /*stride=*/2, /*padding=*/1);
  const torch::Tensor x1 = layer1_->forward(x);
  const torch::Tensor x2 = layer2_->forward(x1);
  const torch::Tensor x3 = layer3_->forward(x2);
  return {x1, x2, x3, layer4_->forward(x3)};
}

ResNet18Impl::ResNet18Impl(int64_t in_channels, int64_t num_outputs,
                           int64_t width)
    : ResNet18LayersImpl(in_channels, width),
      fc_(register_module("fc", Linear(8 * width, num_outputs))) {}

torch::Tensor ResNet18Impl::forward(const torch::Tensor& image) {
  const torch::Tensor features =
      WithAllDigits(ResNet18LayersImpl::forward(image).back());
  // The outputs are coordinates and motions, of which bfloat16 tells but 256
  // apart.
  const ExactScope exact(features.device());
  if (is_training() || !cpu::Available(features)) {
    return fc_(features.mean({2, 3}));
  }
  // The sums of mean() would depend on the number of threads.
  return fc_(cpu::MomentsOf(features, /*epsilon=*/1).mean.to(torch::kFloat32));
}

}  // namespace networks
