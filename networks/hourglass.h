// The hourglass: a U-shaped network that keeps every resolution it passes.
//
// Source: [FOMM], Hourglass in modules/util.py of its code, as [TPS] and
// [CPABMM] have it.
#ifndef NETWORKS_HOURGLASS_H_
#define NETWORKS_HOURGLASS_H_

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "networks/blocks.h"

namespace networks {

struct HourglassOptions {
  int64_t in_channels = 3;  // of the input
  int64_t block_expansion =
      64;                      // channels at the input's size; twice a halving
  int64_t max_features = 256;  // the most channels of any map
  int64_t num_blocks = 3;      // halvings of the size
};

// x -> DownBlock2d x num_blocks -> (UpBlock2d, then append the encoder's map of
// that size, last of all x itself) x num_blocks.
//
// forward: [B, in_channels, H, W], H and W divisible by 2^num_blocks -> the
// num_blocks maps after each of these steps, smallest first; the last is
// [B, block_expansion + in_channels, H, W].
// Parameters: encoder.down_blocks.<i>, decoder.up_blocks.<i>.
class HourglassImpl : public torch::nn::Module {
 public:
  explicit HourglassImpl(const HourglassOptions& options);

  std::vector<torch::Tensor> forward(const torch::Tensor& x);

  // Channels of the decoder's input and of each map that forward returns:
  // num_blocks + 1 numbers.
  const std::vector<int64_t>& out_channels() const { return out_channels_; }

 private:
  std::vector<DownBlock2d> down_blocks_;
  std::vector<UpBlock2d> up_blocks_;
  std::vector<int64_t> out_channels_;
};
TORCH_MODULE(Hourglass);

}  // namespace networks

#endif  // NETWORKS_HOURGLASS_H_
