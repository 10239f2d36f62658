#include "pipelines/report/score_table.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pipelines {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

ScoreTable Table() {
  ScoreTable table;
  table.columns = {"L1", "frames"};
  table.rows = {{"a long name", {"0.5", "12"}}, {"b", {"0.25", ""}}};
  table.summary = {{"mean", {"0.375", "12"}}};
  return table;
}

TEST(ScoreTable, TextHasAlignedColumnsAndTheSummaryLast) {
  EXPECT_EQ(ScoreTableText(Table()),
            "clip            L1  frames\n"
            "a long name    0.5      12\n"
            "b             0.25        \n"
            "mean         0.375      12\n");
}

TEST(ScoreTable, TextIsAlignedByCharacters) {
  ScoreTable table = Table();
  table.rows[0].name = "\u00dcbung mit v";  // 12 bytes
  EXPECT_EQ(ScoreTableText(table),
            "clip            L1  frames\n"
            "\u00dcbung mit v    0.5      12\n"
            "b             0.25        \n"
            "mean         0.375      12\n");
}

TEST(ScoreTable, TextOfATableWithoutRowsIsItsHead) {
  ScoreTable table;
  table.name_column = "run";
  table.columns = {"L1"};
  EXPECT_EQ(ScoreTableText(table), "run  L1\n");
}

TEST(ScoreTable, HtmlHasTheSummaryFirst) {
  EXPECT_EQ(ScoreTableHtml(Table()),
            "<table>\n"
            "<tr><th>clip</th><th>L1</th><th>frames</th></tr>\n"
            "<tr class=\"mean\"><td>mean</td><td>0.375</td><td>12</td></tr>\n"
            "<tr><td>a long name</td><td>0.5</td><td>12</td></tr>\n"
            "<tr><td>b</td><td>0.25</td><td></td></tr>\n"
            "</table>\n");
}

TEST(ScoreTable, HtmlEscapesAllText) {
  ScoreTable table;
  table.name_column = "<c>";
  table.columns = {"<x>"};
  table.rows = {{"<n>", {"<&>"}}};
  const std::string html = ScoreTableHtml(table);
  EXPECT_THAT(html, HasSubstr("<td>&lt;n&gt;</td><td>&lt;&amp;&gt;</td>"));
  EXPECT_THAT(html, Not(HasSubstr("<x>")));
  EXPECT_THAT(html, Not(HasSubstr("<c>")));
}

}  // namespace
}  // namespace pipelines
