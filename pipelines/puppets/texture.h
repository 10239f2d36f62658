// Colours, patterns and baked textures.
#ifndef PIPELINES_PUPPETS_TEXTURE_H_
#define PIPELINES_PUPPETS_TEXTURE_H_

#include <cstdint>
#include <functional>

#include "opencv2/core.hpp"
#include "pipelines/base/random.h"
#include "pipelines/puppets/shape.h"

namespace pipelines::puppets {

// RGB in [0, 1].
using Color = cv::Vec3f;

// A colour at every point of the plane.
using Paint = std::function<Color(Point2)>;

// hue in turns (any value), saturation and value in [0, 1].
Color Hsv(double hue, double saturation, double value);

// Mixes linearly: `from` at 0, `to` at 1; `amount` is clamped.
Color Blend(const Color& from, const Color& to, double amount);

// Sum of `octaves` of value noise in [0, 1], features of size 1 and down.
double Noise(Point2 p, uint64_t seed, int octaves);

// A garment: plain, stripes, checks, dots or zigzag in two colours, with
// features of about `period`.
Paint RandomPattern(const Color& first, const Color& second, double period,
                    Random& random);

// Something to stand before: clouds, tiles, planks, hills or confetti, of
// values around `value`.
Paint RandomBackground(double value, Random& random);

// A paint and an outline evaluated once on a grid over a rectangle; reading
// them back costs the same for all of them.
class Texture {
 public:
  // Covers [low, high] with `per_unit` samples a unit. An empty outline covers
  // everything.
  Texture(const Paint& paint, const Outline& outline, Point2 low, Point2 high,
          double per_unit);

  // Sets `color` to the paint at `p` (RGB in [0, 255], bilinear; outside of the
  // rectangle that of the nearest point) and returns true if the outline covers
  // `p`; corners of the outline are rounded off by less than a sample.
  bool Cover(Point2 p, cv::Vec3b& color) const;

 private:
  cv::Mat_<cv::Vec4f> samples_;  // RGB and the depth inside the outline
  Point2 low_;
  double per_unit_ = 1;
};

}  // namespace pipelines::puppets

#endif  // PIPELINES_PUPPETS_TEXTURE_H_
