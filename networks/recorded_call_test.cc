#include "networks/recorded_call.h"

#include <torch/types.h>
#include <torch/utils.h>

#include "gtest/gtest.h"
#include "networks/testing/devices.h"

namespace networks {
namespace {

using torch::Tensor;
using Tensors = RecordedCall::Tensors;

class RecordedCallTest : public test_util::DeviceTest {};

INSTANTIATE_ON_DEVICES(RecordedCallTest);

Tensors Twins(const Tensors& x) {
  return {torch::conv2d(x[0], x[1]).relu(), x[0].mean({2, 3})};
}

TEST_P(RecordedCallTest, IsTheFunction) {
  const torch::NoGradGuard no_grad;
  torch::manual_seed(0);
  const auto draw = [&] {
    return Tensors{torch::randn({2, 3, 8, 8}).to(device()),
                   torch::randn({4, 3, 3, 3}).to(device())};
  };
  RecordedCall call(Twins, draw());
  const Tensors first = draw(), second = draw();
  const Tensors of_first = call(first);
  const Tensors of_second = call(second);
  for (size_t i = 0; i < 2; ++i) {
    // The second call leaves what the first returned.
    EXPECT_TRUE(torch::allclose(of_first[i], Twins(first)[i], 1e-5, 1e-5)) << i;
    EXPECT_TRUE(torch::allclose(of_second[i], Twins(second)[i], 1e-5, 1e-5))
        << i;
  }
}

TEST_P(RecordedCallTest, RefusesOtherShapes) {
  if (!RecordedCall::IsRecorded(device())) return;  // an ordinary call
  const Tensor x = torch::zeros({2, 2}).to(device());
  RecordedCall call([](const Tensors& y) { return Tensors{y[0] + 1}; }, {x});
  EXPECT_THROW(call({torch::zeros({3, 2}).to(device())}), c10::Error);
  EXPECT_THROW(call({x, x}), c10::Error);
}

// Reading a value waits for the device, which no recording can.
TEST_P(RecordedCallTest, WorkGoesOnAfterWhatCannotBeRecorded) {
  if (!RecordedCall::IsRecorded(device())) return;
  const Tensor x = torch::ones({2, 2}).to(device());
  const auto waits = [](const Tensors& y) {
    return Tensors{y[0] * y[0].sum().item<float>()};
  };
  EXPECT_THROW(RecordedCall(waits, {x}), std::exception);
  EXPECT_EQ((x + x).sum().item<float>(), 8);
  RecordedCall call([](const Tensors& y) { return Tensors{y[0] + 1}; }, {x});
  EXPECT_EQ(call({x})[0].sum().item<float>(), 8);
}

}  // namespace
}  // namespace networks
