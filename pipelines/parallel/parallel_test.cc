// Processes are threads here: see testing_group.h.
#include <torch/nn/modules/batchnorm.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <memory>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/batch_norm.h"
#include "networks/testing/tensor_near.h"
#include "pipelines/parallel/process_group.h"
#include "pipelines/parallel/testing_group.h"

namespace pipelines::parallel {
namespace {

using ::networks::test_util::TensorNear;

torch::Tensor RandomInput(int64_t batch) {
  torch::manual_seed(5);
  return torch::randn({batch, 3, 4, 5}) * 2 + 7;
}

// Forward, gradients and running statistics. Values of order 1 to 10, sums of
// 160 of them: 1e-5 is a hundred roundings.
TEST(BatchNorm, OfSeveralProcessesIsThatOfTheirBatchesTogether) {
  constexpr double kTolerance = 1e-5;
  const torch::Tensor x = RandomInput(8);
  torch::manual_seed(6);
  const torch::Tensor weights = torch::randn({8, 3, 4, 5});
  networks::BatchNorm2d whole(3);
  const torch::Tensor whole_x = x.clone().requires_grad_();
  const torch::Tensor expected = whole(whole_x);
  (expected * weights).sum().backward();
  RunTogether(2, [&](const std::shared_ptr<ProcessGroup>& group) {
    networks::BatchNorm2d part(3);
    part->ShareStatistics(
        [group](const torch::Tensor& t) { return group->DifferentiableSum(t); },
        group->size());
    const torch::Tensor part_x = Part(x, *group).clone().requires_grad_();
    const torch::Tensor output = part(part_x);
    (output * Part(weights, *group)).sum().backward();
    EXPECT_THAT(output, TensorNear(Part(expected, *group), kTolerance));
    EXPECT_THAT(part_x.grad(),
                TensorNear(Part(whole_x.grad(), *group), kTolerance));
    EXPECT_THAT(part->running_mean,
                TensorNear(whole->running_mean, kTolerance));
    EXPECT_THAT(part->running_var, TensorNear(whole->running_var, kTolerance));
    EXPECT_EQ(part->num_batches_tracked.item<int64_t>(), 1);
    const torch::Tensor gradient = part->weight.grad().clone();
    group->Sum(gradient);
    // Sums over the batch, ten times larger.
    EXPECT_THAT(gradient, TensorNear(whole->weight.grad(), 10 * kTolerance));
  });
}

// As under autocast: of one type with what came in, by statistics in float32.
TEST(BatchNorm, OfSeveralProcessesKeepsFloat32StatisticsOfBfloat16) {
  const torch::Tensor x = RandomInput(8).to(torch::kBFloat16);
  networks::BatchNorm2d whole(3);
  whole(x.to(torch::kFloat32));
  RunTogether(2, [&](const std::shared_ptr<ProcessGroup>& group) {
    networks::BatchNorm2d part(3);
    part->ShareStatistics(
        [group](const torch::Tensor& t) { return group->DifferentiableSum(t); },
        group->size());
    EXPECT_EQ(part(Part(x, *group)).scalar_type(), torch::kBFloat16);
    EXPECT_THAT(part->running_mean, TensorNear(whole->running_mean, 1e-5));
    EXPECT_THAT(part->running_var, TensorNear(whole->running_var, 1e-5));
  });
}

TEST(BatchNorm, AloneIsLibTorchs) {
  const torch::Tensor x = RandomInput(4);
  networks::BatchNorm2d ours(3);
  torch::nn::BatchNorm2d theirs(3);
  EXPECT_TRUE(torch::equal(ours(x), theirs(x)));
  const torch::Tensor pixel = torch::ones({1, 3, 1, 1});
  EXPECT_THROW(theirs(pixel), c10::Error);
  EXPECT_THROW(ours(pixel), c10::Error);
  ours->eval();
  theirs->eval();
  EXPECT_TRUE(torch::equal(ours(x), theirs(x)));
}

}  // namespace
}  // namespace pipelines::parallel
