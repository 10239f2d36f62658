#include "pipelines/puppets/texture.h"

#include <algorithm>
#include <cmath>

#include "pipelines/base/random.h"
#include "pipelines/base/smooth_step.h"

namespace pipelines::puppets {
namespace {

double Fraction(double x) { return x - std::floor(x); }

// A number in [0, 1) for a lattice point.
double LatticeValue(int64_t x, int64_t y, uint64_t seed) {
  const uint64_t point =
      static_cast<uint64_t>(x) * 0x9E3779B1u ^ static_cast<uint64_t>(y) << 32;
  return static_cast<double>(Mix(seed ^ Mix(point)) >> 11) * 0x1p-53;
}

double ValueNoise(Point2 p, uint64_t seed) {
  const double x0 = std::floor(p.x);
  const double y0 = std::floor(p.y);
  const double u = SmoothStep(0, 1, p.x - x0);
  const double v = SmoothStep(0, 1, p.y - y0);
  const auto at = [&](int dx, int dy) {
    return LatticeValue(static_cast<int64_t>(x0) + dx,
                        static_cast<int64_t>(y0) + dy, seed);
  };
  const double top = at(0, 0) + u * (at(1, 0) - at(0, 0));
  const double bottom = at(0, 1) + u * (at(1, 1) - at(0, 1));
  return top + v * (bottom - top);
}

Point2 Turned(Point2 p, double angle) {
  return Similarity(1, angle, {0, 0})(p);
}

struct Palette {
  Color low, middle, high, accent;
};

// Four muted colours around one value: what stands before them stays in view.
Palette MutedPalette(double value, Random& random) {
  const double hue = random.Uniform(0, 1);
  const double other = hue + random.Uniform(0.08, 0.3);
  // A light colour looks fuller than a dark one of the same saturation.
  const double saturation = (1 - 0.6 * value) * random.Uniform(0.3, 0.6);
  const auto clamped = [](double v) { return std::clamp(v, 0.05, 1.0); };
  return {Hsv(hue, saturation, clamped(value - 0.16)),
          Hsv(other, saturation, clamped(value)),
          Hsv(hue + 0.05, 0.7 * saturation, clamped(value + 0.14)),
          Hsv(other + 0.3, saturation, clamped(value + 0.05))};
}

Color Ramp(const Palette& palette, double t) {
  return t < 0.5 ? Blend(palette.low, palette.middle, 2 * t)
                 : Blend(palette.middle, palette.high, 2 * t - 1);
}

Paint Clouds(const Palette& palette, Random& random) {
  const uint64_t seed = random.Bits();
  const double frequency = random.Uniform(1.5, 3.5);
  return [=](Point2 p) {
    const double t = Noise(frequency * p, seed, 5);
    const double spot = Noise(2.2 * frequency * p, seed + 9, 2);
    return Blend(Ramp(palette, SmoothStep(0.2, 0.8, t)), palette.accent,
                 SmoothStep(0.62, 0.7, spot));
  };
}

Paint Tiles(const Palette& palette, Random& random) {
  const uint64_t seed = random.Bits();
  const double angle = random.Uniform(-0.3, 0.3);
  const double width = random.Uniform(0.2, 0.45);
  const double height = width * random.Uniform(0.5, 1);
  const double joint = 0.09 * width;
  return [=](Point2 p) {
    Point2 q = Turned(p, angle);
    const double row = std::floor(q.y / height);
    q.x += 0.5 * width * std::fmod(std::abs(row), 2.0);
    const double column = std::floor(q.x / width);
    const double tone = LatticeValue(static_cast<int64_t>(column),
                                     static_cast<int64_t>(row), seed);
    const double grain = Noise(12.0 * p, seed, 2) - 0.5;
    const double border =
        std::min({q.x - column * width, (column + 1) * width - q.x,
                  q.y - row * height, (row + 1) * height - q.y});
    const Color tile = tone > 0.88 ? palette.accent : Ramp(palette, tone);
    return Blend(0.7f * palette.low, Color(1, 1, 1) * (0.16 * grain) + tile,
                 SmoothStep(0.4 * joint, joint, border));
  };
}

Paint Planks(const Palette& palette, Random& random) {
  const uint64_t seed = random.Bits();
  const double angle = random.Uniform() < 0.5 ? random.Uniform(-0.1, 0.1)
                                              : random.Uniform(1.4, 1.7);
  const double width = random.Uniform(0.16, 0.32);
  return [=](Point2 p) {
    const Point2 q = Turned(p, angle);
    const double plank = std::floor(q.y / width);
    const double tone = LatticeValue(0, static_cast<int64_t>(plank), seed);
    const double veins = Noise({1.2 * q.x + 7 * plank, 14 * q.y}, seed + 3, 3);
    const double border = std::abs(Fraction(q.y / width) - 0.5);
    return Blend(Ramp(palette, 0.55 * tone + 0.45 * veins), 0.6f * palette.low,
                 SmoothStep(0.44, 0.49, border));
  };
}

// Sky, three rows of hills and a meadow.
Paint Hills(const Palette& palette, Random& random) {
  const uint64_t seed = random.Bits();
  const double horizon = random.Uniform(-0.2, 0.3);
  return [=](Point2 p) {
    Color color =
        Blend(palette.high, palette.middle, SmoothStep(-1.5, horizon, p.y));
    const double cloud = Noise({1.5 * p.x, 3.5 * p.y}, seed, 4);
    color = Blend(color, Color(1, 1, 1), 0.5 * SmoothStep(0.52, 0.75, cloud));
    for (int row = 0; row < 3; ++row) {
      const double ridge =
          horizon - 0.3 + 0.25 * row +
          0.5 * (Noise({(2.0 + row) * p.x, 1.5 * row}, seed + row, 3) - 0.5);
      if (p.y < ridge) continue;
      const double grain = Noise(9.0 * p, seed + 5, 3);
      const Color hill = row == 1 ? palette.accent : palette.low;
      color = Blend(0.75f * hill, 1.15f * hill, grain) * (0.85 + 0.1 * row);
    }
    return color;
  };
}

// A wall strewn with discs of random size and tone.
Paint Confetti(const Palette& palette, Random& random) {
  const uint64_t seed = random.Bits();
  const double cell = random.Uniform(0.22, 0.4);
  return [=](Point2 p) {
    Color color = Ramp(palette, Noise(2.0 * p, seed, 4));
    const auto column = static_cast<int64_t>(std::floor(p.x / cell));
    const auto row = static_cast<int64_t>(std::floor(p.y / cell));
    for (int64_t y = row - 1; y <= row + 1; ++y) {
      for (int64_t x = column - 1; x <= column + 1; ++x) {
        const Point2 centre{cell * (x + LatticeValue(x, y, seed + 1)),
                            cell * (y + LatticeValue(x, y, seed + 2))};
        const double radius =
            cell * (0.15 + 0.3 * LatticeValue(x, y, seed + 3));
        const double tone = LatticeValue(x, y, seed + 4);
        const Color disc =
            tone > 0.7 ? palette.accent : Ramp(palette, tone / 0.7);
        color = Blend(disc, color,
                      SmoothStep(0.92, 1, Length(p - centre) / radius));
      }
    }
    return color;
  };
}

}  // namespace

Color Hsv(double hue, double saturation, double value) {
  const auto channel = [&](double offset) {
    const double k = std::fmod(offset + 6 * Fraction(hue), 6.0);
    const double dip = std::clamp(std::min(k, 4 - k), 0.0, 1.0);
    return static_cast<float>(value * (1 - saturation * dip));
  };
  return {channel(5), channel(3), channel(1)};
}

Color Blend(const Color& from, const Color& to, double amount) {
  return from + (to - from) * std::clamp(amount, 0.0, 1.0);
}

double Noise(Point2 p, uint64_t seed, int octaves) {
  double sum = 0;
  double weight = 0.5;
  double weights = 0;
  for (int octave = 0; octave < octaves; ++octave) {
    sum += weight * ValueNoise(p, seed + 77 * octave);
    weights += weight;
    // Turned and not quite doubled, so that the lattices do not line up.
    p = Similarity(1.93, 0.6, {0.37, 0.71})(p);
    weight *= 0.5;
  }
  return sum / weights;
}

Paint RandomPattern(const Color& first, const Color& second, double period,
                    Random& random) {
  const Point2 shift{random.Uniform(0, 1), random.Uniform(0, 1)};
  const auto two_tone = [=](double t, double border) {
    return Blend(first, second, SmoothStep(border - 0.06, border + 0.06, t));
  };
  const auto wave = [](double x) { return std::abs(2 * Fraction(x) - 1); };
  switch (random.Below(6)) {
    case 0:
      return [=](Point2) { return first; };
    case 1:  // hoops
      return
          [=](Point2 p) { return two_tone(wave(p.y / period + shift.y), 0.5); };
    case 2:  // pinstripes
      return [=](Point2 p) {
        return two_tone(wave(p.x / (0.8 * period) + shift.x), 0.6);
      };
    case 3:  // checks
      return [=](Point2 p) {
        const double across = wave(p.x / period + shift.x) - 0.5;
        const double down = wave(p.y / period + shift.y) - 0.5;
        return two_tone(0.5 + 8 * across * down, 0.5);
      };
    case 4:  // dots
      return [=](Point2 p) {
        const double x = Fraction(p.x / period + shift.x) - 0.5;
        const double y = Fraction(p.y / period + shift.y) - 0.5;
        return two_tone(1 - std::sqrt(x * x + y * y), 0.68);
      };
    default:  // zigzag
      return [=](Point2 p) {
        const double zigzag = 0.5 * wave(p.x / period + shift.x);
        return two_tone(wave(p.y / period + zigzag), 0.5);
      };
  }
}

Paint RandomBackground(double value, Random& random) {
  const Palette palette = MutedPalette(value, random);
  switch (random.Below(5)) {
    case 0:
      return Clouds(palette, random);
    case 1:
      return Tiles(palette, random);
    case 2:
      return Planks(palette, random);
    case 3:
      return Hills(palette, random);
    default:
      return Confetti(palette, random);
  }
}

Texture::Texture(const Paint& paint, const Outline& outline, Point2 low,
                 Point2 high, double per_unit)
    : samples_(static_cast<int>(std::ceil((high.y - low.y) * per_unit)) + 1,
               static_cast<int>(std::ceil((high.x - low.x) * per_unit)) + 1),
      low_(low),
      per_unit_(per_unit) {
  for (int row = 0; row < samples_.rows; ++row) {
    for (int column = 0; column < samples_.cols; ++column) {
      const Point2 p = low + Point2{column / per_unit, row / per_unit};
      const Color color = 255 * paint(p);
      const double depth = outline.empty() ? 1 : -SignedDistance(outline, p);
      samples_(row, column) = {color[0], color[1], color[2],
                               static_cast<float>(depth)};
    }
  }
}

bool Texture::Cover(Point2 p, cv::Vec3b& color) const {
  const double x =
      std::clamp((p.x - low_.x) * per_unit_, 0.0, samples_.cols - 1.001);
  const double y =
      std::clamp((p.y - low_.y) * per_unit_, 0.0, samples_.rows - 1.001);
  const int x0 = static_cast<int>(x);
  const int y0 = static_cast<int>(y);
  const auto u = static_cast<float>(x - x0);
  const auto v = static_cast<float>(y - y0);
  const cv::Vec4f* top = samples_[y0] + x0;
  const cv::Vec4f* bottom = samples_[y0 + 1] + x0;
  float mixed[4];  // one vector instruction a line
  for (int c = 0; c < 4; ++c) {
    const float upper = top[0][c] + u * (top[1][c] - top[0][c]);
    const float lower = bottom[0][c] + u * (bottom[1][c] - bottom[0][c]);
    mixed[c] = upper + v * (lower - upper);
  }
  if (mixed[3] < 0) return false;
  for (int c = 0; c < 3; ++c) {
    color[c] = static_cast<uint8_t>(std::clamp(mixed[c] + 0.5f, 0.0f, 255.0f));
  }
  return true;
}

}  // namespace pipelines::puppets
