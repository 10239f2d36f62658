#include "networks/dino/block.h"

#include <torch/nn/functional.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "gtest/gtest.h"
#include "networks/testing/fill.h"
#include "networks/testing/tensor_near.h"

namespace networks::dino {
namespace {

using test_util::FillSigned;
using test_util::TensorNear;
using torch::Tensor;

constexpr int64_t kChannels = 12, kHeads = 3, kTokens = 5;

// Two orders of summing a few dozen products around 1 in float32.
constexpr double kTolerance = 1e-5;

template <typename Module>
Module Filled(Module module) {
  test_util::FillModule("block/", *module);
  return module;
}

// softmax(q k^T / sqrt(d)) v, sample by sample and head by head.
TEST(SelfAttention, IsThatOfItsDefinition) {
  torch::NoGradGuard no_grad;
  SelfAttention attention = Filled(SelfAttention(kChannels, kHeads));
  const Tensor tokens = FillSigned("tokens", {2, kTokens, kChannels});
  const QueriesKeysValues qkv = attention->Split(tokens);
  const Tensor maps = attention->Maps(qkv);
  ASSERT_EQ(maps.sizes(), (std::vector<int64_t>{2, kHeads, kTokens, kTokens}));
  const auto parameters = attention->named_parameters();
  const double scale = 1 / std::sqrt(static_cast<double>(kChannels / kHeads));
  std::vector<Tensor> samples;
  for (int64_t b = 0; b < 2; ++b) {
    std::vector<Tensor> heads;
    for (int64_t h = 0; h < kHeads; ++h) {
      const Tensor shares =
          (scale * qkv.queries[b][h].mm(qkv.keys[b][h].t())).softmax(1);
      EXPECT_THAT(maps[b][h], TensorNear(shares, kTolerance));
      heads.push_back(shares.mm(qkv.values[b][h]));
    }
    samples.push_back(torch::cat(heads, 1));
  }
  const Tensor expected = torch::nn::functional::linear(
      torch::stack(samples), parameters["proj.weight"],
      parameters["proj.bias"]);
  EXPECT_THAT(attention(qkv), TensorNear(expected, kTolerance));
}

// Queries, keys and values lie behind each other, each in its heads.
TEST(SelfAttention, SplitsTheProjectionOfTheTokens) {
  torch::NoGradGuard no_grad;
  SelfAttention attention = Filled(SelfAttention(kChannels, kHeads));
  const Tensor tokens = FillSigned("tokens", {2, kTokens, kChannels});
  const auto parameters = attention->named_parameters();
  const Tensor all = torch::nn::functional::linear(
      tokens, parameters["qkv.weight"], parameters["qkv.bias"]);
  const QueriesKeysValues qkv = attention->Split(tokens);
  const auto joined = [](const Tensor& per_head) {
    return per_head.transpose(1, 2).flatten(2);
  };
  EXPECT_THAT(
      torch::cat({joined(qkv.queries), joined(qkv.keys), joined(qkv.values)},
                 2),
      TensorNear(all, kTolerance));
}

TEST(Block, WithScalesOfOneIsTheBlockWithoutScales) {
  torch::NoGradGuard no_grad;
  Block plain(kChannels, kHeads, /*layer_scale=*/false);
  Block scaled(kChannels, kHeads, /*layer_scale=*/true);
  Filled(plain);
  Filled(scaled);
  for (const char* name : {"ls1.gamma", "ls2.gamma"}) {
    ASSERT_NE(scaled->named_parameters().find(name), nullptr);
    EXPECT_EQ(plain->named_parameters().find(name), nullptr);
    scaled->named_parameters()[name].fill_(1);
  }
  const Tensor tokens = FillSigned("tokens", {1, kTokens, kChannels});
  EXPECT_THAT(scaled(tokens, scaled->Split(tokens)),
              TensorNear(plain(tokens, plain->Split(tokens)), kTolerance));
}

// With scales of zero nothing is added.
TEST(Block, IsTheIdentityWhereNothingIsAdded) {
  torch::NoGradGuard no_grad;
  Block block = Filled(Block(kChannels, kHeads, /*layer_scale=*/true));
  for (const char* name : {"ls1.gamma", "ls2.gamma"}) {
    block->named_parameters()[name].zero_();
  }
  const Tensor tokens = FillSigned("tokens", {1, kTokens, kChannels});
  EXPECT_TRUE(torch::equal(block(tokens, block->Split(tokens)), tokens));
}

}  // namespace
}  // namespace networks::dino
