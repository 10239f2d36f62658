// The cells and regions of cpab/field/tessellation.h by arithmetic instead of
// tables: nothing to load, and any number of rectangles.
//
// A position is a rectangle and an offset u from that rectangle's centre. In a
// cell it is seen in the cell's own frame: `a` along the rectangle's side that
// the cell touches, clockwise on the screen, and `o` outwards through it. So
// all cells look alike: a triangle with the corners (-w, h), (w, h) and (0, 0),
// h the distance of the side from the centre and w half its length. Frames are
// turned by quarters, so that changing between them rounds nothing; two edges
// go through the origin, so that cells which share one agree on every bit of a
// point's distance from it; and what rounds is small in units of a rectangle,
// not of the square, which is what lets float do.
//
// Private to //cpab/cuda.
#ifndef CPAB_CUDA_GRID_H_
#define CPAB_CUDA_GRID_H_

#include "cpab/cuda/host_device.h"

namespace cpab::kernels {

// nx x ny rectangles, at least one each way and at most 2^26 in all.
struct Grid {
  int nx, ny;
  // As in TessellationOptions: outside, the velocity is that of the nearest
  // point of the square.
  bool zero_boundary = false;

  CPAB_HOST_DEVICE int num_vertices() const {
    return (nx + 1) * (ny + 1) + nx * ny;
  }
  CPAB_HOST_DEVICE int num_cells() const { return 4 * nx * ny; }
};

// A cell, or what lies beyond its side outside the square.
//
// Its edges: 0 is the rectangle's side, 1 lies at its end a = w and 2 at its
// end a = -w. Tessellation numbers those of cells in the same way, and has 1
// and 2 the other way round for what lies outside.
struct Region {
  int i, j;      // The rectangle.
  int side;      // 0 top, 1 right, 2 bottom, 3 left.
  bool outside;  // The unbounded extension of a border cell.
};

CPAB_HOST_DEVICE bool SameRegion(Region a, Region b) {
  return a.i == b.i && a.j == b.j && a.side == b.side && a.outside == b.outside;
}

// One number for a region, and back.
CPAB_HOST_DEVICE int Packed(Grid grid, Region r) {
  return 8 * (r.i + r.j * grid.nx) + 2 * r.side + (r.outside ? 1 : 0);
}
CPAB_HOST_DEVICE Region Unpacked(Grid grid, int code) {
  const int rectangle = code / 8;
  return {rectangle % grid.nx, rectangle / grid.nx, code / 2 % 4,
          code % 2 != 0};
}

// The unit vectors of a cell's frame: along its side and outwards.
CPAB_HOST_DEVICE int AlongX(int side) {
  return side == 0 ? 1 : side == 2 ? -1 : 0;
}
CPAB_HOST_DEVICE int AlongY(int side) {
  return side == 1 ? 1 : side == 3 ? -1 : 0;
}
CPAB_HOST_DEVICE int OutX(int side) { return AlongY(side); }
CPAB_HOST_DEVICE int OutY(int side) { return -AlongX(side); }

// From the axes of the square to the frame (a, o), and back: exact.
template <typename Real>
CPAB_HOST_DEVICE Vector<Real> ToFrame(int side, Vector<Real> v) {
  switch (side) {
    case 0:
      return {v.x, -v.y};
    case 1:
      return {v.y, v.x};
    case 2:
      return {-v.x, v.y};
    default:
      return {-v.y, -v.x};
  }
}
// The matrix of a frame is a reflection: its own inverse.
template <typename Real>
CPAB_HOST_DEVICE Vector<Real> FromFrame(int side, Vector<Real> v) {
  return ToFrame(side, v);
}

// w and h of a cell.
template <typename Real>
struct CellSize {
  CPAB_HOST_DEVICE CellSize(Grid grid, int side) {
    const Real x = Real(0.5) / grid.nx, y = Real(0.5) / grid.ny;
    w = side % 2 == 0 ? x : y;
    h = side % 2 == 0 ? y : x;
  }
  Real w, h;
};

// The vertices of a cell, numbered as Tessellation does: the ends of its side
// at a = -w and a = w, and the rectangle's centre.
struct CellVertices {
  CPAB_HOST_DEVICE CellVertices(Grid grid, Region r) {
    from = Corner(grid, r, r.side);
    to = Corner(grid, r, (r.side + 1) % 4);
    centre = (grid.nx + 1) * (grid.ny + 1) + r.i + r.j * grid.nx;
  }
  int from, to, centre;

