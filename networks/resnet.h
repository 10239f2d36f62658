// ResNet-18, the regressor behind keypoints and background motion.
#ifndef NETWORKS_RESNET_H_
#define NETWORKS_RESNET_H_

#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>

#include <cstdint>

#include "networks/batch_norm.h"

namespace networks {

// image -> conv7 /2 -> max-pool /2 -> 4 layers of 2 basic blocks (width, 2
// width, 4 width, 8 width channels, the last three /2) -> mean over pixels ->
// fc.
//
// forward: [B, in_channels, H, W] -> [B, num_outputs].
// Names and initial values are torchvision's (conv1, bn1, layer1.0.conv1, ...,
// layer2.0.downsample.0, ..., fc): convolutions are normal with variance
// 2 / fan_out. In train mode the batch norms use and update running statistics.
class ResNet18Impl : public torch::nn::Module {
 public:
  // `width` other than torchvision's 64 makes a thinner or wider network.
  ResNet18Impl(int64_t in_channels, int64_t num_outputs, int64_t width = 64);

  torch::Tensor forward(const torch::Tensor& image);

  // The last layer, for callers with an initial value of their own.
  torch::nn::Linear& fc() { return fc_; }

 private:
  torch::nn::Conv2d conv1_;
  BatchNorm2d bn1_;
  torch::nn::Sequential layer1_, layer2_, layer3_, layer4_;
  torch::nn::Linear fc_;
};
TORCH_MODULE(ResNet18);

}  // namespace networks

#endif  // NETWORKS_RESNET_H_
