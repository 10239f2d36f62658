#include "tools/studio/warp/resample.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <vector>

namespace studio {
namespace {

constexpr uint8_t kTransparent[4] = {0, 0, 0, 0};

// A sum of colours, each weighted by its alpha.
struct Blend {
  std::array<float, 3> colour = {0, 0, 0};
  float alpha = 0;

  void Add(const uint8_t* pixel, float weight) {
    const float opacity = weight * static_cast<float>(pixel[3]);
    for (int c = 0; c < 3; ++c) {
      colour[c] += opacity * static_cast<float>(pixel[c]);
    }
    alpha += opacity;
  }

  // `weights` is the sum of all weights.
  void Write(float weights, uint8_t* pixel) const {
    for (int c = 0; c < 3; ++c) pixel[c] = Rounded(colour[c] / alpha);
    pixel[3] = Rounded(alpha / weights);
  }

  static uint8_t Rounded(float value) {
    return static_cast<uint8_t>(std::min(value + 0.5F, 255.F));
  }
};

const uint8_t* PixelAt(const RgbaImage& picture, int x, int y) {
  if (x < 0 || y < 0 || x >= picture.width || y >= picture.height) {
    return kTransparent;
  }
  return &picture.pixels[4 * (static_cast<size_t>(y) * picture.width + x)];
}

void SamplePlace(const RgbaImage& picture, double x, double y, uint8_t* pixel) {
  // Also false for a NaN.
  if (!(x > -1 && y > -1 && x < picture.width && y < picture.height)) {
    std::memcpy(pixel, kTransparent, sizeof(kTransparent));
    return;
  }
  const double left = std::floor(x), top = std::floor(y);
  const float right = static_cast<float>(x - left);
  const float bottom = static_cast<float>(y - top);
  const int i = static_cast<int>(left), j = static_cast<int>(top);
  const uint8_t* const first = PixelAt(picture, i, j);
  if (right == 0 && bottom == 0) {
    std::memcpy(pixel, first, 4);
    return;
  }
  Blend blend;
  blend.Add(first, (1 - right) * (1 - bottom));
  blend.Add(PixelAt(picture, i + 1, j), right * (1 - bottom));
  blend.Add(PixelAt(picture, i, j + 1), (1 - right) * bottom);
  blend.Add(PixelAt(picture, i + 1, j + 1), right * bottom);
  if (blend.alpha > 0) {
    blend.Write(1, pixel);
  } else {
    std::memcpy(pixel, kTransparent, sizeof(kTransparent));
  }
}

// What a pixel of the result takes from pixels first, first + 1, ... of a row
// or column.
struct Taps {
  int first;
  std::vector<float> weights;
};

// Areas of `from` pixels that `to` pixels cover.
std::vector<Taps> AreaTaps(int from, int to) {
  std::vector<Taps> taps(to);
  const double step = static_cast<double>(from) / to;
  for (int i = 0; i < to; ++i) {
    const double begin = i * step;
    const double end = std::min((i + 1) * step, static_cast<double>(from));
    taps[i].first = static_cast<int>(begin);
    for (int j = taps[i].first; j < end; ++j) {
      taps[i].weights.push_back(static_cast<float>(
          std::min(end, j + 1.0) - std::max(begin, static_cast<double>(j))));
    }
  }
  return taps;
}

// First centre on first centre, last on last.
std::vector<Taps> LinearTaps(int from, int to) {
  std::vector<Taps> taps(to);
  for (int i = 0; i < to; ++i) {
    const double place = static_cast<double>(i) * (from - 1) / (to - 1);
    const int first = std::min(static_cast<int>(place), from - 1);
    const auto right = static_cast<float>(place - first);
    taps[i] = {first, {1 - right}};
    if (first + 1 < from) taps[i].weights.push_back(right);
  }
  return taps;
}

std::vector<Taps> TapsOf(int from, int to) {
  return to > from ? LinearTaps(from, to) : AreaTaps(from, to);
}

void WriteScaled(const RgbaImage& picture, const Taps& rows,
                 const Taps& columns, uint8_t* pixel) {
  Blend blend;
  float weights = 0;
  for (size_t j = 0; j < rows.weights.size(); ++j) {
    const int y = rows.first + static_cast<int>(j);
    for (size_t i = 0; i < columns.weights.size(); ++i) {
      const int x = columns.first + static_cast<int>(i);
      const float weight = rows.weights[j] * columns.weights[i];
      blend.Add(PixelAt(picture, x, y), weight);
      weights += weight;
    }
  }
  if (blend.alpha > 0) blend.Write(weights, pixel);
}

}  // namespace

RgbaImage ScaledTo(const RgbaImage& picture, int size) {
  const int longer = std::max(picture.width, picture.height);
  if (longer == size) return picture;
  const auto scaled = [&](int side) {
    const double exact = static_cast<double>(side) * size / longer;
    return std::max(1, static_cast<int>(std::lround(exact)));
  };
  RgbaImage result;
  result.width = scaled(picture.width);
  result.height = scaled(picture.height);
  result.pixels.resize(size_t{4} * result.width * result.height);
  const std::vector<Taps> columns = TapsOf(picture.width, result.width);
  const std::vector<Taps> rows = TapsOf(picture.height, result.height);
  uint8_t* pixel = result.pixels.data();
  for (const Taps& row : rows) {
    for (const Taps& column : columns) {
      WriteScaled(picture, row, column, pixel);
      pixel += 4;
    }
  }
  return result;
}

void SampleAt(const RgbaImage& picture, const Eigen::Matrix2Xd& places,
              uint8_t* pixels) {
  for (Eigen::Index n = 0; n < places.cols(); ++n) {
    SamplePlace(picture, places(0, n), places(1, n), pixels + 4 * n);
  }
}

}  // namespace studio
