#include "networks/cpu/fold_convolution.h"

#include <torch/types.h>

#include "networks/cpu/pixels.h"

namespace networks::cpu {
namespace {

// With three outputs LibTorch's convolutions take as long
// (fold_convolution_benchmark).
constexpr int64_t kMostOutputs = 1;
constexpr int64_t kLeastKernelSize = 5;

}  // namespace

bool FoldConvolutionServes(const torch::Tensor& image,
                           const torch::Tensor& weight) {
  return AvailableInTraining(image) && weight.size(0) <= kMostOutputs &&
         weight.size(2) >= kLeastKernelSize;
}

torch::Tensor FoldConvolution(const torch::Tensor& image,
                              const torch::Tensor& weight,
                              const torch::Tensor& bias) {
  const int64_t k = weight.size(2);
  // [C' k k, C]: what an input gives to the output at (dy, dx) from it has the
  // weight at (-dy, -dx).
  const torch::Tensor matrix =
      weight.flip({2, 3}).permute({0, 2, 3, 1}).flatten(0, 2);
  const torch::Tensor shares = torch::bmm(
      matrix.expand({image.size(0), -1, -1}), image.flatten(/*start_dim=*/2));
  const torch::Tensor sums =
      torch::col2im(shares, {image.size(2), image.size(3)}, {k, k},
                    /*dilation=*/{1, 1}, /*padding=*/{k / 2, k / 2},
                    /*stride=*/{1, 1});
  return sums + bias.view({1, -1, 1, 1});
}

}  // namespace networks::cpu
