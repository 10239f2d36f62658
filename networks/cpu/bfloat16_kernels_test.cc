// The kernels with products in bfloat16, against plain loops in float64.
#include "networks/cpu/bfloat16_kernels.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "gtest/gtest.h"
#include "networks/cpu/bfloat16_values.h"
#include "networks/cpu/kernels.h"

namespace networks::cpu {
namespace {

using Floats = std::vector<float>;
using Bits = std::vector<Bfloat16Bits>;

constexpr float kCanary = 77;
constexpr Bfloat16Bits kCanaryBits = 0x429a;  // 77

Floats Random(int64_t size, int seed) {
  std::mt19937 random(static_cast<uint32_t>(seed));
  std::uniform_real_distribution<float> values(-1, 1);
  Floats result(static_cast<size_t>(size));
  for (float& value : result) value = values(random);
  return result;
}

// ---- Winograd's method at the points 0, 2/3, -2/3, 3/2, -3/2 and infinity.

constexpr std::array<double, 5> kPoints = {0, 2. / 3, -2. / 3, 1.5, -1.5};

// Row i of G: the values of 1, x, x^2 at point i, over the product of its
// distances from the others.
std::array<double, 3> WeightRow(int64_t i) {
  if (i == 5) return {0, 0, 1};
  const double x = kPoints[i];
  double scale = 1;
  for (size_t k = 0; k < kPoints.size(); ++k) {
    if (k != static_cast<size_t>(i)) scale *= x - kPoints[k];
  }
  return {1 / scale, x / scale, x * x / scale};
}

// Row i of B^T: the coefficients of the polynomial that is zero at the points
// other than i, infinity's at all five.
std::array<double, 6> InputRow(int64_t i) {
  std::array<double, 6> row = {1};
  for (size_t k = 0; k < kPoints.size(); ++k) {
    if (k == static_cast<size_t>(i)) continue;
    for (size_t c = row.size() - 1; c > 0; --c) {
      row[c] = row[c - 1] - kPoints[k] * row[c];
    }
    row[0] *= -kPoints[k];
  }
  return row;
}

// Row i of A^T: the i-th power of each point; infinity counts for the highest.
std::array<double, 6> OutputRow(int64_t i) {
  std::array<double, 6> row = {};
  for (size_t k = 0; k < kPoints.size(); ++k) row[k] = std::pow(kPoints[k], i);
  row[5] = i == 3 ? 1 : 0;
  return row;
}

// sum over r, s of left[r] value(r, s) right[s].
template <size_t kSize, typename Value>
double Sandwich(const std::array<double, kSize>& left,
                const std::array<double, kSize>& right, const Value& value) {
  double sum = 0;
  for (size_t r = 0; r < kSize; ++r) {
    for (size_t s = 0; s < kSize; ++s) {
      sum += left[r] * value(static_cast<int64_t>(r), static_cast<int64_t>(s)) *
             right[s];
    }
  }
  return sum;
}

// Of a value rounded to the nearest bfloat16, with 8 significant bits, after
// `arithmetic` of error in float32. Cutting bits off would cost up to twice the
// first part.
double RoundingOf(double value, double arithmetic) {
  return std::abs(value) / 256 + arithmetic;
}

// ---- Images.

// [height, width, channels] with a gap after each pixel and each row.
struct Image {
  static constexpr int64_t kGap = 3;

  Image(int64_t height, int64_t width, int64_t channels, int seed)
      : height(height),
        width(width),
        channels(channels),
        row_stride(width * (channels + kGap) + kGap),
        values(Random(height * row_stride, seed)) {}

  template <typename Float>
  PixelView<Float> View(Float* data) const {
    return {data, height, width, channels, row_stride, channels + kGap};
  }
  ConstPixels view() const { return View<const float>(values.data()); }
  Pixels view() { return View<float>(values.data()); }

  int64_t height, width, channels, row_stride;
  Floats values;
};

class Bfloat16KernelsTest : public testing::Test {
 protected:
  void SetUp() override {
    kernels_ = BestBfloat16Kernels();
    if (kernels_ == nullptr) {
      GTEST_SKIP() << "This processor, or the compiler's target, has no "
                      "AVX512-BF16; its kernels are not tested here.";
    }
    width_ = kernels_->panel_width;
  }

