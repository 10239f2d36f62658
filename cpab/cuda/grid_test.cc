// The regions by arithmetic are those of cpab/field/tessellation.h.
#include "cpab/cuda/grid.h"

#include <algorithm>
#include <array>
#include <limits>
#include <vector>

#include "cpab/cuda/host_device.h"
#include "cpab/field/tessellation.h"
#include "cpab/testing/draws.h"
#include "gtest/gtest.h"

namespace cpab::kernels {
namespace {

using ::testing::Values;

class GridTest : public ::testing::TestWithParam<TessellationOptions> {
 protected:
  // In the order of Tessellation: the cells, then the extensions.
  std::vector<Region> Regions() const {
    std::vector<Region> regions;
    for (int cell = 0; cell < grid_.num_cells(); ++cell) {
      regions.push_back(Unpacked(grid_, 2 * cell));
    }
    for (int cell = 0; cell < grid_.num_cells(); ++cell) {
      Region region = regions[cell];
      const Place<double> across = Across<double>(grid_, {region, {0, 0}}, 0);
      region.outside = true;
      if (SameRegion(across.region, region)) regions.push_back(region);
    }
    return regions;
  }
  Eigen::Vector2d CentreOf(const Region& region) const {
    return {(region.i + 0.5) / grid_.nx, (region.j + 0.5) / grid_.ny};
  }

