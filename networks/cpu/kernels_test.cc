// The kernels of each instruction set that this processor has, against plain
// loops in float64.
#include "networks/cpu/kernels.h"

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace networks::cpu {
namespace {

using Floats = std::vector<float>;

Floats Random(size_t size, int seed) {
  std::mt19937 random(static_cast<uint32_t>(seed));
  std::uniform_real_distribution<float> values(-1, 1);
  Floats result(size);
  for (float& value : result) value = values(random);
  return result;
}

struct InstructionSet {
  const char* name;
  const Kernels* (*kernels)();
};

class EveryInstructionSet : public testing::TestWithParam<InstructionSet> {
 protected:
  void SetUp() override {
    kernels_ = GetParam().kernels();
    if (kernels_ == nullptr) GTEST_SKIP() << "this processor has none";
    width_ = kernels_->panel_width;
  }

  const Kernels* kernels_ = nullptr;
  int64_t width_ = 0;
};

INSTANTIATE_TEST_SUITE_P(
    Kernels, EveryInstructionSet,
    testing::Values(InstructionSet{"Avx2", Avx2Kernels},
                    InstructionSet{"Avx512", Avx512Kernels}),
    [](const auto& set) { return std::string(set.param.name); });

// A sum of `depth` products, each at most 1, in float32: half an epsilon for
// each product and addition.
double SumTolerance(int64_t depth) {
  return static_cast<double>(depth * depth) * 6e-8 + 1e-7;
}

constexpr float kCanary = 77;

TEST_P(EveryInstructionSet, MultipliesAsPlainLoopsDo) {
  for (int64_t rows = 1; rows <= 17; ++rows) {
    for (const int64_t depth : {1, 2, 7, 32}) {
      const int64_t a_stride = depth + 3, c_stride = width_ + 5;
      const Floats a = Random(static_cast<size_t>(rows * a_stride), 1);
      const Floats b = Random(static_cast<size_t>(depth * width_), 2);
      Floats c(static_cast<size_t>(rows * c_stride), kCanary);
      kernels_->multiply(a.data(), a_stride, b.data(), c.data(), c_stride, rows,
                         depth);
      for (int64_t i = 0; i < rows; ++i) {
        for (int64_t j = 0; j < c_stride; ++j) {
          double expected = 0;
          for (int64_t k = 0; k < depth && j < width_; ++k) {
            expected += double{a[i * a_stride + k]} * b[k * width_ + j];
          }
          if (j >= width_) expected = kCanary;  // between the rows
          ASSERT_NEAR(c[i * c_stride + j], expected,
                      j < width_ ? SumTolerance(depth) : 0)
              << rows << " " << depth << " " << i << " " << j;
        }
      }
    }
  }
}

TEST_P(EveryInstructionSet, AddsTransposedProductsAsPlainLoopsDo) {
  for (int64_t rows = 1; rows <= 17; ++rows) {
    for (const int64_t depth : {1, 5, 32}) {
      const int64_t a_stride = rows + 2, b_stride = width_ + 4,
                    c_stride = width_ + 1;
      const Floats a = Random(static_cast<size_t>(depth * a_stride), 3);
      const Floats b = Random(static_cast<size_t>(depth * b_stride), 4);
      const Floats before = Random(static_cast<size_t>(rows * c_stride), 5);
      Floats c = before;
      kernels_->add_transposed_product(a.data(), a_stride, b.data(), b_stride,
                                       c.data(), c_stride, rows, depth);
      for (int64_t i = 0; i < rows; ++i) {
        for (int64_t j = 0; j < c_stride; ++j) {
          double expected = before[i * c_stride + j];
          for (int64_t k = 0; k < depth && j < width_; ++k) {
            expected += double{a[k * a_stride + i]} * b[k * b_stride + j];
          }
          ASSERT_NEAR(c[i * c_stride + j], expected,
                      j < width_ ? SumTolerance(depth + 1) : 0)
              << rows << " " << depth << " " << i << " " << j;
        }
      }
    }
  }
}

// <G g G^T, u> = <g, G^T u G>, for numbers of columns that fill no panel, too.
TEST_P(EveryInstructionSet, TransformsWeightsAndTheirGradientsAsAdjoints) {
  for (const int64_t columns : {int64_t{1}, width_ - 1, width_, width_ + 3}) {
    const int64_t stride = (columns + width_ - 1) / width_ * width_;
    const Floats taps = Random(static_cast<size_t>(9 * columns), 6);
    Floats panels(static_cast<size_t>(kTilePositions * stride), kCanary);
    kernels_->transform_weight(taps.data(), columns, stride, width_,
                               panels.data());
    Floats products = Random(panels.size(), 7);
    Floats gradient(taps.size());
    kernels_->transform_weight_gradient(products.data(), stride, columns,
                                        gradient.data());
    double left = 0, right = 0;
    for (int64_t p = 0; p < kTilePositions; ++p) {
      for (int64_t j = 0; j < stride; ++j) {
        const double value = panels[p * stride + j];
        if (j >= columns) {
          ASSERT_EQ(value, 0);  // the rest of the last panel
        }
        left += value * products[p * stride + j];
      }
    }
    for (size_t i = 0; i < taps.size(); ++i) {
      right += double{taps[i]} * gradient[i];
    }
    // Both are sums of some hundred products around 1, rounded to 6e-8 each.
    EXPECT_NEAR(left, right, 1e-4) << columns;
  }
}

// An image [height, width, 16], densely packed.
struct Image {
  static constexpr int64_t kChannels = 16;

  Image(int64_t height, int64_t width, int seed)
      : height(height),
        width(width),
        values(Random(static_cast<size_t>(height * width * kChannels), seed)) {}

  template <typename Float>
  PixelView<Float> View(Float* data) const {
    return {data, height, width, kChannels, width * kChannels, kChannels};
  }
  ConstPixels view() const { return View<const float>(values.data()); }
  Pixels view() { return View<float>(values.data()); }
  // Zero outside.
  float at(int64_t y, int64_t x, int64_t channel) const {
    if (y < 0 || y >= height || x < 0 || x >= width) return 0;
    return values[static_cast<size_t>((y * width + x) * kChannels + channel)];
  }

  int64_t height, width;
  Floats values;
};

// Winograd's three transforms and the products between them are a 3x3
// convolution, in whole tiles and in those at the border.
TEST_P(EveryInstructionSet, ConvolvesByItsTransforms) {
  constexpr int64_t kIn = Image::kChannels, kOut = Image::kChannels;
  const int64_t stride = std::max(kOut, width_);
  std::vector<Floats> taps, weights;
  for (int64_t k = 0; k < kIn; ++k) {
    taps.push_back(Random(static_cast<size_t>(9 * kOut), 10 + k));
    weights.emplace_back(static_cast<size_t>(kTilePositions * stride));
    kernels_->transform_weight(taps[k].data(), kOut, stride, width_,
                               weights[k].data());
  }
  const Floats bias = Random(static_cast<size_t>(kOut), 8);
  const Image in(9, 6, 9);
  Image out(9, 6, 0);
  std::fill(out.values.begin(), out.values.end(), kCanary);
  for (int64_t tile_y = 0; tile_y < 3; ++tile_y) {
    for (int64_t tile_x = 0; tile_x < 2; ++tile_x) {
      Floats v(static_cast<size_t>(kTilePositions * kIn));
      Floats m(static_cast<size_t>(kTilePositions * kOut));
      kernels_->transform_input(in.view(), {}, false, tile_y, tile_x, 0,
                                {v.data(), kIn, kIn});
      for (int64_t p = 0; p < kTilePositions; ++p) {
        for (int64_t j = 0; j < kOut; ++j) {
          for (int64_t k = 0; k < kIn; ++k) {
            m[p * kOut + j] += v[p * kIn + k] * weights[k][p * stride + j];
          }
        }
      }
      kernels_->transform_output({m.data(), kOut, kOut}, false, tile_y, tile_x,
                                 0, bias.data(), ConstPixels{}, out.view());
    }
  }
  for (int64_t y = 0; y < out.height; ++y) {
    for (int64_t x = 0; x < out.width; ++x) {
      for (int64_t j = 0; j < kOut; ++j) {
        double expected = bias[j];
        for (int64_t tap = 0; tap < 9; ++tap) {
          for (int64_t k = 0; k < kIn; ++k) {
            expected += double{in.at(y + tap / 3 - 1, x + tap % 3 - 1, k)} *
                        taps[k][tap * kOut + j];
          }
        }
        // Sums of 144 products; the transforms lose two digits more.
        ASSERT_NEAR(out.at(y, x, j), expected, 2e-4) << y << " " << x;
      }
    }
  }
}

TEST_P(EveryInstructionSet, ActivatesAndSumsRowByRow) {
  constexpr int64_t kChannels = Image::kChannels;
  const Image image(3, 5, 20);
  Image out = image;
  const Floats scale = Random(kChannels, 21), shift = Random(kChannels, 22);
  const Floats origin = Random(kChannels, 23);
  std::vector<double> sum(kChannels), squares(kChannels);
  for (int64_t y = 0; y < image.height; ++y) {
    kernels_->activate(image.view(), {scale.data(), shift.data()}, y,
                       out.view());
    kernels_->accumulate_moments(image.view(), y, origin.data(), sum.data(),
                                 squares.data());
  }
  for (int64_t channel = 0; channel < kChannels; ++channel) {
    double expected_sum = 0, expected_squares = 0;
    for (int64_t y = 0; y < image.height; ++y) {
      for (int64_t x = 0; x < image.width; ++x) {
        const double value = image.at(y, x, channel);
        EXPECT_NEAR(out.at(y, x, channel),
                    std::max(0.0, value * scale[channel] + shift[channel]),
                    2e-7);
        const double off = value - origin[channel];
        expected_sum += off;
        expected_squares += off * off;
      }
    }
    // Differences of floats are rounded before they are summed in float64.
    EXPECT_NEAR(sum[channel], expected_sum, 3e-6);
    EXPECT_NEAR(squares[channel], expected_squares, 1e-5);
  }
}

TEST_P(EveryInstructionSet, WarpsBetweenPixelsAndToZeroOutside) {
  const Image image(4, 5, 30);
  Image out(4, 5, 0);
  // (x, y) in pixels: a quarter right and half down of each pixel, and for the
  // last row far outside.
  Floats grid;
  for (int64_t y = 0; y < 4; ++y) {
    for (int64_t x = 0; x < 5; ++x) {
      const double at_x = static_cast<double>(x) + 0.25;
      const double at_y = y == 3 ? 40 : static_cast<double>(y) + 0.5;
      grid.push_back(static_cast<float>(2 * at_x / 4 - 1));
      grid.push_back(static_cast<float>(2 * at_y / 3 - 1));
    }
  }
  const Floats factor = Random(20, 31);
  const Image below(4, 5, 32);
  Image blended = below;
  for (int64_t y = 0; y < 4; ++y) {
    kernels_->warp(image.view(), grid.data(), factor.data(), /*over=*/false, y,
                   out.view());
    kernels_->warp(image.view(), grid.data(), factor.data(), /*over=*/true, y,
                   blended.view());
    for (int64_t x = 0; x < 5; ++x) {
      for (int64_t channel = 0; channel < Image::kChannels; ++channel) {
        const auto row = [&](int64_t at) {
          return 0.75 * image.at(at, x, channel) +
                 0.25 * image.at(at, x + 1, channel);
        };
        const float share = factor[y * 5 + x];
        const double expected =
            share * (y == 3 ? 0 : 0.5 * (row(y) + row(y + 1)));
        ASSERT_NEAR(out.at(y, x, channel), expected, 2e-6)
            << y << " " << x << " " << channel;
        ASSERT_NEAR(blended.at(y, x, channel),
                    (1 - share) * below.at(y, x, channel) + expected, 3e-6)
            << y << " " << x << " " << channel;
      }
    }
  }
}

}  // namespace
}  // namespace networks::cpu
