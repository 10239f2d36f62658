#include "networks/channels_last.h"

#include <torch/nn/modules/conv.h>
#include <torch/types.h>
#include <torch/utils.h>

#include "gtest/gtest.h"
#include "networks/testing/tensor_near.h"

namespace networks {
namespace {

TEST(PutChannelsLast, KeepsValuesAndResults) {
  torch::manual_seed(1);
  torch::nn::Conv2d convolution(torch::nn::Conv2dOptions(4, 8, 3));
  const torch::Tensor weight = convolution->weight.clone();
  const torch::Tensor x = torch::rand({2, 4, 9, 9});
  const torch::Tensor expected = convolution(x);
  PutChannelsLast(*convolution);
  EXPECT_TRUE(
      convolution->weight.is_contiguous(torch::MemoryFormat::ChannelsLast));
  EXPECT_TRUE(convolution->weight.requires_grad());
  EXPECT_TRUE(torch::equal(convolution->weight, weight));
  // Sums of 36 products of at most 1.
  EXPECT_THAT(convolution(x.contiguous(torch::MemoryFormat::ChannelsLast)),
              test_util::TensorNear(expected, 1e-5));
}

}  // namespace
}  // namespace networks
