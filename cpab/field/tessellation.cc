#include "cpab/field/tessellation.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace cpab {
namespace {

// Beyond, paths are longer than kMaxArcs (cpab/flow) for strong fields.
constexpr int kMaxRectangles = 128;

enum Side { kTop = 0, kRight = 1, kBottom = 2, kLeft = 3 };

Eigen::Vector2d Perpendicular(const Eigen::Vector2d& v) {
  return Eigen::Vector2d(-v.y(), v.x());
}

// The edge along `direction` through `point`, with `inside` on its inside.
Edge MakeEdge(const Eigen::Vector2d& point, const Eigen::Vector2d& direction,
              const Eigen::Vector2d& inside, int neighbour) {
  Eigen::Vector2d normal = Perpendicular(direction.normalized());
  if (normal.dot(inside - point) < 0) normal = -normal;
  return Edge{normal, -normal.dot(point), neighbour};
}

// The rectangle, of `count` in [0, 1], that the coordinate or its nearest point
// in [0, 1) falls into. NaN goes to the first.
int RectangleOf(double coordinate, int count) {
  if (!(coordinate > 0)) return 0;
  if (coordinate >= 1) return count - 1;
  return std::min(static_cast<int>(coordinate * count), count - 1);
}

}  // namespace

bool operator==(const TessellationOptions& a, const TessellationOptions& b) {
  return a.nx == b.nx && a.ny == b.ny && a.zero_boundary == b.zero_boundary &&
         a.volume_preserving == b.volume_preserving &&
         a.sparse_basis == b.sparse_basis;
}

absl::StatusOr<Tessellation> Tessellation::Create(
    const TessellationOptions& options) {
  for (const auto& [name, value] :
       {std::make_pair("nx", options.nx), std::make_pair("ny", options.ny)}) {
    if (value < 1 || value > kMaxRectangles) {
      return absl::InvalidArgumentError(absl::StrCat(
          "tessellation.", name, " is ", value, "; use 1 to ", kMaxRectangles));
    }
  }
  return Tessellation(options);
}

Tessellation::Tessellation(const TessellationOptions& options)
    : options_(options) {
  PlaceVertices();
  ListCells();
  AddCellRegions();
  AddOutsideRegions();
}

void Tessellation::PlaceVertices() {
  const int nx = options_.nx, ny = options_.ny;
  vertices_.resize(2, (nx + 1) * (ny + 1) + nx * ny);
  int v = 0;
  for (int j = 0; j <= ny; ++j) {
    for (int i = 0; i <= nx; ++i) {
      vertices_.col(v++) << double(i) / nx, double(j) / ny;
    }
  }
  for (int j = 0; j < ny; ++j) {
    for (int i = 0; i < nx; ++i) {
      vertices_.col(v++) << (i + 0.5) / nx, (j + 0.5) / ny;
    }
  }
}

void Tessellation::ListCells() {
  const int nx = options_.nx, ny = options_.ny;
  for (int j = 0; j < ny; ++j) {
    for (int i = 0; i < nx; ++i) {
      const int centre = (nx + 1) * (ny + 1) + i + j * nx;
      // Clockwise on the screen from the top left: side k runs from corner k
      // to corner k + 1.
      const std::array<int, 4> corners = {Corner(i, j), Corner(i + 1, j),
                                          Corner(i + 1, j + 1),
                                          Corner(i, j + 1)};
      for (int side = 0; side < 4; ++side) {
        cells_.push_back({corners[side], corners[(side + 1) % 4], centre});
      }
    }
  }
}

// Edge 0 is the rectangle's side, 1 and 2 go from its ends to the centre.
// -1 beyond the border of the square.
int Tessellation::NeighbourAcross(int cell, int edge) const {
  const int rectangle = cell / 4, side = cell % 4;
  if (edge == 1) return 4 * rectangle + (side + 1) % 4;
  if (edge == 2) return 4 * rectangle + (side + 3) % 4;
  const int i = rectangle % options_.nx, j = rectangle / options_.nx;
  if (side == kTop) return j > 0 ? Cell(i, j - 1, kBottom) : -1;
  if (side == kRight) return i + 1 < options_.nx ? Cell(i + 1, j, kLeft) : -1;
  if (side == kBottom) return j + 1 < options_.ny ? Cell(i, j + 1, kTop) : -1;
  return i > 0 ? Cell(i - 1, j, kRight) : -1;
}

