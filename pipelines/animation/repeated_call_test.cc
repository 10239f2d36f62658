#include "pipelines/animation/repeated_call.h"

#include <torch/types.h>
#include <torch/utils.h>

#include "gtest/gtest.h"
#include "networks/recorded_call.h"
#include "networks/testing/devices.h"

namespace pipelines {
namespace {

using networks::RecordedCall;
using torch::Tensor;
using Tensors = RecordedCall::Tensors;

class RepeatedCallTest : public networks::test_util::DeviceTest {
 protected:
  // Input times subject, by `call`; counts how often it was computed.
  float Product(RepeatedCall& call, const Tensor& subject, float input,
                int64_t size = 1) {
    const Tensor x = torch::full({size}, input).to(device());
    return call({subject}, x,
                [this, subject](const Tensors& inputs) {
                  ++computed_;
                  return Tensors{inputs[0] * subject};
                })[0]
        .sum()
        .item<float>();
  }

  int computed_ = 0;
};

INSTANTIATE_ON_DEVICES(RepeatedCallTest);

TEST_P(RepeatedCallTest, IsTheFunctionOfEachSubjectAndShape) {
  const torch::NoGradGuard no_grad;
  const Tensor two = torch::full({1}, 2.f).to(device());
  const Tensor three = torch::full({1}, 3.f).to(device());
  RepeatedCall call;
  for (int x = 0; x < 2 * RepeatedCall::kCallsBefore; ++x) {
    EXPECT_EQ(Product(call, two, x), 2 * x);
  }
  for (int x = 0; x < 2 * RepeatedCall::kCallsBefore; ++x) {
    EXPECT_EQ(Product(call, three, x), 3 * x);
  }
  EXPECT_EQ(Product(call, three, 1, 4), 12);
  EXPECT_EQ(Product(call, two, 5), 10);
}

TEST_P(RepeatedCallTest, RecordsWhatRepeats) {
  const torch::NoGradGuard no_grad;
  const Tensor two = torch::full({1}, 2.f).to(device());
  RepeatedCall call;
  for (int i = 0; i < RepeatedCall::kCallsBefore; ++i) Product(call, two, i);
  EXPECT_EQ(computed_, RepeatedCall::kCallsBefore);
  Product(call, two, 2);
  const int when_recorded = computed_;
  Product(call, two, 3);
  EXPECT_EQ(computed_, RecordedCall::IsRecorded(device()) ? when_recorded
                                                          : when_recorded + 1);
}

TEST_P(RepeatedCallTest, GoesOnWhereNothingCanBeRecorded) {
  RepeatedCall call;
  const Tensor x = torch::ones({2}).to(device());
  for (int i = 0; i < RepeatedCall::kCallsBefore + 3; ++i) {
    const Tensors sum = call({}, x, [](const Tensors& inputs) {
      return Tensors{inputs[0] * inputs[0].sum().item<float>()};
    });
    EXPECT_EQ(sum[0].sum().item<float>(), 4);
  }
}

}  // namespace
}  // namespace pipelines
