#include "networks/recompute.h"

#include <c10/util/intrusive_ptr.h>
#include <torch/autograd.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <vector>

#include "gtest/gtest.h"
#include "networks/blocks.h"
#include "networks/inpainting.h"
#include "networks/testing/bfloat16_autocast.h"
#include "networks/testing/devices.h"
#include "networks/testing/fill.h"
#include "networks/testing/graph.h"
#include "third_party/libtorch/autocast_state.h"

namespace networks {
namespace {

using torch::Tensor;
using WeakTensor = c10::weak_intrusive_ptr<c10::TensorImpl>;

Tensor Signed(const char* name, torch::IntArrayRef shape,
              torch::Device device = torch::kCPU) {
  return test_util::FillSigned(name, shape).to(device).requires_grad_();
}

TEST(Recomputed, KeepsInputsAndOutputsOnly) {
  const Tensor x = Signed("x", {4});
  std::vector<WeakTensor> between;
  const auto function = [&](const Tensors& inputs) -> Tensors {
    const Tensor hidden = inputs[0] * inputs[0];
    between.emplace_back(hidden.getIntrusivePtr());
    return {hidden.sin()};
  };
  {
    const RecomputeScope off(false);
    const Tensors kept = Recomputed({x}, {}, function);
    EXPECT_FALSE(between.back().expired());
  }
  const RecomputeScope on(true);
  const Tensors outputs = Recomputed({x}, {}, function);
  EXPECT_TRUE(between.back().expired());
  outputs[0].sum().backward();
  EXPECT_EQ(between.size(), 3u);
  const Tensor y = x.detach();
  EXPECT_TRUE(torch::allclose(x.grad(), 2 * y * (y * y).cos()));
}

TEST(Recomputed, CallsOnceWhereNothingIsDifferentiated) {
  const RecomputeScope on(true);
  const torch::NoGradGuard no_grad;
  EXPECT_FALSE(Recomputes());
  int calls = 0;
  const Tensors outputs =
      Recomputed({torch::ones({2})}, {}, [&](const Tensors& inputs) -> Tensors {
        ++calls;
        return {inputs[0] + 1};
      });
  EXPECT_EQ(calls, 1);
  EXPECT_FALSE(outputs[0].requires_grad());
}

TEST(Recomputed, LeavesOutWhatHasNoGradient) {
  const RecomputeScope on(true);
  const Tensor x = Signed("x", {3});
  const Tensor fixed = x.detach();
  const Tensor unused = Signed("unused", {3});
  const Tensors outputs =
      Recomputed({fixed, x}, {unused}, [](const Tensors& inputs) -> Tensors {
        return {inputs[0] * inputs[1], inputs[0] + 1};
      });
  (outputs[0].sum() + outputs[1].sum()).backward();
  EXPECT_TRUE(torch::equal(x.grad(), fixed));
  EXPECT_FALSE(fixed.grad().defined());
  EXPECT_FALSE(unused.grad().defined() && unused.grad().any().item<bool>());
}

// The scopes of the forward pass are over when the backward pass runs.
TEST(Recomputed, ComputesAgainAsTheFirstTime) {
  const Tensor x = Signed("x", {8, 8});
  const Tensor weight = Signed("weight", {8, 8});
  std::vector<bool> large;
  const auto gradient_and_value = [&](bool recompute) {
    Tensor value;
    {
      const RecomputeScope scope(recompute);
      const test_util::BFloat16Autocast autocast;
      const LargeConvolutionScope allowed(true);
      value = Recomputed({x}, {weight}, [&](const Tensors& inputs) -> Tensors {
        large.push_back(cpu::LargeConvolutionScope::IsAllowed());
        return {torch::mm(torch::mm(inputs[0], weight), weight)};
      })[0];
    }
    const Tensors gradients = torch::autograd::grad(
        {value.to(torch::kFloat32).square().sum()}, {x, weight});
    return Tensors{value, gradients[0], gradients[1]};
  };
  const Tensors kept = gradient_and_value(false);
  const Tensors recomputed = gradient_and_value(true);
  EXPECT_EQ(kept[0].scalar_type(), torch::kBFloat16);
  for (size_t i = 0; i < kept.size(); ++i) {
    EXPECT_TRUE(torch::equal(kept[i], recomputed[i])) << i;
  }
  EXPECT_EQ(large, std::vector<bool>(3, true));
  EXPECT_FALSE(libtorch::IsAutocastOn(torch::kCPU));
  EXPECT_FALSE(cpu::LargeConvolutionScope::IsAllowed());
}

class RecomputedNetworkTest : public test_util::DeviceTest {
 protected:
  // The prediction, then gradients of inputs and parameters.
  Tensors PredictionAndGradients(bool recompute) {
    InpaintingNetwork network(InpaintingOptions{8, 32, 2, true});
    test_util::FillModule("", *network);
    network->to(device());
    Tensors sources = {test_util::FillUniform("source", {2, 3, 16, 16}),
                       test_util::FillSigned("grid", {2, 8, 8, 2}),
                       test_util::FillUniform("occlusion0", {2, 1, 4, 4}),
                       test_util::FillUniform("occlusion1", {2, 1, 8, 8}),
                       test_util::FillUniform("occlusion2", {2, 1, 16, 16})};
    for (Tensor& source : sources) {
      source = source.to(device()).requires_grad_();
    }
    Tensor prediction;
    {
      const RecomputeScope scope(recompute);
      prediction = network
                       ->forward(sources[0], sources[1],
                                 {sources[2], sources[3], sources[4]}, false)
                       .prediction;
    }
    for (const Tensor& parameter : network->parameters()) {
      sources.push_back(parameter);
    }
    num_parts_ = test_util::CountNodes(prediction, "RecomputedFunction");
    prediction.square().sum().backward();
    Tensors result = {prediction};
    for (const Tensor& source : sources) result.push_back(source.grad());
    return result;
  }

  int num_parts_ = 0;  // that the last call recomputes
};
INSTANTIATE_ON_DEVICES(RecomputedNetworkTest);

TEST_P(RecomputedNetworkTest, HasTheSameGradients) {
  const Tensors kept = PredictionAndGradients(false);
  EXPECT_EQ(num_parts_, 0);
  const Tensors recomputed = PredictionAndGradients(true);
  // first, two blocks of the encoder, two residual and one block a level.
  EXPECT_EQ(num_parts_, 3 + 2 * 3);
  ASSERT_EQ(kept.size(), recomputed.size());
  for (size_t i = 0; i < kept.size(); ++i) {
    // A GPU adds up a warp's gradients in any order.
    EXPECT_TRUE(device().is_cuda()
                    ? torch::allclose(kept[i], recomputed[i], 1e-4, 1e-5)
                    : torch::equal(kept[i], recomputed[i]))
        << i;
  }
}

}  // namespace
}  // namespace networks
