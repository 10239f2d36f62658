#include "networks/transformer/attention.h"

#include <ATen/CPUGeneratorImpl.h>
#include <torch/autograd.h>
#include <torch/types.h>

#include <vector>

#include "gtest/gtest.h"
#include "networks/testing/tensor_near.h"

namespace networks::transformer {
namespace {

using networks::test_util::TensorNear;
using torch::Tensor;

constexpr int64_t kHeads = 3, kQueries = 7, kRows = 2, kColumns = 5;
constexpr int64_t kKeys = kRows * kColumns;
constexpr double kScale = 0.4;
// Sums of at most 10 products of numbers around 1, in float64.
constexpr double kDoubleTolerance = 1e-12;

Tensor Random(at::IntArrayRef shape, int64_t seed) {
  return torch::randn(shape, at::make_generator<at::CPUGeneratorImpl>(seed),
                      torch::kFloat64);
}

struct Case {
  Tensor query = Random({kHeads, kQueries, 4}, 1);
  Tensor key = Random({kHeads, kKeys, 4}, 2);
  Tensor value = Random({kHeads, kKeys, 6}, 3);
  DecomposedBias bias{Random({kHeads, kQueries, kRows}, 4),
                      Random({kHeads, kQueries, kColumns}, 5)};

  std::vector<Tensor> Leaves() const {
    return {query, key, value, bias.rows, bias.columns};
  }
};

// The whole of the scores at once, by autograd.
Tensor Dense(const Case& c) {
  const Tensor bias =
      (c.bias.rows.unsqueeze(-1) + c.bias.columns.unsqueeze(-2)).flatten(2);
  return torch::bmm(
      (torch::bmm(c.query, c.key.transpose(1, 2)) * kScale + bias).softmax(-1),
      c.value);
}

// From one query at a time to everything at once; 140 holds two heads.
class AttentionTest : public ::testing::TestWithParam<int64_t> {};
INSTANTIATE_TEST_SUITE_P(Blocks, AttentionTest,
                         ::testing::Values(1, 25, 69, 70, 140, 1 << 20));

TEST_P(AttentionTest, EqualsTheDenseOne) {
  const Case c;
  EXPECT_THAT(
      AttendInBlocks(c.query, c.key, c.value, kScale, c.bias, GetParam()),
      TensorNear(Dense(c), kDoubleTolerance));
}

TEST_P(AttentionTest, HasTheDenseOnesGradients) {
  Case c;
  for (Tensor leaf : c.Leaves()) leaf.requires_grad_();
  const Tensor cotangent = Random({kHeads, kQueries, 6}, 6);
  const auto gradients = [&](const Tensor& output) {
    return torch::autograd::grad({output}, c.Leaves(), {cotangent});
  };
  const auto expected = gradients(Dense(c));
  const auto actual = gradients(
      AttendInBlocks(c.query, c.key, c.value, kScale, c.bias, GetParam()));
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_THAT(actual[i], TensorNear(expected[i], kDoubleTolerance))
        << "input " << i;
  }
}

TEST(Attention, WithoutBiasAveragesTheValuesByTheMaps) {
  const Case c;
  const Tensor maps = AttentionMaps(c.query, c.key, kScale);
  EXPECT_THAT(maps.sum(-1),
              TensorNear(torch::ones({kHeads, kQueries}, torch::kFloat64),
                         kDoubleTolerance));
  EXPECT_THAT(Attend(c.query, c.key, c.value, kScale),
              TensorNear(torch::bmm(maps, c.value), kDoubleTolerance));
}

TEST(Attention, OfNoQueriesIsEmpty) {
  const Case c;
  const Tensor none = c.query.narrow(1, 0, 0);
  EXPECT_EQ(Attend(none, c.key, c.value, kScale).sizes(),
            (std::vector<int64_t>{kHeads, 0, 6}));
}

TEST(Attention, RefusesHalfABias) {
  const Case c;
  EXPECT_THROW(Attend(c.query, c.key, c.value, kScale, {c.bias.rows, {}}),
               c10::Error);
}

}  // namespace
}  // namespace networks::transformer
