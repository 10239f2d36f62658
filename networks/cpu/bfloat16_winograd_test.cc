#include "networks/cpu/bfloat16_winograd.h"

#include <ATen/Parallel.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>
#include <vector>

#include "gtest/gtest.h"
#include "networks/cpu/convolution_cases.h"
#include "networks/cpu/pixels.h"
#include "networks/testing/fill.h"
#include "networks/testing/tensor_near.h"
#include "third_party/libtorch/autocast_state.h"

namespace networks::cpu {
namespace {

using test_util::FillSigned;
using test_util::FillUniform;
using test_util::TensorNear;
using torch::Tensor;

// The three matrices of Winograd's method at the points 0, 2/3, -2/3, 3/2, -3/2
// and infinity, float64, from their definition.
struct Matrices {
  Tensor outputs;  // A^T [4, 6]
  Tensor weights;  // G [6, 3]
  Tensor inputs;   // B^T [6, 6]
};

// The coefficients of the product of (x - root), lowest first, in six places.
Tensor Polynomial(const std::vector<double>& roots) {
  std::vector<double> c = {1};
  for (const double root : roots) {
    c.push_back(0);
    for (size_t i = c.size() - 1; i > 0; --i) c[i] = c[i - 1] - root * c[i];
    c[0] *= -root;
  }
  c.resize(6, 0);
  return torch::tensor(c, torch::kFloat64);
}

Matrices MakeMatrices() {
  const std::vector<double> points = {0, 2. / 3, -2. / 3, 1.5, -1.5};
  Matrices m = {torch::zeros({4, 6}, torch::kFloat64),
                torch::zeros({6, 3}, torch::kFloat64),
                torch::zeros({6, 6}, torch::kFloat64)};
  for (int i = 0; i < 5; ++i) {
    std::vector<double> others = points;
    others.erase(others.begin() + i);
    double scale = 1;
    for (const double other : others) scale *= points[i] - other;
    for (int k = 0; k < 4; ++k) m.outputs[k][i] = std::pow(points[i], k);
    for (int k = 0; k < 3; ++k) {
      m.weights[i][k] = std::pow(points[i], k) / scale;
    }
    m.inputs[i] = Polynomial(others);
  }
  m.outputs[3][5] = 1;
  m.weights[5][2] = 1;
  m.inputs[5] = Polynomial(points);
  return m;
}

Tensor Rounded(const Tensor& x) {
  return x.to(torch::kFloat32).to(torch::kBFloat16).to(torch::kFloat64);
}

// The method step by step in float64, with its two factors rounded. Images
// [B, C, H, W], weight [C', C, 3, 3].
Tensor Twin(const Tensor& image, const Tensor& weight) {
  const Matrices m = MakeMatrices();
  const int64_t height = image.size(2), width = image.size(3);
  const int64_t rows = (height + 3) / 4, columns = (width + 3) / 4;
  const Tensor padded = torch::constant_pad_nd(
      image.to(torch::kFloat64),
      {1, 4 * columns - width + 1, 1, 4 * rows - height + 1});
  const Tensor tiles = padded.unfold(2, 6, 4).unfold(3, 6, 4);
  const Tensor inputs =
      Rounded(torch::matmul(torch::matmul(m.inputs, tiles), m.inputs.t()));
  const Tensor weights = Rounded(torch::matmul(
      torch::matmul(m.weights, weight.to(torch::kFloat64)), m.weights.t()));
  const Tensor sums = torch::einsum("bcyxij,ocij->boyxij", {inputs, weights});
  return torch::matmul(torch::matmul(m.outputs, sums), m.outputs.t())
      .permute({0, 1, 2, 4, 3, 5})
      .reshape({image.size(0), weight.size(0), 4 * rows, 4 * columns})
      .slice(2, 0, height)
      .slice(3, 0, width);
}

double RootMeanSquare(const Tensor& x) {
  return x.to(torch::kFloat64).square().mean().sqrt().item<double>();
}

class Bfloat16WinogradTest : public BestKernelsTest {
 protected:
  void SetUp() override {
    if (BestBfloat16Kernels() == nullptr) {
      GTEST_SKIP() << "This processor, or the compiler's target, has no "
                      "AVX512-BF16; its kernels are not tested here.";
    }
  }

