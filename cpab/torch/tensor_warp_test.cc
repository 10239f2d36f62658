#include "cpab/torch/tensor_warp.h"

#include <ATen/CPUGeneratorImpl.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>

#include "gtest/gtest.h"

namespace cpab {
namespace {

using torch::Tensor;

Tensor Uniform(torch::IntArrayRef shape, uint64_t seed) {
  return torch::rand(shape, at::make_generator<at::CPUGeneratorImpl>(seed),
                     torch::kFloat64);
}

double MaxDifference(const Tensor& a, const Tensor& b) {
  return (a - b).abs().max().item<double>();
}

// [2, 2, rows, columns] of smooth functions.
Tensor SmoothImages(int64_t rows, int64_t columns) {
  const Tensor y = torch::arange(rows, torch::kFloat64).unsqueeze(1) / rows;
  const Tensor x = torch::arange(columns, torch::kFloat64) / columns;
  const Tensor a = 0.5 + 0.3 * torch::sin(7 * x + 2 * y);
  const Tensor b = 0.5 + 0.3 * torch::cos(5 * y - x);
  return torch::stack({a, b, b * a, a - b}).view({2, 2, rows, columns});
}

class TensorWarpTest : public ::testing::Test {
 protected:
  const Transform transform_ = Transform::Create({4, 4, true, false}).value();
  const Tensor theta_ =
      1.5 * (2 * Uniform({2, transform_.theta_size()}, 1) - 1);
};

// A slow, obvious twin.
double Bilinear(const Tensor& image, double x, double y) {
  const int64_t column = std::min<int64_t>(x, image.size(1) - 2);
  const int64_t row = std::min<int64_t>(y, image.size(0) - 2);
  const double u = x - column, v = y - row;
  const auto at = [&](int64_t r, int64_t c) {
    return image[r][c].item<double>();
  };
  return (1 - v) * ((1 - u) * at(row, column) + u * at(row, column + 1)) +
         v * ((1 - u) * at(row + 1, column) + u * at(row + 1, column + 1));
}

TEST_F(TensorWarpTest, LooksUpWhereEachPixelComesFrom) {
  const Tensor images = SmoothImages(9, 12);
  const Tensor warped = WarpImages(transform_, theta_, images);
  EXPECT_GT(MaxDifference(warped, images), 0.02);
  for (int64_t b = 0; b < 2; ++b) {
    for (int64_t i = 0; i < 9; ++i) {
      for (int64_t j = 0; j < 12; ++j) {
        const Tensor pixel =
            torch::tensor({{j / 11.0, i / 8.0}}, torch::kFloat64);
        const Tensor y =
            transform_.Apply(theta_.slice(0, b, b + 1), pixel)[0][0];
        // The border stays on itself up to rounding.
        const double column = std::max(0.0, 11 * y[0].item<double>());
        const double row = std::max(0.0, 8 * y[1].item<double>());
        EXPECT_NEAR(warped[b][1][i][j].item<double>(),
                    Bilinear(images[b][1], column, row), 1e-12);
      }
    }
  }
}

TEST_F(TensorWarpTest, NegatedThetaUndoesIt) {
  const Tensor images = SmoothImages(120, 90);
  const Tensor there =
      WarpImages(transform_, theta_, images, BeyondBorder::kNearestPixel);
  const Tensor back =
      WarpImages(transform_, -theta_, there, BeyondBorder::kNearestPixel);
  // Twice the error of bilinear interpolation, h^2 f'' / 8, stretched.
  EXPECT_LT(MaxDifference(back, images), 0.01);
  EXPECT_GT(MaxDifference(there, images), 0.05);
}

TEST_F(TensorWarpTest, ZeroThetaKeepsImagesAndLabels) {
  const Tensor images = SmoothImages(17, 31);
  const Tensor zero = torch::zeros_like(theta_);
  EXPECT_LT(MaxDifference(WarpImages(transform_, zero, images), images), 1e-13);
  const Tensor labels = (1000 * images).to(torch::kInt64);
  EXPECT_TRUE(torch::equal(WarpLabels(transform_, zero, labels), labels));
  const Tensor pixel = torch::ones({2, 1, 1, 1}, torch::kFloat64);
  EXPECT_TRUE(torch::equal(WarpImages(transform_, zero, pixel), pixel));
}

TEST_F(TensorWarpTest, LabelsAreThoseOfTheNearestPixel) {
  for (const auto dtype : {torch::kUInt8, torch::kInt64, torch::kBool}) {
    const Tensor labels =
        (200 * Uniform({2, 1, 20, 30}, 3)).to(torch::kInt64).to(dtype);
    const Tensor warped = WarpLabels(transform_, theta_, labels);
    EXPECT_EQ(warped.scalar_type(), dtype);
    EXPECT_FALSE(torch::equal(warped, labels));
    const Tensor pixel =
        torch::tensor({{7 / 29.0, 11 / 19.0}}, torch::kFloat64);
    for (int64_t b = 0; b < 2; ++b) {
      const Tensor y = transform_.Apply(theta_.slice(0, b, b + 1), pixel)[0][0];
      const int64_t column = std::lround(29 * y[0].item<double>());
      const int64_t row = std::lround(19 * y[1].item<double>());
      EXPECT_TRUE(torch::equal(warped[b][0][11][7], labels[b][0][row][column]));
    }
  }
}

// More than 2^24 pixels, whose indices float32 does not have. Their
// coordinates, multiples of 1/4096, it has exactly.
TEST(TensorWarp, ZeroThetaKeepsLabelsOfMorePixelsThanFloat32Counts) {
  const Transform transform = Transform::Create({1, 1}).value();
  constexpr int64_t kSide = 4097;
  const Tensor labels = torch::arange(kSide * kSide, torch::kInt32)
                            .remainder(251)
                            .to(torch::kUInt8)
                            .view({1, 1, kSide, kSide});
  EXPECT_TRUE(torch::equal(
      WarpLabels(transform, torch::zeros({1, transform.theta_size()}), labels),
      labels));
}

TEST(TensorWarp, BeyondTheBorderIsZeroOrTheNearestPixel) {
  const auto basis = Basis::Create({1, 1}).value();
  const Eigen::VectorXd right =
      basis->ThetaFromVertices(Eigen::Vector2d(0.5, 0).replicate(1, 5));
  Tensor theta = torch::empty({1, right.size()}, torch::kFloat64);
  for (int i = 0; i < right.size(); ++i) theta[0][i] = right[i];
  const Transform transform(basis);
  const Tensor images = torch::full({1, 1, 4, 11}, 200.0, torch::kFloat64);
  const Tensor labels = images.to(torch::kInt32);
  for (const auto beyond : {BeyondBorder::kZero, BeyondBorder::kNearestPixel}) {
    const double expected = beyond == BeyondBorder::kZero ? 0 : 200;
    const Tensor image = WarpImages(transform, theta, images, beyond)[0][0][2];
    EXPECT_EQ(image[10].item<double>(), expected);
    EXPECT_NEAR(image[3].item<double>(), 200, 1e-9);
    const Tensor label = WarpLabels(transform, theta, labels, beyond)[0][0][2];
    EXPECT_EQ(label[10].item<double>(), expected);
    EXPECT_EQ(label[3].item<double>(), 200);
  }
  // A theta that is not finite warps to something, not out of bounds.
  theta.fill_(std::nan(""));
  EXPECT_EQ(WarpLabels(transform, theta, labels).sizes(), labels.sizes());
}

TEST_F(TensorWarpTest, GradientsAreThoseOfDifferences) {
  const Tensor images = SmoothImages(24, 20).requires_grad_();
  const Tensor theta = (0.3 * theta_).detach().requires_grad_();
  const Tensor cotangent = Uniform(images.sizes(), 5);
  const auto loss = [&](const Tensor& t, const Tensor& i) {
    return (WarpImages(transform_, t, i, BeyondBorder::kNearestPixel) *
            cotangent)
        .sum();
  };
  loss(theta, images).backward();
  const torch::NoGradGuard no_grad;
  // Bilinear images have kinks between pixels: of 2000 lookups some step over
  // one, each adding a difference of slopes (0.02) times h.
  const double h = 1e-7;
  const Tensor dtheta = Uniform(theta.sizes(), 6) - 0.5;
  const Tensor dimages = Uniform(images.sizes(), 7) - 0.5;
  const double expected = ((loss(theta + h * dtheta, images + h * dimages) -
                            loss(theta - h * dtheta, images - h * dimages)) /
                           (2 * h))
                              .item<double>();
  const double actual =
      ((theta.grad() * dtheta).sum() + (images.grad() * dimages).sum())
          .item<double>();
  EXPECT_NEAR(actual, expected, 1e-3 * (1 + std::abs(expected)));
}

TEST_F(TensorWarpTest, RejectsWrongShapesAndDtypes) {
  const Tensor images = SmoothImages(8, 8);
  EXPECT_THROW(WarpImages(transform_, theta_, images[0]), c10::Error);
  EXPECT_THROW(WarpImages(transform_, theta_.slice(0, 0, 1), images),
               c10::Error);
  EXPECT_THROW(WarpImages(transform_, theta_, images.to(torch::kFloat32)),
               c10::Error);
  EXPECT_THROW(WarpLabels(transform_, theta_, images.slice(2, 0, 0)),
               c10::Error);
}

}  // namespace
}  // namespace cpab
