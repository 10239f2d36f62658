#include "pipelines/optimizer/weight_average.h"

#include <torch/nn/modules/linear.h>
#include <torch/types.h>
#include <torch/utils.h>

#include "gtest/gtest.h"

namespace pipelines {
namespace {

TEST(WeightAverage, FollowsTheWeightsByItsFormula) {
  torch::nn::Linear layer(2, 1);
  const torch::NoGradGuard no_grad;
  layer->weight.fill_(1);
  WeightAverage average(*layer, 0.5);
  layer->weight.fill_(3);
  average.Update(1);  // d = 1 / 10
  EXPECT_NEAR(average.State()["weight"][0][0].item<double>(), 2.8, 1e-6);
  average.Update(1000);  // d = 0.5
  EXPECT_NEAR(average.State()["weight"][0][0].item<double>(), 2.9, 1e-6);
}

TEST(WeightAverage, ScopeLendsTheAverageAndGivesTheWeightsBack) {
  torch::manual_seed(1);
  torch::nn::Linear layer(3, 2);
  WeightAverage average(*layer, 0.9);
  {
    const torch::NoGradGuard no_grad;
    layer->weight.add_(0.1);
  }
  const torch::Tensor own = layer->weight.detach().clone();
  {
    const WeightAverage::Scope scope(&average);
    EXPECT_TRUE(torch::equal(layer->weight, average.State()["weight"]));
  }
  EXPECT_TRUE(torch::equal(layer->weight, own));
}

}  // namespace
}  // namespace pipelines
