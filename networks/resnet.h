// ResNet-18, which keypoints and background motion are read off.
//
// Source: [ResNet]; layers, names and initial values as torchvision's.
#ifndef NETWORKS_RESNET_H_
#define NETWORKS_RESNET_H_

#include <torch/nn/modules/container/sequential.h>
#include <torch/types.h>

#include <array>
#include <cstdint>

#include "networks/batch_norm.h"
#include "networks/layers.h"

namespace networks {

// image -> conv7 /2 -> max-pool /2 -> 4 layers of 2 basic blocks (width, 2
// width, 4 width, 8 width channels, the last three /2).
//
// forward: [B, in_channels, H, W] -> the four layers' outputs, the first
// [B, width, H / 4, W / 4], the last [B, 8 width, H / 32, W / 32].
// Names and initial values are torchvision's (conv1, bn1, layer1.0.conv1, ...,
// layer2.0.downsample.0, ...): convolutions are normal with variance
// 2 / fan_out. In train mode the batch norms use and update running statistics.
class ResNet18LayersImpl : public torch::nn::Module {
 public:
  static constexpr int kNumLayers = 4;

  // `width` other than torchvision's 64 makes a thinner or wider network.
  explicit ResNet18LayersImpl(int64_t in_channels, int64_t width = 64);

  std::array<torch::Tensor, kNumLayers> forward(const torch::Tensor& image);

 private:
  Conv2d conv1_;
  BatchNorm2d bn1_;
  torch::nn::Sequential layer1_, layer2_, layer3_, layer4_;
};
TORCH_MODULE(ResNet18Layers);

// The layers, then the mean over pixels -> fc.
//
// forward: [B, in_channels, H, W] -> [B, num_outputs], in float32 at least and
// with all its digits also under autocast.
class ResNet18Impl : public ResNet18LayersImpl {
 public:
  ResNet18Impl(int64_t in_channels, int64_t num_outputs, int64_t width = 64);

  torch::Tensor forward(const torch::Tensor& image);

  // The last layer, for callers with an initial value of their own.
  Linear& fc() { return fc_; }

 private:
  Linear fc_;
};
TORCH_MODULE(ResNet18);

}  // namespace networks

#endif  // NETWORKS_RESNET_H_
