#include "pipelines/puppets/shape.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace pipelines::puppets {
namespace {

double DistanceToSegment(Point2 p, Point2 from, Point2 to) {
  const Point2 along = to - from;
  const double squared_length = Dot(along, along);
  const double t =
      squared_length > 0
          ? std::clamp(Dot(p - from, along) / squared_length, 0.0, 1.0)
          : 0.0;
  return Length(p - (from + t * along));
}

}  // namespace

double Length(Point2 p) { return std::sqrt(Dot(p, p)); }

Affine2 operator*(const Affine2& outer, const Affine2& inner) {
  const Point2 shift = outer({inner.c, inner.f});
  return {outer.a * inner.a + outer.b * inner.d,
          outer.a * inner.b + outer.b * inner.e,
          shift.x,
          outer.d * inner.a + outer.e * inner.d,
          outer.d * inner.b + outer.e * inner.e,
          shift.y};
}

Affine2 Inverse(const Affine2& map) {
  const double scale = 1 / (map.a * map.e - map.b * map.d);
  Affine2 inverse{scale * map.e,  -scale * map.b, 0,
                  -scale * map.d, scale * map.a,  0};
  const Point2 shift = inverse({map.c, map.f});
  inverse.c = -shift.x;
  inverse.f = -shift.y;
  return inverse;
}

Affine2 Similarity(double scale, double angle, Point2 shift) {
  const double c = scale * std::cos(angle);
  const double s = scale * std::sin(angle);
  return {c, -s, shift.x, s, c, shift.y};
}

double SignedDistance(const Piece& piece, Point2 p) {
  const std::vector<Point2>& corners = piece.corners;
  if (corners.size() == 1) return Length(p - corners[0]) - piece.radius;
  double nearest = std::numeric_limits<double>::infinity();
  bool any_left = false;
  bool any_right = false;
  for (size_t i = 0; i < corners.size(); ++i) {
    const Point2 from = corners[i];
    const Point2 to = corners[(i + 1) % corners.size()];
    nearest = std::min(nearest, DistanceToSegment(p, from, to));
    const double side = Cross(to - from, p - from);
    any_left |= side < 0;
    any_right |= side > 0;
  }
  const bool inside = corners.size() > 2 && !(any_left && any_right);
  return (inside ? -nearest : nearest) - piece.radius;
}

double SignedDistance(const Outline& outline, Point2 p) {
  double least = std::numeric_limits<double>::infinity();
  for (const Piece& piece : outline) {
    least = std::min(least, SignedDistance(piece, p));
  }
  return least;
}

Disc BoundingDisc(const Outline& outline) {
  Disc disc;
  if (outline.empty()) return disc;
  Point2 low = outline[0].corners[0];
  Point2 high = low;
  for (const Piece& piece : outline) {
    for (Point2 corner : piece.corners) {
      low = {std::min(low.x, corner.x), std::min(low.y, corner.y)};
      high = {std::max(high.x, corner.x), std::max(high.y, corner.y)};
    }
  }
  disc.centre = 0.5 * (low + high);
  for (const Piece& piece : outline) {
    for (Point2 corner : piece.corners) {
      disc.radius =
          std::max(disc.radius, Length(corner - disc.centre) + piece.radius);
    }
  }
  return disc;
}

}  // namespace pipelines::puppets