  const Bfloat16Kernels* kernels_ = nullptr;
  int64_t width_ = 0;
};

// Products and sums of these whole numbers are below 2^24: exact in float32.
TEST_F(Bfloat16KernelsTest, MultiplyWholeNumbersExactly) {
  for (int64_t rows = 0; rows <= 26; ++rows) {
    for (const int64_t depth : {0, 2, 6, 64}) {
      const int64_t a_stride = depth + 3, c_stride = width_ + 5;
      const Bits a = RandomWhole(rows * a_stride, 1);
      const Bits b = RandomWhole(depth * width_, 2);
      Floats c(static_cast<size_t>((rows + 1) * c_stride), kCanary);
      kernels_->multiply(a.data(), a_stride, b.data(), c.data(), c_stride, rows,
                         depth);
      for (int64_t i = 0; i <= rows; ++i) {
        for (int64_t j = 0; j < c_stride; ++j) {
          double expected = 0;
          for (int64_t k = 0; k < depth && i < rows && j < width_; ++k) {
            const int64_t pair = k / 2 * 2 * width_;
            expected +=
                ValueOf(a[i * a_stride + k]) * ValueOf(b[pair + 2 * j + k % 2]);
          }
          // Between the rows, and after the last one.
          if (i == rows || j >= width_) expected = kCanary;
          ASSERT_EQ(c[i * c_stride + j], expected)
              << rows << " " << depth << " " << i << " " << j;
        }
      }
    }
  }
}

TEST_F(Bfloat16KernelsTest, TransformTheWeightsOfAPairOfChannels) {
  for (const int64_t columns :
       {int64_t{1}, width_ / 2 + 1, width_ - 1, width_, 2 * width_ + 3}) {
    const int64_t panels = (columns + width_ - 1) / width_;
    const int64_t panel_stride = 2 * width_ + 6;
    const int64_t position_stride = panels * panel_stride + 5;
    const Floats taps[2] = {Random(9 * columns, 3), Random(9 * columns, 4)};
    Bits out(static_cast<size_t>(kTilePositions * position_stride),
             kCanaryBits);
    kernels_->transform_weights(taps[0].data(), taps[1].data(), columns,
                                position_stride, panel_stride, out.data());
    for (int64_t i = 0; i < static_cast<int64_t>(out.size()); ++i) {
      const int64_t p = i / position_stride;
      const int64_t panel = i % position_stride / panel_stride;
      const int64_t at = i % position_stride % panel_stride;
      if (panel == panels || at >= 2 * width_) {
        ASSERT_EQ(out[i], kCanaryBits) << columns << " " << i;
        continue;
      }
      const int64_t j = panel * width_ + at / 2;
      const Floats& of_channel = taps[at % 2];
      const double expected =
          j >= columns
              ? 0
              : Sandwich(WeightRow(p / kTileInputs), WeightRow(p % kTileInputs),
                         [&](int64_t r, int64_t s) -> double {
                           return of_channel[(3 * r + s) * columns + j];
                         });
      // Nine addends of at most 1.
      ASSERT_NEAR(ValueOf(out[i]), expected, RoundingOf(expected, 2e-6))
          << columns << " position " << p << " output " << j;
    }
  }
}

struct InputCase {
  bool active, upsample;
};

// The pixel (y, x) of the image, which `upsample` has doubled, after its
// activation; zero outside.
double InputAt(const Image& image, const InputCase& of,
               const ChannelAffineRelu& activation, int64_t y, int64_t x,
               int64_t channel) {
  const int64_t factor = of.upsample ? 2 : 1;
  if (y < 0 || y >= factor * image.height || x < 0 ||
      x >= factor * image.width) {
    return 0;
  }
  const double value = image.view().pixel(y / factor, x / factor)[channel];
  if (!of.active) return value;
  return std::max(
      0.0, value * activation.scale[channel] + activation.shift[channel]);
}

TEST_F(Bfloat16KernelsTest, TransformTheInputsOfEveryTile) {
  // One vector of channels and a part of a second; tiles inside and at each
  // border.
  const Image image(10, 9, 20, 5);
  const int64_t position_stride = 2 * width_;
  const Floats scale = Random(image.channels, 6);
  const Floats shift = Random(image.channels, 7);
  for (const InputCase of : {InputCase{false, false}, InputCase{true, false},
                             InputCase{false, true}, InputCase{true, true}}) {
    const ChannelAffineRelu activation =
        of.active ? ChannelAffineRelu{scale.data(), shift.data()}
                  : ChannelAffineRelu{};
    const int64_t tiles = of.upsample ? 5 : 3;
    for (int64_t tile = 0; tile < tiles * tiles; ++tile) {
      const int64_t y0 = tile / tiles * kTileOutputs - 1;
      const int64_t x0 = tile % tiles * kTileOutputs - 1;
      Bits out(static_cast<size_t>(kTilePositions * position_stride));
      kernels_->transform_input(image.view(), activation, of.upsample,
                                tile / tiles, tile % tiles, out.data(),
                                position_stride);
      for (int64_t p = 0; p < kTilePositions; ++p) {
        for (int64_t c = 0; c < image.channels; ++c) {
          const double expected = Sandwich(
              InputRow(p / kTileInputs), InputRow(p % kTileInputs),
              [&](int64_t r, int64_t s) {
                return InputAt(image, of, activation, y0 + r, x0 + s, c);
              });
          // A row of B^T adds up to 4.7 at most, so that sums stay below 44;
          // some ten roundings.
          ASSERT_NEAR(ValueOf(out[p * position_stride + c]), expected,
                      RoundingOf(expected, 3e-5))
              << of.active << of.upsample << " tile " << tile << " position "
              << p << " channel " << c;
        }
      }
    }
  }
}

TEST_F(Bfloat16KernelsTest, TransformTheOutputsOfEveryTile) {
  constexpr int64_t kHeight = 9, kWidth = 6, kChannels = 20;
  constexpr int64_t kTilesInRow = 2, kTiles = 3 * kTilesInRow;
  const int64_t tile_stride = 2 * width_;
  const int64_t position_stride = kTiles * tile_stride;
  Floats products = Random(kTilePositions * position_stride, 8);
  const Floats bias = Random(kChannels, 9);
  const Image residual(kHeight, kWidth, kChannels, 10);
  for (const bool upsample : {false, true}) {
    for (const bool has_residual : {false, true}) {
      Image out(kHeight, kWidth, kChannels, 0);
      std::fill(out.values.begin(), out.values.end(), kCanary);
      for (int64_t tile = 0; tile < kTiles; ++tile) {
        kernels_->transform_output(
            {products.data(), position_stride, tile_stride}, upsample,
            tile / kTilesInRow, tile % kTilesInRow, tile, bias.data(),
            has_residual ? residual.view() : ConstPixels{}, out.view());
      }
      const int64_t pixel_stride = kChannels + Image::kGap;
      for (int64_t i = 0; i < static_cast<int64_t>(out.values.size()); ++i) {
        const int64_t y = i / out.row_stride;
        const int64_t x = i % out.row_stride / pixel_stride;
        const int64_t c = i % out.row_stride % pixel_stride;
        if (x == kWidth || c >= kChannels) {
          ASSERT_EQ(out.values[i], kCanary) << i;
          continue;
        }
        const int64_t tile = y / kTileOutputs * kTilesInRow + x / kTileOutputs;
        double expected =
            Sandwich(OutputRow(y % kTileOutputs), OutputRow(x % kTileOutputs),
                     [&](int64_t r, int64_t s) -> double {
                       return products[(r * kTileInputs + s) * position_stride +
                                       tile * tile_stride + c];
                     });
        expected += bias[c];
        if (has_residual) expected += residual.view().pixel(y, x)[c];
        // A row of A^T adds up to 8.4 at most, so that sums stay below 75;
        // some ten roundings.
        ASSERT_NEAR(out.values[i], expected, 5e-5)
            << upsample << has_residual << " " << y << " " << x << " " << c;
      }
    }
  }
}

}  // namespace
}  // namespace networks::cpu
