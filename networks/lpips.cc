#include "networks/lpips.h"

#include <torch/nn/init.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/pooling.h>
#include <torch/types.h>

#include <cstdint>
#include <memory>

namespace networks {
namespace {

// A classifier's `features` as torchvision numbers its layers, up to the last
// one that is compared.
class BackboneBuilder {
 public:
  void Conv(int64_t out, int64_t kernel, int64_t stride, int64_t padding) {
    torch::nn::Conv2d conv(torch::nn::Conv2dOptions(channels_, out, kernel)
                               .stride(stride)
                               .padding(padding));
    torch::nn::init::kaiming_normal_(conv->weight, /*a=*/0, torch::kFanOut,
                                     torch::kReLU);
    torch::nn::init::zeros_(conv->bias);
    layers_->push_back(conv);
    layers_->push_back(torch::nn::ReLU(torch::nn::ReLUOptions().inplace(true)));
    channels_ = out;
  }
  void MaxPool(int64_t kernel) {
    layers_->push_back(
        torch::nn::MaxPool2d(torch::nn::MaxPool2dOptions(kernel).stride(2)));
  }
  // What has come so far is compared.
  void Tap() {
    taps_.push_back(static_cast<int>(layers_->size()) - 1);
    tapped_channels_.push_back(channels_);
  }

  const torch::nn::Sequential& layers() const { return layers_; }
  const std::vector<int>& taps() const { return taps_; }
  const std::vector<int64_t>& tapped_channels() const {
    return tapped_channels_;
  }

 private:
  torch::nn::Sequential layers_;
  int64_t channels_ = 3;
  std::vector<int> taps_;
  std::vector<int64_t> tapped_channels_;
};

BackboneBuilder AlexNet() {
  BackboneBuilder net;
  net.Conv(64, 11, 4, 2);
  net.Tap();
  net.MaxPool(3);
  net.Conv(192, 5, 1, 2);
  net.Tap();
  net.MaxPool(3);
  for (const int64_t channels : {384, 256, 256}) {
    net.Conv(channels, 3, 1, 1);
    net.Tap();
  }
  return net;
}

BackboneBuilder Vgg16() {
  BackboneBuilder net;
  const struct {
    int64_t channels;
    int convs;
  } stages[] = {{64, 2}, {128, 2}, {256, 3}, {512, 3}, {512, 3}};
  for (const auto& stage : stages) {
    if (!net.taps().empty()) net.MaxPool(2);
    for (int i = 0; i < stage.convs; ++i) net.Conv(stage.channels, 3, 1, 1);
    net.Tap();
  }
  return net;
}

// lin<l>.model.1.weight, as the authors' file has them; their lin<l>.model.0 is
// a dropout of the training.
std::shared_ptr<torch::nn::Module> MakeHead(
    const std::vector<int64_t>& channels, std::vector<torch::Tensor>* weights) {
  auto head = std::make_shared<torch::nn::Module>();
  for (size_t l = 0; l < channels.size(); ++l) {
    auto lin = head->register_module("lin" + std::to_string(l),
                                     std::make_shared<torch::nn::Module>());
    auto model =
        lin->register_module("model", std::make_shared<torch::nn::Module>());
    auto linear =
        model->register_module("1", std::make_shared<torch::nn::Module>());
    weights->push_back(linear->register_parameter(
        "weight", torch::rand({1, channels[l], 1, 1}) / channels[l]));
  }
  return head;
}

torch::Tensor PerChannel(double red, double green, double blue) {
  return torch::tensor({red, green, blue}, torch::kFloat32).view({1, 3, 1, 1});
}

// To norm 1 over the channels; what is 0 stays 0.
torch::Tensor Normalized(const torch::Tensor& map) {
  constexpr double kAgainstZero = 1e-10;  // the authors'
  return map / (map.square().sum(1, /*keepdim=*/true).sqrt() + kAgainstZero);
}

}  // namespace

LpipsImpl::LpipsImpl(LpipsBackbone backbone) {
  const BackboneBuilder net =
      backbone == LpipsBackbone::kAlexNet ? AlexNet() : Vgg16();
  taps_ = net.taps();
  backbone_ = register_module("features", net.layers());
  head_ = register_module("head", MakeHead(net.tapped_channels(), &weights_));
  // The ImageNet statistics, of pictures in [-1, 1], rounded as the authors
  // have them.
  shift_ = register_buffer("shift", PerChannel(-0.030, -0.088, -0.188));
  scale_ = register_buffer("scale", PerChannel(0.458, 0.448, 0.450));
  for (torch::Tensor& parameter : parameters()) {
    parameter.set_requires_grad(false);
  }
  eval();
}

std::vector<torch::Tensor> LpipsImpl::Features(const torch::Tensor& pictures) {
  TORCH_CHECK(pictures.dim() == 4 && pictures.size(1) == 3,
              "pictures are [B, 3, H, W], not ", pictures.sizes());
  std::vector<torch::Tensor> features;
  torch::Tensor x = (2 * pictures - 1 - shift_) / scale_;
  int index = 0;
  for (auto& layer : *backbone_) {
    x = layer.forward(x);
    if (index++ == taps_[features.size()]) features.push_back(Normalized(x));
  }
  return features;
}

torch::Tensor LpipsImpl::Distance(const std::vector<torch::Tensor>& a,
                                  const std::vector<torch::Tensor>& b) const {
  torch::Tensor distance;
  for (size_t l = 0; l < weights_.size(); ++l) {
    const torch::Tensor of_layer =
        ((a.at(l) - b.at(l)).square() * weights_[l]).sum(1).mean({1, 2});
    distance = distance.defined() ? distance + of_layer : of_layer;  // [B]
  }
  return distance;
}

torch::Tensor LpipsImpl::forward(const torch::Tensor& a,
                                 const torch::Tensor& b) {
  return Distance(Features(a), Features(b));
}

LpipsFiles PublishedLpips(LpipsBackbone backbone) {
  if (backbone == LpipsBackbone::kAlexNet) {
    return {"alexnet-owt-7be5be79.pth", "lpips_alex_v0.1.pth"};
  }
  return {"vgg16-397923af.pth", "lpips_vgg_v0.1.pth"};
}

}  // namespace networks
