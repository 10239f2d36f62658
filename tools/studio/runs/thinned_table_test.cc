#include "tools/studio/runs/thinned_table.h"

#include <algorithm>
#include <limits>

#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace studio {
namespace {

using nlohmann::json;

TEST(ThinnedTableTest, KeepsFewRowsAsTheyAre) {
  ThinnedTable table(2, 4);
  EXPECT_TRUE(table.Add(1, {0.5, 10}));
  EXPECT_TRUE(table.Add(3, {0.25, 20}));
  EXPECT_EQ(table.stride(), 1);
  EXPECT_EQ(table.Points(0, 0), json::parse("[[1,0.5,0.5,0.5],"
                                            "[3,0.25,0.25,0.25]]"));
  EXPECT_EQ(table.Points(1, 1), json::parse("[[3,20,20,20]]"));
}

TEST(ThinnedTableTest, MergesNeighboursWhereThereAreTooMany) {
  ThinnedTable table(1, 4);
  for (int step = 1; step <= 10; ++step) {
    table.Add(step, {static_cast<double>(step)});
  }
  EXPECT_EQ(table.stride(), 4);
  EXPECT_EQ(table.last_step(), 10);
  EXPECT_EQ(table.Points(0, 0),
            json::parse("[[4,2.5,1,4],[8,6.5,5,8],[10,9.5,9,10]]"));
}

TEST(ThinnedTableTest, HasAFiniteMeanOfTheLargestValues) {
  ThinnedTable table(1, 2);
  for (int step = 1; step <= 3; ++step) table.Add(step, {1e308});
  EXPECT_EQ(table.Points(0, 0),
            json::parse("[[2,1e308,1e308,1e308],[3,1e308,1e308,1e308]]"));
}

TEST(ThinnedTableTest, NeverHasMorePointsThanAllowedNorLosesAPeak) {
  ThinnedTable table(1, 100);
  for (int step = 0; step < 100000; ++step) {
    table.Add(step, {step == 54321 ? 7.0 : 1.0});
  }
  const json points = table.Points(0, -1);
  EXPECT_LE(points.size(), 100);
  EXPECT_GT(points.size(), 49);
  double highest = 0;
  for (const json& point : points) {
    highest = std::max(highest, point[3].get<double>());
  }
  EXPECT_EQ(highest, 7);
}

TEST(ThinnedTableTest, LeavesOutWhatIsNotFinite) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  ThinnedTable table(2, 2);
  table.Add(1, {kNan, 1});
  table.Add(2, {kInfinity, kNan});
  table.Add(3, {4, 3});
  EXPECT_EQ(table.Points(0, 0), json::parse("[[3,4,4,4]]"));
  EXPECT_EQ(table.Points(1, 0), json::parse("[[2,1,1,1],[3,3,3,3]]"));
}

TEST(ThinnedTableTest, RefusesStepsThatGoBack) {
  ThinnedTable table(1, 4);
  EXPECT_TRUE(table.Add(5, {1}));
  EXPECT_FALSE(table.Add(5, {2}));
  EXPECT_FALSE(table.Add(4, {2}));
  EXPECT_EQ(table.Points(0, 0), json::parse("[[5,1,1,1]]"));
}

}  // namespace
}  // namespace studio
