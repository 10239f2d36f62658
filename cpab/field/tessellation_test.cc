#include "cpab/field/tessellation.h"

#include <algorithm>
#include <array>
#include <limits>

#include "cpab/testing/draws.h"
#include "cpab/testing/golden_file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"

namespace cpab {
namespace {

using test_util::AllKinds;
using test_util::DrawPoints;
using ::testing::HasSubstr;

// How far x is inside a region: negative outside.
double DistanceInside(const Region& region, const Eigen::Vector2d& x) {
  double distance = std::numeric_limits<double>::infinity();
  for (const Edge& edge : region.edges) {
    distance = std::min(distance, edge.normal.dot(x) + edge.offset);
  }
  return distance;
}

// Rounding of an edge's distance for coordinates of order one.
constexpr double kTiny = 1e-14;

class TessellationTest : public ::testing::TestWithParam<TessellationOptions> {
 protected:
  const Tessellation tessellation_ = Tessellation::Create(GetParam()).value();
};

INSTANTIATE_TEST_SUITE_P(Kinds, TessellationTest,
                         ::testing::ValuesIn(AllKinds()), [](const auto& info) {
                           return test_util::KindName(info.param);
                         });

TEST_P(TessellationTest, RegionsCoverThePlaneOnce) {
  const Eigen::Matrix2Xd points = DrawPoints(2000, -1.5, 2.5, 1);
  for (const auto& x : points.colwise()) {
    const int found = tessellation_.FindRegion(x);
    EXPECT_GE(DistanceInside(tessellation_.regions()[found], x), -kTiny);
    EXPECT_EQ(tessellation_.regions()[found].cell, tessellation_.FindCell(x));
    for (int r = 0; r < tessellation_.num_regions(); ++r) {
      if (r == found) continue;
      EXPECT_LE(DistanceInside(tessellation_.regions()[r], x), kTiny);
    }
  }
}

TEST_P(TessellationTest, NeighboursAreMutualAndShareTheEdge) {
  for (int r = 0; r < tessellation_.num_regions(); ++r) {
    for (const Edge& edge : tessellation_.regions()[r].edges) {
      const Region& neighbour = tessellation_.regions()[edge.neighbour];
      const auto same_line_seen_from_there = [&](const Edge& other) {
        return other.neighbour == r &&
               (other.normal + edge.normal).norm() < kTiny &&
               std::abs(other.offset + edge.offset) < kTiny;
      };
      EXPECT_TRUE(std::any_of(neighbour.edges.begin(), neighbour.edges.end(),
                              same_line_seen_from_there));
    }
  }
}

TEST_P(TessellationTest, NeighboursHaveBothEndsOfTheirEdge) {
  int shared = 0;
  for (int cell = 0; cell < tessellation_.num_cells(); ++cell) {
    const std::array<int, 3>& v = tessellation_.cells()[cell];
    for (int e = 0; e < 3; ++e) {
      const int other = tessellation_.regions()[cell].edges[e].neighbour;
      if (other >= tessellation_.num_cells()) continue;
      ++shared;
      const std::array<int, 2> ends = {v[e], v[(e + 1) % 3]};
      EXPECT_THAT(tessellation_.cells()[other], ::testing::IsSupersetOf(ends));
    }
  }
  // Every triangle has three sides; only those on the border have one owner.
  const int border = 2 * (GetParam().nx + GetParam().ny);
  EXPECT_EQ(shared + border, 3 * tessellation_.num_cells());
}

class GoldenCellTest : public ::testing::TestWithParam<TessellationOptions> {};

INSTANTIATE_TEST_SUITE_P(
    Goldens, GoldenCellTest,
    ::testing::Values(TessellationOptions{2, 2}, TessellationOptions{3, 5},
                      TessellationOptions{4, 4}, TessellationOptions{6, 6}),
    [](const auto& info) { return test_util::KindName(info.param); });

TEST_P(GoldenCellTest, FindsLibcpabsCell) {
  const Tessellation tessellation = Tessellation::Create(GetParam()).value();
  const auto golden =
      test_util::ReadGolden("cpab/testdata/cpab_traj_" +
                            test_util::KindName(GetParam()) + ".safetensors");
  ASSERT_THAT(golden, IsOk());
  const auto& points = (*golden)["points"].values;
  const auto& cells = (*golden)["cell_of_point"].values;
  for (size_t n = 0; n < cells.size(); ++n) {
    const Eigen::Vector2d x(points[n], points[cells.size() + n]);
    EXPECT_EQ(tessellation.FindCell(x), cells[n]) << x.transpose();
  }
}

TEST(TessellationErrors, OptionsOutOfRangeAreNamed) {
  EXPECT_THAT(Tessellation::Create({0, 4}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("tessellation.nx is 0; use 1 to 128")));
  EXPECT_THAT(Tessellation::Create({4, 129}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("tessellation.ny is 129")));
}

}  // namespace
}  // namespace cpab
