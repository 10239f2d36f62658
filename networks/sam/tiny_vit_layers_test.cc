#include "networks/sam/tiny_vit_layers.h"

#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <cstdlib>
#include <vector>

#include "gtest/gtest.h"
#include "networks/testing/fill.h"
#include "networks/testing/tensor_near.h"

namespace networks::sam {
namespace {

using test_util::FillSigned;
using test_util::TensorNear;
using torch::Tensor;

TEST(ConvNorm, IsAConvolutionAndABatchNormThatDoesNotLearn) {
  torch::NoGradGuard no_grad;
  ConvNorm layer(4, 6, 3, 2, 2);
  test_util::FillModule("layer/", *layer);
  const Tensor map = FillSigned("map", {2, 5, 7, 4});
  const auto parts = layer->named_children();
  auto* const conv = parts["c"]->as<torch::nn::Conv2d>();
  auto* const norm = parts["bn"]->as<torch::nn::BatchNorm2d>();
  norm->eval();
  const Tensor expected =
      norm->forward(conv->forward(map.permute({0, 3, 1, 2})))
          .permute({0, 2, 3, 1});
  layer->train();
  EXPECT_EQ(expected.sizes(), (std::vector<int64_t>{2, 3, 4, 6}));
  // Sums of 18 products around 1.
  EXPECT_THAT(layer(map), TensorNear(expected, 1e-5));
}

TEST(WindowBiases, AreThoseOfTheDistanceAlongEachAxis) {
  const Tensor table = FillSigned("table", {2, 9});
  const Tensor biases = WindowBiases(table, 3);
  ASSERT_EQ(biases.sizes(), (std::vector<int64_t>{2, 9, 9}));
  for (int64_t p = 0; p < 9; ++p) {
    for (int64_t q = 0; q < 9; ++q) {
      const int64_t y = std::abs(p / 3 - q / 3), x = std::abs(p % 3 - q % 3);
      EXPECT_TRUE(torch::equal(biases.select(1, p).select(1, q),
                               table.select(1, 3 * y + x)));
    }
  }
}

}  // namespace
}  // namespace networks::sam
