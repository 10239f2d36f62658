// Tests of the devices of tests: that the stand-in computes what the CPU does,
// refuses what a GPU refuses, and counts where the host waits.
#include "networks/testing/devices.h"

#include <torch/nn/functional.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/copy_ahead.h"
#include "networks/testing/stand_in_device.h"
#include "networks/testing/tensor_near.h"

namespace networks::test_util {
namespace {

namespace F = torch::nn::functional;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using torch::Tensor;

class DevicesTest : public DeviceTest {
 protected:
  Tensor Draw(torch::IntArrayRef shape) const {
    torch::manual_seed(3);
    return torch::randn(shape).to(device()).requires_grad_();
  }
};

INSTANTIATE_ON_DEVICES(DevicesTest);

// What networks and losses are made of; 1e-5 is some roundings of sums of tens.
TEST_P(DevicesTest, ComputeAndDifferentiateAsTheCpuDoes) {
  const auto loss = [](const Tensor& x, const Tensor& weight) {
    Tensor y = torch::conv2d(x, weight, {}, 1, 1);
    y = torch::relu(
        torch::instance_norm(y, {}, {}, {}, {}, true, 0.1, 1e-5, false));
    y = torch::conv_transpose2d(y, weight);
    y = F::interpolate(y, F::InterpolateFuncOptions()
                              .scale_factor(std::vector<double>{2, 2})
                              .mode(torch::kBilinear)
                              .align_corners(false));
    const Tensor grid = torch::tanh(y.slice(1, 0, 2).permute({0, 2, 3, 1}));
    y = torch::grid_sampler(y, grid, 0, 0, true);
    y = torch::cat({y, y.flip(3)}, 1).reshape({2, -1, 4}).softmax(1);
    return torch::cdist(y, y.roll(1, 1)).mean() + y.var() +
           torch::linalg_inv(torch::eye(3, x.options()) +
                             0.1 * x.index({0}).mean() *
                                 torch::ones_like(torch::eye(3, x.options())))
               .sum();
  };
  const Tensor x = Draw({2, 4, 8, 8});
  const Tensor weight = Draw({4, 4, 3, 3});
  const Tensor value = loss(x, weight);
  EXPECT_EQ(value.device().type(), device().type());
  value.backward();
  const Tensor cpu_x = x.detach().cpu().requires_grad_();
  const Tensor cpu_weight = weight.detach().cpu().requires_grad_();
  const Tensor expected = loss(cpu_x, cpu_weight);
  expected.backward();
  EXPECT_THAT(value, TensorNear(expected, 1e-5));
  EXPECT_THAT(x.grad(), TensorNear(cpu_x.grad(), 1e-5));
  EXPECT_THAT(weight.grad(), TensorNear(cpu_weight.grad(), 1e-5));
}

TEST_P(DevicesTest, WriteIntoViewsOfTheirTensors) {
  const torch::NoGradGuard no_grad;
  Tensor x = torch::zeros({3, 4}, device());
  x.slice(1, 1, 3).add_(2);
  x.index_put_({1}, torch::full({4}, 5.f, device()));
  x.select(0, 2).copy_(torch::arange(4));
  const Tensor column = torch::tensor({3}, torch::kInt64).to(device());
  const Tensor last = x.index({torch::indexing::Slice(), column});
  EXPECT_TRUE(torch::equal(last.cpu(), torch::tensor({{0.f}, {5.f}, {3.f}})));
  EXPECT_TRUE(torch::equal(x.cpu(), torch::tensor({{0.f, 2.f, 2.f, 0.f},
                                                   {5.f, 5.f, 5.f, 5.f},
                                                   {0.f, 1.f, 2.f, 3.f}})));
}

TEST_P(DevicesTest, RefuseTensorsOfTheCpu) {
  if (device().is_cpu()) return;
  const Tensor x = torch::ones({2, 3, 8, 8}, device());
  EXPECT_THROW(x + torch::ones({8}), c10::Error);
  EXPECT_THROW(torch::cat({x, torch::ones({2, 3, 8, 8})}), c10::Error);
  EXPECT_THROW(torch::conv2d(x, torch::ones({3, 3, 1, 1})), c10::Error);
  // A number is none.
  EXPECT_EQ((x * torch::tensor(2.f)).sum().item<float>(), 2 * 2 * 3 * 64);
}

TEST(StandInDevice, TellsWhereTheHostWaits) {
  TakeWaits();
  const Tensor x = CopyAhead(torch::rand({4, 4}), StandInDevice());
  const Tensor sum = (x.matmul(x) + 1).sum();
  EXPECT_THAT(TakeWaits(), IsEmpty());
  EXPECT_GT(sum.item<float>(), 0);
  sum.cpu();
  torch::nonzero(x);
  x.index({x > 0.5});
  torch::rand({4}).to(StandInDevice());
  EXPECT_THAT(TakeWaits(),
              ElementsAre("item", "copy to the CPU", "aten::nonzero",
                          "aten::nonzero", "copy from the CPU"));
}

}  // namespace
}  // namespace networks::test_util
