// Cuts the unit square into triangles, the cells of a CPAB velocity field.
//
// The square is a grid of nx x ny rectangles, each cut into four triangles
// about its centre. Rectangle (i, j), i along x and j along y, holds the cells
// 4 (i + j nx) + k, where k says which side of the rectangle the cell touches:
// 0 top (y smallest), 1 right, 2 bottom, 3 left.
//
// The plane outside the square belongs to the border cells: their velocity is
// extended outwards. For the flow, which needs convex pieces to walk through,
// every outward extension is a region of its own: see Region. With
// zero_boundary these extensions do not fit together, since only velocities on
// the border are constrained; there the velocity outside is that of the nearest
// point of the square.
//
// Coordinates: x right, y down, both in [0, 1] inside the square.
// Source: [CPAB] Sec. 3; numbering and outside regions as libcpab has them.
#ifndef CPAB_FIELD_TESSELLATION_H_
#define CPAB_FIELD_TESSELLATION_H_

#include <array>
#include <vector>

#include "Eigen/Core"
#include "absl/status/statusor.h"

namespace cpab {

struct TessellationOptions {
  // Rectangles along x and y, 1 to 128 each.
  int nx = 4;
  int ny = 4;
  // The velocity has no component normal to the border of the square, so that
  // the flow maps the square onto itself (points may slide along the border),
  // and points outside move as the nearest point of the square does. Otherwise
  // the field goes on outside the square as the border cells have it.
  bool zero_boundary = false;
  // The velocity has no divergence in any cell: the flow keeps areas.
  bool volume_preserving = false;
  // Store the basis sparsely: memory and time by the number of cells, and other
  // columns than the dense basis, so that theta means something else. Always so
  // for more than 32 rectangles along an axis.
  bool sparse_basis = false;
};

bool operator==(const TessellationOptions& a, const TessellationOptions& b);

// One straight side of a region. The signed distance of x from it,
// normal . x + offset, is positive inside the region.
struct Edge {
  Eigen::Vector2d normal;  // Unit length, points into the region.
  double offset;
  int neighbour;  // The region on the other side.
};

// A convex piece of the plane on which the velocity is one affine map. Regions
// 0 to num_cells() - 1 are the cells; those that follow are the unbounded
// extensions of border cells, one for each.
struct Region {
  int cell;                   // Whose affine map holds here.
  std::array<Edge, 3> edges;  // All of its boundary.
};

// Immutable; safe to use from many threads.
class Tessellation {
 public:
  // InvalidArgument if nx or ny is out of range.
  static absl::StatusOr<Tessellation> Create(
      const TessellationOptions& options);

  const TessellationOptions& options() const { return options_; }
  int num_cells() const { return static_cast<int>(cells_.size()); }
  int num_vertices() const { return static_cast<int>(vertices_.cols()); }
  int num_regions() const { return static_cast<int>(regions_.size()); }

  // [2, num_vertices]: first the (nx + 1)(ny + 1) corners of the rectangles,
  // x running fastest, then their nx ny centres in the same order.
  const Eigen::Matrix2Xd& vertices() const { return vertices_; }

  // The three vertices of each cell: two corners, then the centre.
  const std::vector<std::array<int, 3>>& cells() const { return cells_; }

  const std::vector<Region>& regions() const { return regions_; }

  // Where the velocity at x is that of its cell: with zero_boundary the point
  // of the square that is nearest to x, which is finite; without it x.
  Eigen::Vector2d Nearest(const Eigen::Vector2d& x) const {
    if (!options_.zero_boundary) return x;
    return x.cwiseMax(0).cwiseMin(1);
  }

  // The cell whose affine map holds at x, anywhere in the plane. Points on an
  // edge belong to one of the cells that meet there. Outside the square a
  // point belongs to the border cell beside it; past a corner the diagonal of
  // the corner's rectangle decides between the two.
  int FindCell(const Eigen::Vector2d& x) const;

  // The region that holds x: its cell, or the extension of it if x is outside.
  int FindRegion(const Eigen::Vector2d& x) const;

 private:
  explicit Tessellation(const TessellationOptions& options);

  int Corner(int i, int j) const { return i + j * (options_.nx + 1); }
  int Cell(int i, int j, int side) const {
    return 4 * (i + j * options_.nx) + side;
  }
  int Extension(int cell) const { return extension_of_cell_[cell]; }
  Eigen::Vector2d Vertex(int v) const { return vertices_.col(v); }

  void PlaceVertices();
  void ListCells();
  void AddCellRegions();
  void AddOutsideRegions();
  int NeighbourAcross(int cell, int edge) const;

  TessellationOptions options_;
  Eigen::Matrix2Xd vertices_;
  std::vector<std::array<int, 3>> cells_;
  std::vector<Region> regions_;
  std::vector<int> extension_of_cell_;  // -1 for inner cells.
};

}  // namespace cpab

#endif  // CPAB_FIELD_TESSELLATION_H_