  ChannelAffine Affine() const {
    return {FillUniform("scale", {shape().batch, shape().in}),
            FillSigned("shift", {shape().batch, shape().in})};
  }
  Tensor Active() const {
    const ChannelAffine affine = Affine();
    return torch::relu(image_ * affine.scale.unsqueeze(-1).unsqueeze(-1) +
                       affine.shift.unsqueeze(-1).unsqueeze(-1));
  }
};
INSTANTIATE_TEST_SUITE_P(Shapes, Bfloat16WinogradTest,
                         ::testing::ValuesIn(AllShapes()), CaseName<Shape>);

// Sums of about 1. A transformed value is computed in float32 here and in
// float64 there, and where it lies half-way between two bfloat16 it is rounded
// to another one: by 4e-3 of one of many terms. The method's own error is 7e-3.
constexpr double kFlipTol = 1e-3;

TEST_P(Bfloat16WinogradTest, IsTheMethodWithRoundedFactors) {
  const Bfloat16Winograd winograd(*BestBfloat16Kernels(), weight_);
  const Tensor bias = bias_.view({1, -1, 1, 1});
  EXPECT_LE(RootMeanSquare(winograd.Apply({image_}, bias_) -
                           (Twin(image_, weight_) + bias)),
            kFlipTol);

  const Tensor large = torch::upsample_nearest2d(
      Active(), {2 * shape().height, 2 * shape().width});
  const Tensor expected = Twin(large, weight_) + bias;
  const Tensor residual = FillSigned("residual", expected.sizes());
  EXPECT_LE(
      RootMeanSquare(winograd.Apply({image_, Affine(), true}, bias_, residual) -
                     (expected + residual)),
      kFlipTol);
}

// Errors are 0.007 of the outputs' size where many terms average; the rest of
// the bound is for the cases with few.
TEST_P(Bfloat16WinogradTest, IsNearTheConvolution) {
  const Tensor expected = torch::conv2d(Active(), weight_, bias_, 1, 1);
  const Tensor ours = Bfloat16Winograd(*BestBfloat16Kernels(), weight_)
                          .Apply({image_, Affine()}, bias_);
  EXPECT_LE(RootMeanSquare(ours - expected), 0.02 * RootMeanSquare(expected));
}

TEST_P(Bfloat16WinogradTest, NeitherBatchNorThreadsChangeABit) {
  const Bfloat16Winograd winograd(*BestBfloat16Kernels(), weight_);
  const Tensor images =
      FillSigned("images", {3, shape().in, shape().height, shape().width});
  const int threads = at::get_num_threads();
  for (const int used : {1, 2, 3}) {
    at::set_num_threads(used);
    const Tensor all = winograd.Apply({images}, bias_);
    for (int64_t b = 0; b < images.size(0); ++b) {
      EXPECT_TRUE(torch::equal(
          winograd.Apply({images.slice(0, b, b + 1)}, bias_)[0], all[b]));
    }
  }
  at::set_num_threads(threads);
}

TEST(AvailableInBfloat16, IsForInferenceWithinAutocastToBfloat16) {
  if (BestBfloat16Kernels() == nullptr) GTEST_SKIP() << "no AVX512-BF16";
  const Tensor x = torch::zeros({1, 1, 2, 2});
  const torch::NoGradGuard no_grad;
  EXPECT_FALSE(AvailableInBfloat16(x));
  libtorch::SetAutocast(c10::kCPU, true);
  EXPECT_TRUE(AvailableInBfloat16(x));
  EXPECT_FALSE(AvailableInBfloat16(x.to(torch::kFloat64)));
  {
    const torch::AutoGradMode with_grad(true);
    EXPECT_FALSE(AvailableInBfloat16(x));
  }
  libtorch::SetAutocast(c10::kCPU, false);
}

}  // namespace
}  // namespace networks::cpu
