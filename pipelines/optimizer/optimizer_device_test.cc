// Adam and the average of weights on each kind of device.
#include <torch/nn/modules/linear.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <map>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/testing/devices.h"
#include "networks/testing/tensor_near.h"
#include "pipelines/optimizer/adam.h"
#include "pipelines/optimizer/weight_average.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

class OptimizerDeviceTest : public networks::test_util::DeviceTest {};

INSTANTIATE_ON_DEVICES(OptimizerDeviceTest);

// As a checkpoint has it.
std::map<std::string, torch::Tensor> OnHost(
    std::map<std::string, torch::Tensor> state) {
  for (auto& [name, value] : state) value = value.cpu();
  return state;
}

// The weights and their average after some steps, between which a run ends and
// another one goes on from its checkpoint.
torch::Tensor Train(torch::Device device) {
  torch::manual_seed(1);
  torch::nn::Linear layer(3, 2);
  const torch::Tensor x = torch::rand({4, 3}).to(device);
  layer->to(device);
  Adam adam(*layer, AdamOptions());
  WeightAverage average(*layer, /*decay=*/0.9);
  for (int step = 1; step <= 4; ++step) {
    adam.ZeroGrad();
    layer(x).square().sum().backward();
    ClipGradients(*layer, LargestGradient(*layer).item<double>(), /*max=*/0.5);
    adam.Step(/*learning_rate=*/0.01);
    average.Update(step);
    EXPECT_THAT(adam.SetState(OnHost(adam.State())), IsOk());
    EXPECT_THAT(average.SetState(OnHost(average.State())), IsOk());
  }
  const torch::Tensor weight = layer->weight.detach().cpu().clone();
  const WeightAverage::Scope scope(&average);
  return torch::stack({weight, layer->weight.detach().cpu()});
}

// Roundings of some steps.
TEST_P(OptimizerDeviceTest, StepsAsOnTheCpu) {
  EXPECT_THAT(Train(device()),
              networks::test_util::TensorNear(Train(torch::kCPU), 1e-5));
}

}  // namespace
}  // namespace pipelines
