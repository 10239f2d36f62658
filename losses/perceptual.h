// Perceptual loss: two pictures should have the same VGG-19 features, at
// several resolutions.
//
// Source: [FOMM] Sec. 3.3, which [CPABMM] keeps; "reconstruction loss" of
// GeneratorFullModel in modules/model.py of its code.
#ifndef LOSSES_PERCEPTUAL_H_
#define LOSSES_PERCEPTUAL_H_

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include <array>
#include <cstdint>
#include <vector>

#include "networks/antialias.h"
#include "networks/vgg.h"

namespace losses {

struct PerceptualOptions {
  // Resolutions of the pyramid relative to the image, each in (0, 1]. The
  // shorter side times each of them must be at least 16 pixels.
  std::vector<double> scales = {1, 0.5, 0.25, 0.125};
  // Weight of each of VGG-19's slices, relu1_1 to relu5_1.
  std::array<double, networks::Vgg19Impl::kNumSlices> layer_weights = {
      10, 10, 10, 10, 10};
  // Channels of the VGG-19's first stage.
  int64_t vgg_width = 64;
};

struct PerceptualOutput {
  // One addend of the loss: the mean absolute difference, unweighted.
  struct Term {
    double scale;
    int layer;  // 0 to 4
    torch::Tensor value;
  };
  torch::Tensor total;  // scalar: sum of layer weight * value
  std::vector<Term> terms;
};

// Parameters: vgg.*, none of which requires a gradient.
class PerceptualLossImpl : public torch::nn::Module {
 public:
  explicit PerceptualLossImpl(const PerceptualOptions& options);

  // real, generated: [B, 3, H, W] in [0, 1]. Gradients reach `generated` only;
  // the real side is computed without. In a RecomputeScope
  // (networks/recompute.h) a resolution's features of `generated` are computed
  // once more in the backward pass.
  PerceptualOutput forward(const torch::Tensor& real,
                           const torch::Tensor& generated);

  // To load weights into; before that they are random.
  networks::Vgg19& vgg() { return vgg_; }

 private:
  PerceptualOptions options_;
  networks::Vgg19 vgg_;
  std::vector<networks::AntiAliasInterpolation2d> pyramid_;
};
TORCH_MODULE(PerceptualLoss);

}  // namespace losses

#endif  // LOSSES_PERCEPTUAL_H_
