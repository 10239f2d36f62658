#include "networks/sam/two_way_transformer.h"

#include <torch/nn/functional.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>
#include <vector>

#include "gtest/gtest.h"
#include "networks/sam/options.h"
#include "networks/testing/fill.h"
#include "networks/testing/tensor_near.h"

namespace networks::sam {
namespace {

using test_util::FillModule;
using test_util::FillSigned;
using test_util::TensorNear;
using torch::Tensor;

// Two orders of summing a few dozen products around 1 in float32.
constexpr double kTolerance = 1e-5;

constexpr int64_t kChannels = 16, kHeads = 4;

MaskDecoderOptions Small() {
  MaskDecoderOptions options;
  options.channels = kChannels;
  options.transformer_heads = kHeads;
  options.transformer_hidden_channels = 24;
  return options;
}

TwoWayTransformer Filled() {
  TwoWayTransformer transformer(Small());
  FillModule("transformer/", *transformer);
  return transformer;
}

CrossAttention FilledAttention(int64_t inner_channels) {
  CrossAttention attention(kChannels, inner_channels, kHeads);
  FillModule("attention/", *attention);
  return attention;
}

Tensor Linear(const Tensor& x, const CrossAttention& attention,
              const std::string& name) {
  const auto parameters = attention->named_parameters();
  return torch::nn::functional::linear(x, parameters[name + ".weight"],
                                       parameters[name + ".bias"]);
}

// softmax(q k^T / sqrt(d)) v, head by head.
TEST(CrossAttention, IsThatOfItsDefinition) {
  torch::NoGradGuard no_grad;
  for (const int64_t inner : {kChannels, kChannels / 2}) {
    const CrossAttention attention = FilledAttention(inner);
    const Tensor queries = FillSigned("queries", {1, 3, kChannels});
    const Tensor keys = FillSigned("keys", {1, 5, kChannels});
    const Tensor values = FillSigned("values", {1, 5, kChannels});
    const Tensor q = Linear(queries[0], attention, "q_proj");
    const Tensor k = Linear(keys[0], attention, "k_proj");
    const Tensor v = Linear(values[0], attention, "v_proj");
    const int64_t width = inner / kHeads;
    std::vector<Tensor> heads;
    for (int64_t head = 0; head < kHeads; ++head) {
      const auto part = [&](const Tensor& x) {
        return x.slice(1, head * width, (head + 1) * width);
      };
      const Tensor shares =
          (part(q).mm(part(k).t()) / std::sqrt(static_cast<double>(width)))
              .softmax(1);
      heads.push_back(shares.mm(part(v)));
    }
    const Tensor expected = Linear(torch::cat(heads, 1), attention, "out_proj");
    EXPECT_THAT(CrossAttention(attention)->forward(queries, keys, values)[0],
                TensorNear(expected, kTolerance));
  }
}

TEST(CrossAttention, TakesOneBatchForAll) {
  torch::NoGradGuard no_grad;
  CrossAttention attention = FilledAttention(kChannels / 2);
  const Tensor many = FillSigned("many", {3, 2, kChannels});
  const Tensor one = FillSigned("one", {1, 7, kChannels});
  const Tensor copies = one.expand({3, -1, -1}).contiguous();
  EXPECT_THAT(attention(many, one, one),
              TensorNear(attention(many, copies, copies), kTolerance));
  EXPECT_THAT(attention(one, many, many),
              TensorNear(attention(copies, many, many), kTolerance));
}

TEST(TwoWayTransformer, SharesAMapAsIfEachPromptHadItsOwn) {
  torch::NoGradGuard no_grad;
  TwoWayTransformer transformer = Filled();
  const Tensor map = FillSigned("map", {1, kChannels, 3, 4});
  const Tensor positions = FillSigned("positions", {1, kChannels, 3, 4});
  const Tensor tokens = FillSigned("tokens", {3, 5, kChannels});
  const TokensAndMap shared = transformer(map, positions, tokens);
  EXPECT_EQ(shared.tokens.sizes(), tokens.sizes());
  EXPECT_EQ(shared.map.sizes(), (std::vector<int64_t>{3, 12, kChannels}));
  const TokensAndMap own =
      transformer(map.expand({3, -1, -1, -1}).contiguous(), positions, tokens);
  EXPECT_THAT(shared.tokens, TensorNear(own.tokens, kTolerance));
  EXPECT_THAT(shared.map, TensorNear(own.map, kTolerance));
}

TEST(TwoWayTransformer, TreatsEachPromptForItself) {
  torch::NoGradGuard no_grad;
  TwoWayTransformer transformer = Filled();
  const Tensor map = FillSigned("map", {1, kChannels, 3, 4});
  const Tensor positions = FillSigned("positions", {1, kChannels, 3, 4});
  const Tensor tokens = FillSigned("tokens", {3, 5, kChannels});
  const TokensAndMap together = transformer(map, positions, tokens);
  for (int64_t i = 0; i < 3; ++i) {
    const TokensAndMap alone =
        transformer(map, positions, tokens.slice(0, i, i + 1));
    EXPECT_THAT(alone.tokens[0], TensorNear(together.tokens[i], kTolerance));
    EXPECT_THAT(alone.map[0], TensorNear(together.map[i], kTolerance));
  }
}

// A cell is known by its position alone, and a token by its embedding: another
// order of either gives the same in that order.
TEST(TwoWayTransformer, KnowsNoOrderOfCellsAndTokens) {
  torch::NoGradGuard no_grad;
  TwoWayTransformer transformer = Filled();
  const Tensor map = FillSigned("map", {1, kChannels, 1, 12});
  const Tensor positions = FillSigned("positions", {1, kChannels, 1, 12});
  const Tensor tokens = FillSigned("tokens", {2, 5, kChannels});
  const Tensor cells = torch::tensor({7, 2, 11, 0, 5, 3, 9, 1, 10, 4, 8, 6});
  const Tensor order = torch::tensor({3, 0, 4, 1, 2});
  const TokensAndMap before = transformer(map, positions, tokens);
  const TokensAndMap after =
      transformer(map.index_select(3, cells), positions.index_select(3, cells),
                  tokens.index_select(1, order));
  EXPECT_THAT(after.tokens,
              TensorNear(before.tokens.index_select(1, order), kTolerance));
  EXPECT_THAT(after.map,
              TensorNear(before.map.index_select(1, cells), kTolerance));
}

// The first layer's self-attention replaces the tokens and knows no positions;
// that of the others is added and knows them.
TEST(TwoWayBlock, OfTheFirstLayerAttendsToTokensWithoutPositions) {
  torch::NoGradGuard no_grad;
  TwoWayBlock first(Small(), /*first=*/true), later(Small(), /*first=*/false);
  FillModule("block/", *first);
  FillModule("block/", *later);
  const TokensAndMap state{FillSigned("tokens", {1, 4, kChannels}),
                           FillSigned("map", {1, 6, kChannels})};
  const TokensAndMap nowhere{torch::zeros({1, 4, kChannels}),
                             torch::zeros({1, 6, kChannels})};
  EXPECT_FALSE(torch::allclose(first(state, nowhere).tokens,
                               later(state, nowhere).tokens, 1e-3, 1e-3));
  // Without self-attention's output both differ by the tokens themselves only.
  for (TwoWayBlock block : {first, later}) {
    block->named_parameters()["self_attn.out_proj.weight"].zero_();
    block->named_parameters()["self_attn.out_proj.bias"].zero_();
  }
  const TokensAndMap nothing{torch::zeros_like(state.tokens), state.map};
  EXPECT_TRUE(torch::equal(first(state, nowhere).tokens,
                           later(nothing, nowhere).tokens));
}

}  // namespace
}  // namespace networks::sam