void Tessellation::AddCellRegions() {
  int num_regions = num_cells();
  extension_of_cell_.assign(num_cells(), -1);
  for (int cell = 0; cell < num_cells(); ++cell) {
    if (NeighbourAcross(cell, 0) < 0) extension_of_cell_[cell] = num_regions++;
  }
  for (int cell = 0; cell < num_cells(); ++cell) {
    Region region;
    region.cell = cell;
    for (int e = 0; e < 3; ++e) {
      const Eigen::Vector2d from = Vertex(cells_[cell][e]);
      const Eigen::Vector2d to = Vertex(cells_[cell][(e + 1) % 3]);
      const Eigen::Vector2d opposite = Vertex(cells_[cell][(e + 2) % 3]);
      const int neighbour = NeighbourAcross(cell, e);
      region.edges[e] = MakeEdge(from, to - from, opposite,
                                 neighbour >= 0 ? neighbour : Extension(cell));
    }
    regions_.push_back(region);
  }
}

// The extension of a border cell lies between two rays from the ends of its
// side: straight outwards where the next border cell lies on the same side, or
// along the rectangle's diagonal at a corner of the square.
void Tessellation::AddOutsideRegions() {
  for (int cell = 0; cell < num_cells(); ++cell) {
    if (extension_of_cell_[cell] < 0) continue;
    const Eigen::Vector2d from = Vertex(cells_[cell][0]);
    const Eigen::Vector2d to = Vertex(cells_[cell][1]);
    const Eigen::Vector2d centre = Vertex(cells_[cell][2]);
    const Eigen::Vector2d outwards = (from + to) / 2 - centre;
    Region region;
    region.cell = cell;
    region.edges[0] = MakeEdge(from, to - from, from + outwards, cell);
    for (int end = 0; end < 2; ++end) {
      // The cell at this end within the rectangle; if it is a border cell too,
      // the end is a corner of the square.
      const int turn = NeighbourAcross(cell, end == 0 ? 2 : 1);
      const bool corner = extension_of_cell_[turn] >= 0;
      const Eigen::Vector2d vertex = end == 0 ? from : to;
      const Eigen::Vector2d other = end == 0 ? to : from;
      const Eigen::Vector2d ray =
          corner ? Eigen::Vector2d(vertex - centre) : outwards;
      // Otherwise the next border cell: turn, cross, turn about the vertex.
      const int next =
          corner ? turn
                 : NeighbourAcross(NeighbourAcross(turn, 0), end == 0 ? 2 : 1);
      region.edges[1 + end] = MakeEdge(vertex, ray, other, Extension(next));
    }
    regions_.push_back(region);
  }
}

int Tessellation::FindCell(const Eigen::Vector2d& point) const {
  const int nx = options_.nx, ny = options_.ny;
  const double x = point.x(), y = point.y();
  const int i = RectangleOf(x, nx), j = RectangleOf(y, ny);
  const double X = x * nx, Y = y * ny;
  if (x <= 0) {
    if (y <= 0 && Y < X) return Cell(i, j, kTop);
    if (y >= 1 && Y - ny > -X) return Cell(i, j, kBottom);
    return Cell(i, j, kLeft);
  }
  if (x >= 1) {
    if (y <= 0 && -Y > X - nx) return Cell(i, j, kTop);
    if (y >= 1 && Y - ny > X - nx) return Cell(i, j, kBottom);
    return Cell(i, j, kRight);
  }
  if (y <= 0) return Cell(i, j, kTop);
  if (y >= 1) return Cell(i, j, kBottom);
  const double u = X - i, v = Y - j;
  if (u < v) return Cell(i, j, 1 - u < v ? kBottom : kLeft);
  return Cell(i, j, 1 - u < v ? kRight : kTop);
}

int Tessellation::FindRegion(const Eigen::Vector2d& x) const {
  const int cell = FindCell(x);
  const bool outside = x.x() < 0 || x.x() > 1 || x.y() < 0 || x.y() > 1;
  return outside ? Extension(cell) : cell;
}

}  // namespace cpab
