// VGG-19 as a measure of what two pictures have in common.
//
// Source: [VGG]; the layers that the perceptual loss of [FOMM] Sec. 3.3
// compares, Vgg19 in modules/model.py of its code.
#ifndef NETWORKS_VGG_H_
#define NETWORKS_VGG_H_

#include <torch/nn/module.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include <array>
#include <cstdint>
#include <string>

namespace networks {

// The convolutions of VGG-19 up to relu5_1, fixed: no parameter requires a
// gradient, but gradients reach the image.
//
// forward: image [B, 3, H, W] in [0, 1], H and W at least 16 -> the maps after
// relu1_1, relu2_1, ..., relu5_1, with 64, 128, 256, 512, 512 channels at 1,
// 1/2, 1/4, 1/8, 1/16 of the size. The ImageNet mean and standard deviation
// are applied inside.
// Parameters: mean, std [1, 3, 1, 1]; slice<s>.<i>.weight and .bias, where i is
// torchvision's index in `features`. Without loaded weights the convolutions
// have torchvision's initial values (normal, variance 2 / fan_out; bias 0).
class Vgg19Impl : public torch::nn::Module {
 public:
  static constexpr int kNumSlices = 5;

  // `width` other than 64 makes a thinner network, for random weights only.
  explicit Vgg19Impl(int64_t width = 64);

  std::array<torch::Tensor, kNumSlices> forward(const torch::Tensor& image);

 private:
  torch::Tensor mean_, std_;
  std::array<torch::nn::Sequential, kNumSlices> slices_;
};
TORCH_MODULE(Vgg19);

// The key in Vgg19's state dict for a key of torchvision's vgg19:
// "features.5.weight" -> "slice2.5.weight". Empty for a layer that Vgg19 does
// not have (the classifier, features past 28). A key of Vgg19 itself is
// returned unchanged.
std::string VggKeyFromTorchvision(const std::string& key);

}  // namespace networks

#endif  // NETWORKS_VGG_H_
