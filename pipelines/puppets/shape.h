// Points, affine maps and rounded outlines of the plane.
#ifndef PIPELINES_PUPPETS_SHAPE_H_
#define PIPELINES_PUPPETS_SHAPE_H_

#include <vector>

namespace pipelines::puppets {

struct Point2 {
  double x = 0;
  double y = 0;
};

inline Point2 operator+(Point2 p, Point2 q) { return {p.x + q.x, p.y + q.y}; }
inline Point2 operator-(Point2 p, Point2 q) { return {p.x - q.x, p.y - q.y}; }
inline Point2 operator*(double s, Point2 p) { return {s * p.x, s * p.y}; }
inline double Dot(Point2 p, Point2 q) { return p.x * q.x + p.y * q.y; }
inline double Cross(Point2 p, Point2 q) { return p.x * q.y - p.y * q.x; }
double Length(Point2 p);

// x' = a x + b y + c, y' = d x + e y + f. The identity by default.
struct Affine2 {
  double a = 1, b = 0, c = 0;
  double d = 0, e = 1, f = 0;

  Point2 operator()(Point2 p) const {
    return {a * p.x + b * p.y + c, d * p.x + e * p.y + f};
  }
};

// (outer * inner)(p) = outer(inner(p)).
Affine2 operator*(const Affine2& outer, const Affine2& inner);

// The determinant of the linear part must not be 0.
Affine2 Inverse(const Affine2& map);

// Scales, then turns by `angle` (radians, from x towards y, so clockwise on
// screen), then shifts.
Affine2 Similarity(double scale, double angle, Point2 shift);

// A convex polygon grown by a radius: a disc for one corner, a capsule for two.
struct Piece {
  std::vector<Point2> corners;  // in order, either way round; at least one
  double radius = 0;
};

// A union of pieces.
using Outline = std::vector<Piece>;

// Distance from the border, negative inside. Of one piece it is exact; inside
// a union it is that of the piece in which the point lies deepest.
double SignedDistance(const Piece& piece, Point2 p);

// The least over the pieces; +infinity for none.
double SignedDistance(const Outline& outline, Point2 p);

// Centre and radius of a disc that holds the outline (radius 0 if empty).
struct Disc {
  Point2 centre;
  double radius = 0;
};
Disc BoundingDisc(const Outline& outline);

}  // namespace pipelines::puppets

#endif  // PIPELINES_PUPPETS_SHAPE_H_
