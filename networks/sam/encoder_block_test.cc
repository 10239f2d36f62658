#include "networks/sam/encoder_block.h"

#include <torch/nn/functional.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>
#include <vector>

#include "gtest/gtest.h"
#include "networks/testing/fill.h"
#include "networks/testing/tensor_near.h"

namespace networks::sam {
namespace {

using test_util::FillSigned;
using test_util::TensorNear;
using torch::Tensor;

TEST(RelativePositions, AreTheRowsOfQueryMinusKey) {
  const Tensor table = FillSigned("table", {7, 2});  // -3 .. 3
  const Tensor positions = RelativePositions(table, 4);
  for (int64_t q = 0; q < 4; ++q) {
    for (int64_t k = 0; k < 4; ++k) {
      EXPECT_TRUE(torch::equal(positions[q][k], table[q - k + 3]));
    }
  }
  EXPECT_EQ(RelativePositions(table, 6).sizes(),
            (std::vector<int64_t>{6, 6, 2}));
}

// The attention of a block with windows stays within them.
TEST(EncoderBlock, SeesNothingOutsideItsWindow) {
  torch::NoGradGuard no_grad;
  EncoderBlock block(/*channels=*/8, /*heads=*/2, /*window_size=*/3,
                     /*map_size=*/3);
  test_util::FillModule("block/", *block);
  const Tensor map = FillSigned("map", {1, 6, 6, 8});
  Tensor changed = map.clone();
  changed.slice(1, 0, 3).slice(2, 3).add_(1);  // the window to the right
  const Tensor before = block(map), after = block(changed);
  using torch::indexing::Slice;
  const auto outside = [](const Tensor& m) {
    return torch::cat({m.index({0, Slice(0, 3), Slice(0, 3)}).flatten(),
                       m.index({0, Slice(3)}).flatten()});
  };
  EXPECT_TRUE(torch::equal(outside(before), outside(after)));
  EXPECT_FALSE(torch::equal(before, after));
}

// One window of the whole map is the attention to the whole map.
TEST(EncoderBlock, OfOneWindowSeesTheWholeMap) {
  torch::NoGradGuard no_grad;
  EncoderBlock windowed(8, 2, /*window_size=*/4, /*map_size=*/4);
  EncoderBlock whole(8, 2, /*window_size=*/0, /*map_size=*/4);
  test_util::FillModule("block/", *windowed);
  test_util::FillModule("block/", *whole);
  const Tensor map = FillSigned("map", {2, 4, 4, 8});
  EXPECT_THAT(windowed(map), TensorNear(whole(map), 1e-5));
}

// softmax(q k^T / sqrt(d) + q (row and column positions)) v, pair by pair.
TEST(MapAttention, IsThatOfItsDefinition) {
  torch::NoGradGuard no_grad;
  constexpr int64_t kChannels = 4, kSide = 3;
  MapAttention attention(kChannels, /*heads=*/1, kSide);
  test_util::FillModule("attention/", *attention);
  const Tensor map = FillSigned("map", {1, kSide, kSide, kChannels});
  const auto parameters = attention->named_parameters();
  const Tensor qkv = torch::nn::functional::linear(map.view({-1, kChannels}),
                                                   parameters["qkv.weight"],
                                                   parameters["qkv.bias"]);
  const Tensor rows = RelativePositions(parameters["rel_pos_h"], kSide);
  const Tensor columns = RelativePositions(parameters["rel_pos_w"], kSide);
  Tensor logits = torch::empty({kSide * kSide, kSide * kSide});
  for (int64_t i = 0; i < kSide * kSide; ++i) {
    for (int64_t j = 0; j < kSide * kSide; ++j) {
      const Tensor query = qkv[i].slice(0, 0, kChannels);
      const Tensor key = qkv[j].slice(0, kChannels, 2 * kChannels);
      logits[i][j] = query.dot(key) / std::sqrt(double{kChannels}) +
                     query.dot(rows[i / kSide][j / kSide]) +
                     query.dot(columns[i % kSide][j % kSide]);
    }
  }
  const Tensor attended = torch::nn::functional::linear(
      logits.softmax(1).mm(qkv.slice(1, 2 * kChannels)),
      parameters["proj.weight"], parameters["proj.bias"]);
  EXPECT_THAT(attention(map).view({-1, kChannels}), TensorNear(attended, 1e-5));
}

}  // namespace
}  // namespace networks::sam
