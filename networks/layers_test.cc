#include "networks/layers.h"

#include <ATen/Parallel.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <cstdint>
#include <ostream>
#include <vector>

#include "gtest/gtest.h"
#include "networks/testing/fill.h"
#include "networks/testing/tensor_near.h"

namespace networks {
namespace {

using test_util::FillModule;
using test_util::FillSigned;
using test_util::TensorNear;
using torch::Tensor;

// Float32 rounding of up to 1152 products of numbers about 1.
constexpr double kTolerance = 1e-4;

constexpr int64_t kBatch = 3;

struct Case {
  const char* name;
  int64_t in, out, kernel, stride, height, width;
  bool bias;
};
std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << c.name;
}

class Conv2dTest : public ::testing::TestWithParam<Case> {
 protected:
  Conv2dTest()
      : conv_(GetParam().in, GetParam().out, GetParam().kernel,
              GetParam().stride, GetParam().bias),
        image_(FillSigned("image", {kBatch, GetParam().in, GetParam().height,
                                    GetParam().width})) {
    FillModule("conv/", *conv_);
    conv_->eval();
  }

  Tensor Expected() const {
    return torch::conv2d(image_, conv_->weight, conv_->bias, GetParam().stride,
                         GetParam().kernel / 2);
  }

  Conv2d conv_;
  const Tensor image_;
};

// One a kernel of networks/cpu that forward chooses from.
INSTANTIATE_TEST_SUITE_P(
    All, Conv2dTest,
    ::testing::Values(Case{"Patches", 5, 7, 3, 2, 11, 14, true},
                      Case{"PatchesWithoutBias", 5, 7, 7, 2, 17, 12, false},
                      Case{"OnePixel", 5, 7, 1, 1, 6, 9, true},
                      Case{"Rows", 5, 7, 7, 1, 18, 21, true},
                      Case{"SmallRows", 5, 7, 3, 1, 6, 9, false},
                      Case{"Winograd", 5, 7, 3, 1, 18, 21, true},
                      Case{"WinogradWithoutBias", 5, 7, 3, 1, 18, 21, false},
                      Case{"CompactWinograd", 128, 256, 3, 1, 17, 18, true}),
    [](const auto& info) { return info.param.name; });

TEST_P(Conv2dTest, IsAConvolution) {
  const torch::NoGradGuard no_grad;
  EXPECT_THAT(conv_(image_), TensorNear(Expected(), kTolerance));
}

TEST_P(Conv2dTest, HasTheBitsOfASampleAloneOnAnyThreads) {
  const torch::NoGradGuard no_grad;
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  std::vector<Tensor> alone;
  for (int64_t i = 0; i < kBatch; ++i) {
    alone.push_back(conv_(image_.narrow(0, i, 1)));
  }
  for (const int used : {1, 2, 3}) {
    at::set_num_threads(used);
    EXPECT_TRUE(torch::equal(conv_(image_), torch::cat(alone)))
        << used << " threads";
  }
  at::set_num_threads(threads);
}

TEST_P(Conv2dTest, IsLibTorchsInTrainMode) {
  conv_->train();
  const Tensor out = conv_(image_);
  EXPECT_TRUE(torch::equal(out, Expected()));
  out.sum().backward();
  EXPECT_TRUE(conv_->weight.grad().defined());
}

TEST(Conv2d, TakesOddKernelsOnly) { EXPECT_THROW(Conv2d(3, 3, 4), c10::Error); }

TEST(Linear, IsAFullyConnectedLayer) {
  Linear linear(37, 19);
  FillModule("linear/", *linear);
  const Tensor x = FillSigned("x", {kBatch, 37});
  const torch::NoGradGuard no_grad;
  const Tensor expected = torch::matmul(x, linear->weight.t()) + linear->bias;
  EXPECT_THAT(linear(x), TensorNear(expected, kTolerance));
  linear->eval();
  const Tensor out = linear(x);
  EXPECT_THAT(out, TensorNear(expected, kTolerance));
  for (int64_t i = 0; i < kBatch; ++i) {
    EXPECT_TRUE(torch::equal(linear(x.narrow(0, i, 1))[0], out[i])) << i;
  }
  EXPECT_THROW(linear(FillSigned("x", {37})), c10::Error);
}

TEST(Sigmoid, IsThatOfEachElement) {
  const Tensor x = torch::cat(
      {20 * FillSigned("x", {1003}), torch::tensor({-200.f, 0.f, 200.f})});
  const Tensor expected = 1 / (1 + torch::exp(-x.to(torch::kFloat64)));
  EXPECT_THAT(Sigmoid(x), TensorNear(expected, 1e-6));
  EXPECT_EQ(Sigmoid(x.to(torch::kBFloat16)).scalar_type(), torch::kFloat32);
  const torch::NoGradGuard no_grad;
  const Tensor out = Sigmoid(x);
  EXPECT_THAT(out, TensorNear(expected, 1e-6));
  for (const int64_t i : {0, 1, 500, 1001, 1005}) {
    EXPECT_TRUE(torch::equal(Sigmoid(x.narrow(0, i, 1)), out.narrow(0, i, 1)))
        << i;
  }
  EXPECT_EQ(Sigmoid(x.to(torch::kBFloat16)).scalar_type(), torch::kFloat32);
}

}  // namespace
}  // namespace networks
