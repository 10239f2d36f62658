// A table of scores, one line a clip, as text and for pages.
#ifndef PIPELINES_REPORT_SCORE_TABLE_H_
#define PIPELINES_REPORT_SCORE_TABLE_H_

#include <string>
#include <vector>

namespace pipelines {

struct ScoreTable {
  // Of the cells; the first column, the names, has `name_column` on top.
  std::string name_column = "clip";
  std::vector<std::string> columns;

  struct Row {
    std::string name;
    std::vector<std::string> cells;  // one a column; "" where there is none
  };
  std::vector<Row> summary;  // means and baselines
  std::vector<Row> rows;
};

// Aligned columns: rows, then the summary.
std::string ScoreTableText(const ScoreTable& table);

// A <table>: the summary, set off, then rows. All text is escaped.
std::string ScoreTableHtml(const ScoreTable& table);

}  // namespace pipelines

#endif  // PIPELINES_REPORT_SCORE_TABLE_H_
