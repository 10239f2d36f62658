// 3x3 convolutions in training on the CPU: forward, and backward into image and
// weights, all by Winograd's method.
#ifndef NETWORKS_CPU_DIFFERENTIABLE_CONVOLUTION_H_
#define NETWORKS_CPU_DIFFERENTIABLE_CONVOLUTION_H_

#include <torch/custom_class.h>
#include <torch/types.h>

#include <memory>

#include "networks/cpu/winograd.h"

namespace networks::cpu {

// While one of these lives, the convolutions of this thread also take trained
// weights of more than 256 x 256 channels, if `allowed`. That rounds in another
// way than LibTorch's operators, and so is for the user to choose.
class LargeConvolutionScope {
 public:
  explicit LargeConvolutionScope(bool allowed);
  ~LargeConvolutionScope();
  LargeConvolutionScope(const LargeConvolutionScope&) = delete;
  LargeConvolutionScope& operator=(const LargeConvolutionScope&) = delete;

  // What the innermost of this thread says; false without one.
  static bool IsAllowed();

 private:
  const bool before_;
};

// The convolution of one layer, with zero padding of 1 and stride 1. Keeps the
// transformed weights until they change. Memory: 4 times the weights, and as
// much again for gradients; as much as the weights where large ones are
// trained.
class DifferentiableConvolution {
 public:
  DifferentiableConvolution();

  // The transformed weights, also for inference. Only where BestKernels() is
  // not null.
  std::shared_ptr<const Winograd> Forward(const torch::Tensor& weight) const;

  // Whether Apply serves: AvailableInTraining(image), weight [C', C, 3, 3], and
  // a batch with enough pixels for it to be faster than torch::conv2d. So a
  // sample's bits depend on the batch's size here, unlike in inference.
  static bool Serves(const torch::Tensor& image, const torch::Tensor& weight);

  // Twin: torch::conv2d(image, weight, bias, /*stride=*/1, /*padding=*/1), to
  // rounding. image [B, C, H, W] -> [B, C', H, W], channels_last; `bias` [C']
  // or undefined. Differentiable once. Neither the value nor a gradient depends
  // on the number of threads.
  torch::Tensor Apply(const torch::Tensor& image, const torch::Tensor& weight,
                      const torch::Tensor& bias) const;

 private:
  // Shared with the graphs that the layer is part of.
  c10::intrusive_ptr<torch::CustomClassHolder> prepared_;
};

}  // namespace networks::cpu

#endif  // NETWORKS_CPU_DIFFERENTIABLE_CONVOLUTION_H_
