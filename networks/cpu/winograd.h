// 3x3 convolutions by Winograd's minimal filtering, for inference on the CPU.
//
// F(4x4, 3x3) of [Winograd] Sec. 4: each 4x4 of outputs takes 36 products a
// pair of channels instead of 144. With G, B and A from there and g the 3x3
// weights,
//
//   Y = A^T [ sum_channels (G g G^T) * (B^T d B) ] A.
//
// What ours adds: normalisation and ReLU are applied as d is read, bias and
// residual as Y is written. And after up-sampling by repetition the rows of d
// are (a, b, b, c, c, d), for which row 2 of B^T d is 4 b - 4 b - c + c = 0:
// 25 products are left of the 36, 5.8 times fewer than the direct convolution.
#ifndef NETWORKS_CPU_WINOGRAD_H_
#define NETWORKS_CPU_WINOGRAD_H_

#include <torch/types.h>

#include "networks/cpu/convolution_input.h"
#include "networks/cpu/kernels.h"

namespace networks::cpu {

struct WinogradJob;

// The convolution with fixed weights, zero padding of 1 and stride 1. Immutable
// and safe to use from many threads. Memory: 4 times the weights.
class Winograd {
 public:
  // weight: [C', C, 3, 3] float32 on the CPU.
  Winograd(const Kernels& kernels, const torch::Tensor& weight);

  // Twin: torch::conv2d of the input described. `residual` [B, C', H', W'] is
  // added unless undefined. Returns [B, C', H', W'], channels_last, or into
  // `out`, which may be the residual and shares no memory with the image.
  // A pixel's value does not depend on the batch or the number of threads.
  torch::Tensor Apply(const ConvolutionInput& input, const torch::Tensor& bias,
                      const torch::Tensor& residual = {},
                      torch::Tensor out = {}) const;

  // Whether inference takes this rather than a direct convolution, for outputs
  // of `height` x `width`: where one image alone is faster so, since a choice
  // by the batch would let a pixel depend on it. Reading the transformed
  // weights, 4 times as many, costs about as much as the products of a dozen
  // tiles.
  static bool Worthwhile(int64_t height, int64_t width);

  // Whether this is faster for a batch of `batch` such images together: the
  // choice in training, where a sample need not have the same bits in any
  // batch.
  static bool WorthwhileTogether(int64_t batch, int64_t height, int64_t width);

 private:
  void RunStrip(const WinogradJob& job, int64_t begin, int64_t end) const;

  const Kernels& kernels_;
  int64_t in_channels_;
  int64_t out_channels_;
  torch::Tensor panels_;  // [36, panels, C, panel_width]
};

}  // namespace networks::cpu

#endif  // NETWORKS_CPU_WINOGRAD_H_