  const Tessellation tessellation_ = Tessellation::Create(GetParam()).value();
  const Grid grid_ = {GetParam().nx, GetParam().ny};
};

INSTANTIATE_TEST_SUITE_P(
    Grids, GridTest,
    Values(TessellationOptions{1, 1}, TessellationOptions{4, 4},
           TessellationOptions{1, 6}, TessellationOptions{5, 2}),
    [](const auto& info) { return test_util::KindName(info.param); });

TEST_P(GridTest, CountsAndVerticesAreThoseOfTheTessellation) {
  EXPECT_EQ(grid_.num_vertices(), tessellation_.num_vertices());
  EXPECT_EQ(grid_.num_cells(), tessellation_.num_cells());
  const std::vector<Region> regions = Regions();
  ASSERT_EQ(static_cast<int>(regions.size()), tessellation_.num_regions());
  for (int r = 0; r < tessellation_.num_regions(); ++r) {
    const int cell = tessellation_.regions()[r].cell;
    const CellVertices vertices(grid_, regions[r]);
    const std::array<int, 3>& expected = tessellation_.cells()[cell];
    EXPECT_EQ(vertices.from, expected[0]) << r;
    EXPECT_EQ(vertices.to, expected[1]) << r;
    EXPECT_EQ(vertices.centre, expected[2]) << r;
  }
}

TEST_P(GridTest, CodesAreOneToOne) {
  for (const Region& region : Regions()) {
    EXPECT_TRUE(SameRegion(Unpacked(grid_, Packed(grid_, region)), region));
  }
}

// Distances from all edges, and the region and the position across each. The
// positions are of order 1: rounding of a few epsilon.
TEST_P(GridTest, EdgesAndNeighboursAreThoseOfTheTessellation) {
  const std::vector<Region> regions = Regions();
  const Eigen::Matrix2Xd points = test_util::DrawPoints(20, -0.5, 1.5, 1);
  for (size_t r = 0; r < regions.size(); ++r) {
    const Region region = regions[r];
    for (int e = 0; e < 3; ++e) {
      const int theirs = region.outside ? (3 - e) % 3 : e;
      const cpab::Edge& expected = tessellation_.regions()[r].edges[theirs];
      const Edge<double> edge =
          EdgeOf(grid_, region, CellSize<double>(grid_, region.side), e);
      for (const auto& x : points.colwise()) {
        const Eigen::Vector2d u = x - CentreOf(region);
        const Vector<double> offset = {u.x(), u.y()};
        const Vector<double> in_frame = ToFrame(region.side, offset);
        EXPECT_NEAR(edge.normal_a * in_frame.x + edge.normal_o * in_frame.y +
                        edge.offset,
                    expected.normal.dot(x) + expected.offset, 1e-14);
        const Place<double> across = Across<double>(grid_, {region, offset}, e);
        EXPECT_TRUE(SameRegion(across.region, regions[expected.neighbour]))
            << r << " " << e;
        const Eigen::Vector2d there =
            CentreOf(across.region) +
            Eigen::Vector2d(across.offset.x, across.offset.y);
        EXPECT_LT((there - x).norm(), 1e-14);
      }
    }
  }
}

TEST_P(GridTest, PointsAreFoundWhereTheTessellationHasThem) {
  const std::vector<Region> regions = Regions();
  const Eigen::Matrix2Xd points = test_util::DrawPoints(2000, -0.5, 1.5, 2);
  for (const auto& x : points.colwise()) {
    const Place<double> place = FindPlace(grid_, Vector<double>{x.x(), x.y()});
    EXPECT_TRUE(SameRegion(place.region, regions[tessellation_.FindRegion(x)]))
        << x.transpose();
    const Eigen::Vector2d there =
        CentreOf(place.region) +
        Eigen::Vector2d(place.offset.x, place.offset.y);
    EXPECT_LT((there - x).norm(), 1e-15);
  }
}

// Also where rounding takes offsets for those of points on the border, beside
// the ends of its cells.
template <typename Real>
void ExpectExtensionsAtTheBorder(Grid grid) {
  for (const Real d :
       {std::numeric_limits<Real>::denorm_min(), Real(1e-18), Real(1e-9),
        Real(6e-8), std::numeric_limits<Real>::epsilon(), Real(1e-6)}) {
    for (int k = 0; k <= 2 * std::max(grid.nx, grid.ny); ++k) {
      const Real along_x = Real(0.5) * k / grid.nx;
      const Real along_y = Real(0.5) * k / grid.ny;
      for (const Vector<Real>& x :
           {Vector<Real>{-d, along_y}, Vector<Real>{1 + d, along_y},
            Vector<Real>{along_x, -d}, Vector<Real>{along_x, 1 + d}}) {
        const Place<Real> place = FindPlace(grid, x);
        const bool outside = x.x < 0 || x.x > 1 || x.y < 0 || x.y > 1;
        EXPECT_EQ(place.region.outside, outside);
        if (!outside) continue;
        const Place<Real> inside = Across(grid, place, 0);
        EXPECT_TRUE(SameRegion(Across(grid, inside, 0).region, place.region))
            << x.x << ", " << x.y;
      }
    }
  }
}

TEST_P(GridTest, PointsBesideTheSquareAreInExtensionsAtTheBorder) {
  ExpectExtensionsAtTheBorder<float>(grid_);
  ExpectExtensionsAtTheBorder<double>(grid_);
}

// Beside the point that it is asked for, on edges and vertices: any of the
// regions that meet there, whose distances are not negative.
TEST_P(GridTest, PointsOnEdgesAreInARegionThatTouchesThem) {
  const Eigen::Matrix2Xd points = test_util::PointsOnEdges(tessellation_, 3);
  for (const auto& x : points.colwise()) {
    const Place<double> place = FindPlace(grid_, Vector<double>{x.x(), x.y()});
    const Vector<double> in_frame = ToFrame(place.region.side, place.offset);
    for (int e = 0; e < 3; ++e) {
      const Edge<double> edge = EdgeOf(
          grid_, place.region, CellSize<double>(grid_, place.region.side), e);
      EXPECT_GT(
          edge.normal_a * in_frame.x + edge.normal_o * in_frame.y + edge.offset,
          -1e-15);
    }
  }
}

TEST(GridFrameTest, FramesAreReflectionsAlongTheirSides) {
  for (int side = 0; side < 4; ++side) {
    const Vector<double> v = {0.3, -0.7};
    const Vector<double> in_frame = ToFrame(side, v);
    EXPECT_EQ(in_frame.x, v.x * AlongX(side) + v.y * AlongY(side));
    EXPECT_EQ(in_frame.y, v.x * OutX(side) + v.y * OutY(side));
    const Vector<double> back = FromFrame(side, in_frame);
    EXPECT_EQ(back.x, v.x);
    EXPECT_EQ(back.y, v.y);
  }
}

}  // namespace
}  // namespace cpab::kernels
