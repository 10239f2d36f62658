#include "networks/vgg.h"

#include <torch/nn/init.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/pooling.h>
#include <torch/types.h>

#include <cstdlib>
#include <memory>
#include <vector>

#include "networks/blocks.h"

namespace networks {
namespace {

struct Layer {
  enum Kind { kConv, kRelu, kMaxPool } kind;
  int64_t in = 0, out = 0;
};

// torchvision's `features` 0 to 29.
std::vector<Layer> FeatureLayers(int64_t width) {
  std::vector<Layer> layers;
  int64_t channels = 3;
  const auto conv = [&](int64_t out) {
    layers.push_back({Layer::kConv, channels, out});
    layers.push_back({Layer::kRelu});
    channels = out;
  };
  const struct {
    int64_t width;
    int convs;
  } stages[] = {{width, 2}, {2 * width, 2}, {4 * width, 4}, {8 * width, 4}};
  for (const auto& stage : stages) {
    for (int i = 0; i < stage.convs; ++i) conv(stage.width);
    layers.push_back({Layer::kMaxPool});
  }
  conv(8 * width);
  return layers;
}

// Index of the first layer of slices 2, ..., 5 and of the layer after the last:
// each slice ends with the first relu of a resolution.
constexpr int kSliceEnds[Vgg19Impl::kNumSlices] = {2, 7, 12, 21, 30};

int SliceOfLayer(int index) {
  int slice = 0;
  while (slice < Vgg19Impl::kNumSlices && index >= kSliceEnds[slice]) ++slice;
  return slice;
}

std::shared_ptr<SameConv2dImpl> MakeConv(const Layer& layer) {
  SameConv2d conv(layer.in, layer.out, 3);
  torch::nn::init::kaiming_normal_(conv->weight, /*a=*/0, torch::kFanOut,
                                   torch::kReLU);
  torch::nn::init::zeros_(conv->bias);
  return conv.ptr();
}

void Append(torch::nn::Sequential& slice, int index, const Layer& layer) {
  const std::string name = std::to_string(index);
  switch (layer.kind) {
    case Layer::kConv:
      slice->push_back(name, MakeConv(layer));
      return;
    case Layer::kRelu:
      slice->push_back(name, std::make_shared<torch::nn::ReLUImpl>(
                                 torch::nn::ReLUOptions().inplace(true)));
      return;
    case Layer::kMaxPool:
      slice->push_back(name, std::make_shared<torch::nn::MaxPool2dImpl>(2));
      return;
  }
}

torch::Tensor PerChannel(double red, double green, double blue) {
  return torch::tensor({red, green, blue}, torch::kFloat32).view({1, 3, 1, 1});
}

}  // namespace

Vgg19Impl::Vgg19Impl(int64_t width) {
  mean_ = register_parameter("mean", PerChannel(0.485, 0.456, 0.406),
                             /*requires_grad=*/false);
  std_ = register_parameter("std", PerChannel(0.229, 0.224, 0.225),
                            /*requires_grad=*/false);
  const std::vector<Layer> layers = FeatureLayers(width);
  for (size_t i = 0; i < layers.size(); ++i) {
    const int slice = SliceOfLayer(i);
    Append(slices_[slice], i, layers[i]);
  }
  for (int s = 0; s < kNumSlices; ++s) {
    register_module("slice" + std::to_string(s + 1), slices_[s]);
  }
  for (torch::Tensor& parameter : parameters()) {
    parameter.set_requires_grad(false);
  }
}

std::array<torch::Tensor, Vgg19Impl::kNumSlices> Vgg19Impl::forward(
    const torch::Tensor& image) {
  std::array<torch::Tensor, kNumSlices> maps;
  torch::Tensor x = (image - mean_) / std_;
  for (int s = 0; s < kNumSlices; ++s) {
    x = slices_[s]->forward(x);
    maps[s] = x;
  }
  return maps;
}

std::string VggKeyFromTorchvision(const std::string& key) {
  if (key == "mean" || key == "std" || key.rfind("slice", 0) == 0) return key;
  const std::string prefix = "features.";
  if (key.rfind(prefix, 0) != 0) return "";
  const int slice = SliceOfLayer(std::atoi(key.c_str() + prefix.size()));
  if (slice == Vgg19Impl::kNumSlices) return "";
  return "slice" + std::to_string(slice + 1) + "." + key.substr(prefix.size());
}

}  // namespace networks
