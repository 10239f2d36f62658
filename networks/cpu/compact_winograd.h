// Winograd's method (networks/cpu/winograd.h) for small images of many
// channels, without transformed weights in memory.
//
// A panel of weights is transformed when it is needed, for all tiles together.
// For few tiles the products take about as long as reading transformed weights,
// which are 4 times as many, from memory, so that this costs little time on one
// thread; and threads share the panels, so that each weight is read once,
// whereas those that share the tiles read all weights each.
#ifndef NETWORKS_CPU_COMPACT_WINOGRAD_H_
#define NETWORKS_CPU_COMPACT_WINOGRAD_H_

#include <torch/types.h>

#include <cstdint>

#include "networks/cpu/convolution_input.h"
#include "networks/cpu/kernels.h"

namespace networks::cpu {

struct WinogradJob;

// As Winograd, with the same results to the bit. Immutable and safe to use from
// many threads. Memory: as much as the weights.
class CompactWinograd {
 public:
  // weight: [C', C, 3, 3] float32 on the CPU.
  CompactWinograd(const Kernels& kernels, const torch::Tensor& weight);

  torch::Tensor Apply(const ConvolutionInput& input, const torch::Tensor& bias,
                      const torch::Tensor& residual = {},
                      torch::Tensor out = {}) const;

  // Whether inference takes this rather than Winograd, for outputs of
  // [out_channels, height, width]. By the size of one image, so that a layer
  // keeps its weights in one form.
  static bool Worthwhile(int64_t in_channels, int64_t out_channels,
                         int64_t height, int64_t width);

 private:
  void RunTiles(const WinogradJob& job, int64_t begin, int64_t end) const;
  void MultiplyPanel(const WinogradJob& job, int64_t panel, int64_t tiles,
                     const TileBuffer& inputs, float* weights,
                     const TileBuffer& products) const;

  const Kernels& kernels_;
  int64_t in_channels_;
  int64_t out_channels_;
  torch::Tensor panels_;  // [panels, C * 9, panel_width]
};

}  // namespace networks::cpu

#endif  // NETWORKS_CPU_COMPACT_WINOGRAD_H_
