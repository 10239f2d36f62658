#include "pipelines/training/step_cost.h"

#include <torch/torch.h>

#include <algorithm>
#include <chrono>
#include <cmath>

namespace pipelines {
namespace {

// Of a convolution with square kernel on `pixels` output pixels.
double ConvFlops(double in, double out, int kernel, double pixels) {
  return 2 * in * out * kernel * kernel * pixels;
}

// Of ResNet-18: 1.81e9 multiply-adds at 224 x 224 and width 64.
double ResNetFlops(double pixels, double width) {
  return 2 * 1.81e9 * pixels / (224 * 224) * std::pow(width / 64, 2);
}

// The head of a voting detector looks at a quarter of the image's resolution.
double DetectorFlops(const DetectorConfig& config, double pixels) {
  const double width = config.width();
  const double head = config.kind() == DetectorConfig::VOTING
                          ? ConvFlops(width, width, 3, pixels / 16)
                          : 0;
  return ResNetFlops(pixels, width) + head;
}

// Of VGG-19 up to relu5_1: 16.5e9 multiply-adds at 224 x 224 and width 64.
double VggFlops(double pixels, double width) {
  return 2 * 16.5e9 * pixels / (224 * 224) * std::pow(width / 64, 2);
}

double HourglassFlops(const ModelConfig& model, double pixels) {
  const DenseMotionConfig& config = model.dense_motion();
  const int candidates =
      model.num_transforms() + (model.global_transform() ? 2 : 1);
  const double inputs =
      model.num_transforms() * model.keypoints_per_transform() + 1 +
      3 * candidates;
  const auto width = [&](int level) {
    return std::min<double>(config.max_features(),
                            config.block_expansion() * std::pow(2, level));
  };
  double flops = 0;
  double features = inputs;
  for (int i = 0; i < config.num_blocks(); ++i) {
    const double here = pixels / std::pow(4, i);
    flops += ConvFlops(features, width(i + 1), 3, here);
    // The decoder's block at this size sees the upsampled maps and the skip.
    flops += ConvFlops(2 * width(i + 1), width(i), 3, here);
    features = width(i + 1);
  }
  return flops + ConvFlops(config.block_expansion() + inputs, candidates + 1, 7,
                           pixels);
}

double InpaintingFlops(const InpaintingConfig& config, double pixels) {
  const auto width = [&](int level) {
    return std::min<double>(config.max_features(),
                            config.block_expansion() * std::pow(2, level));
  };
  double flops = 2 * ConvFlops(3, width(0), 7, pixels);
  for (int i = 0; i < config.num_down_blocks(); ++i) {
    const double here = pixels / std::pow(4, i);
    // Down, up (which sees the skip), and two residual blocks of two layers.
    flops += ConvFlops(width(i), width(i + 1), 3, here) +
             ConvFlops(2 * width(i + 1), width(i), 3, here) +
             4 * ConvFlops(2 * width(i + 1), 2 * width(i + 1), 3, here / 4);
  }
  return flops;
}

double Pixels(const Config& config) {
  return static_cast<double>(config.data().height()) * config.data().width();
}

// Of one pair. A backward pass costs twice a forward one; through the fixed
// VGG, once.

double MotionFlops(const Config& config) {
  const ModelConfig& model = config.model();
  const double pixels = Pixels(config);
  const double scale = model.dense_motion().scale_factor();
  const double detectors = 3 * 3 * DetectorFlops(model.detector(), pixels);
  const double backgrounds =
      model.background() ? 2 * 3 * ResNetFlops(pixels, model.detector().width())
                         : 0;
  return detectors + backgrounds +
         3 * HourglassFlops(model, pixels * scale * scale);
}

double PaintingFlops(const Config& config) {
  const double pixels = Pixels(config);
  double pyramid = 0;
  for (const double s : config.losses().perceptual().scales()) {
    pyramid += s * s;
  }
  return 3 * InpaintingFlops(config.model().inpainting(), pixels) +
         (1 + 2) * pyramid *
             VggFlops(pixels, config.losses().perceptual().width());
}

}  // namespace

double StepFlops(const Config& config) {
  return config.training().batch_size() *
         (MotionFlops(config) + PaintingFlops(config));
}

double MotionStepShare(const Config& config) {
  // Maps of motion are small and run at half the rate.
  const double motion = 2 * MotionFlops(config);
  return motion / (motion + PaintingFlops(config));
}

double MeasureConvolutionRate() {
  const torch::NoGradGuard no_grad;
  constexpr int kChannels = 128, kSide = 32, kRounds = 4;
  const torch::Tensor x = torch::ones({2, kChannels, kSide, kSide});
  const torch::Tensor w = torch::ones({kChannels, kChannels, 3, 3});
  torch::conv2d(x, w);  // Sets up threads and kernels.
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < kRounds; ++i) torch::conv2d(x, w);
  const std::chrono::duration<double> seconds =
      std::chrono::steady_clock::now() - start;
  return kRounds *
         ConvFlops(kChannels, kChannels, 3, 2.0 * (kSide - 2) * (kSide - 2)) /
         seconds.count();
}

double ExpectedStepSeconds(const Config& config) {
  // The rest of the work (norms, warps, small maps) halves the rate.
  return 2 * StepFlops(config) / MeasureConvolutionRate();
}

}  // namespace pipelines