 private:
  // Corners clockwise on the screen from the top left.
  CPAB_HOST_DEVICE static int Corner(Grid grid, Region r, int corner) {
    const int right = corner == 1 || corner == 2 ? 1 : 0;
    const int below = corner >= 2 ? 1 : 0;
    return r.i + right + (r.j + below) * (grid.nx + 1);
  }
};

// Where a point is.
template <typename Real>
struct Place {
  Region region;
  Vector<Real> offset;  // From the centre of the region's rectangle.
};

template <typename Real>
CPAB_HOST_DEVICE int RectangleOf(Real coordinate, int count) {
  if (!(coordinate > 0)) return 0;
  if (coordinate >= 1) return count - 1;
  const int rectangle = static_cast<int>(coordinate * count);
  return rectangle < count ? rectangle : count - 1;
}

// The place of a finite x anywhere in the plane: Tessellation::FindRegion.
template <typename Real>
CPAB_HOST_DEVICE Place<Real> FindPlace(Grid grid, Vector<Real> x) {
  const int i = RectangleOf(x.x, grid.nx), j = RectangleOf(x.y, grid.ny);
  const Vector<Real> offset = {x.x - (i + Real(0.5)) / grid.nx,
                               x.y - (j + Real(0.5)) / grid.ny};
  // In units of the rectangle, so that its diagonals are those of a square.
  const Real p = offset.x * grid.nx, q = offset.y * grid.ny;
  const bool beyond_x = x.x < 0 || x.x > 1, beyond_y = x.y < 0 || x.y > 1;
  // A point beside the square may be so near that p and q do not tell: only the
  // side that it is beyond has an extension.
  const bool is_across = beyond_x != beyond_y ? beyond_x : Abs(p) > Abs(q);
  const int side = is_across ? (p > 0 ? 1 : 3) : (q > 0 ? 2 : 0);
  return {{i, j, side, beyond_x || beyond_y}, offset};
}

// The coordinates in which a point of a field with zero_boundary is outside the
// square, and which its path does not move. Empty without zero_boundary.
struct Held {
  static constexpr int kLeft = 1, kRight = 2, kAbove = 4, kBelow = 8;
  int sides;  // Any of them.

  CPAB_HOST_DEVICE bool x() const { return (sides & (kLeft | kRight)) != 0; }
  CPAB_HOST_DEVICE bool y() const { return (sides & (kAbove | kBelow)) != 0; }

  // The vector without these coordinates.
  template <typename Real>
  CPAB_HOST_DEVICE Vector<Real> Others(Vector<Real> v) const {
    return {x() ? Real(0) : v.x, y() ? Real(0) : v.y};
  }
  // The nearest point of the square.
  template <typename Real>
  CPAB_HOST_DEVICE Vector<Real> Nearest(Vector<Real> v) const {
    return {x() ? Real(sides & kRight ? 1 : 0) : v.x,
            y() ? Real(sides & kBelow ? 1 : 0) : v.y};
  }
  // The same as an offset in a rectangle at the border.
  template <typename Real>
  CPAB_HOST_DEVICE Vector<Real> OnBorder(Grid grid, Vector<Real> offset) const {
    const Real w = Real(0.5) / grid.nx, h = Real(0.5) / grid.ny;
    return {x() ? (sides & kRight ? w : -w) : offset.x,
            y() ? (sides & kBelow ? h : -h) : offset.y};
  }
};

template <typename Real>
CPAB_HOST_DEVICE Held HeldAt(Grid grid, Vector<Real> x) {
  if (!grid.zero_boundary) return {0};
  return {(x.x < 0 ? Held::kLeft : 0) | (x.x > 1 ? Held::kRight : 0) |
          (x.y < 0 ? Held::kAbove : 0) | (x.y > 1 ? Held::kBelow : 0)};
}

// Moves a place to the next rectangle in a direction; false if there is none.
template <typename Real>
CPAB_HOST_DEVICE bool Shift(Grid grid, int dx, int dy, Place<Real>* place) {
  const int i = place->region.i + dx, j = place->region.j + dy;
  if (i < 0 || i >= grid.nx || j < 0 || j >= grid.ny) return false;
  place->region.i = i;
  place->region.j = j;
  place->offset.x -= dx * (Real(1) / grid.nx);
  place->offset.y -= dy * (Real(1) / grid.ny);
  return true;
}

// Whether the outer region's edge 1 or 2 goes straight outwards, because the
// next border cell lies on the same side of the square. Otherwise it goes along
// the diagonal through a corner of the square.
CPAB_HOST_DEVICE bool IsStraight(Grid grid, Region r, int edge) {
  const int sign = edge == 1 ? 1 : -1;
  const int i = r.i + sign * AlongX(r.side), j = r.j + sign * AlongY(r.side);
  return i >= 0 && i < grid.nx && j >= 0 && j < grid.ny;
}

// The same point in the region across an edge.
template <typename Real>
CPAB_HOST_DEVICE Place<Real> Across(Grid grid, Place<Real> place, int edge) {
  Region& r = place.region;
  const int side = r.side;
  if (edge == 0) {
    if (r.outside) {
      r.outside = false;
    } else if (Shift(grid, OutX(side), OutY(side), &place)) {
      r.side = (side + 2) % 4;
    } else {
      r.outside = true;
    }
    return place;
  }
  const int sign = edge == 1 ? 1 : -1;
  if (r.outside &&
      Shift(grid, sign * AlongX(side), sign * AlongY(side), &place)) {
    return place;
  }
  r.side = (side + 4 + sign) % 4;
  return place;
}

// normal . (a, o) + offset is the distance from an edge, positive inside.
template <typename Real>
struct Edge {
  Real normal_a, normal_o, offset;
};

template <typename Real>
CPAB_HOST_DEVICE Edge<Real> EdgeOf(Grid grid, Region r, CellSize<Real> size,
                                   int edge) {
  if (edge == 0) {
    return r.outside ? Edge<Real>{0, 1, -size.h} : Edge<Real>{0, -1, size.h};
  }
  const Real sign = edge == 1 ? Real(1) : Real(-1);
  if (r.outside && IsStraight(grid, r, edge)) return {-sign, 0, size.w};
  const Real scale = 1 / std::sqrt(size.w * size.w + size.h * size.h);
  return {-sign * size.h * scale, size.w * scale, 0};
}

}  // namespace cpab::kernels

#endif  // CPAB_CUDA_GRID_H_
