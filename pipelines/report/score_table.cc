#include "pipelines/report/score_table.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "pipelines/report/html.h"

namespace pipelines {
namespace {

using Row = ScoreTable::Row;

// The width of each column, that of the names first.
std::vector<size_t> Widths(const ScoreTable& table) {
  std::vector<size_t> widths = {table.name_column.size()};
  for (const std::string& column : table.columns) {
    widths.push_back(column.size());
  }
  const auto widen = [&widths](const std::vector<Row>& rows) {
    for (const Row& row : rows) {
      widths[0] = std::max(widths[0], row.name.size());
      for (size_t i = 0; i < row.cells.size() && i + 1 < widths.size(); ++i) {
        widths[i + 1] = std::max(widths[i + 1], row.cells[i].size());
      }
    }
  };
  widen(table.rows);
  widen(table.summary);
  return widths;
}

std::string TextLine(const std::vector<size_t>& widths, const std::string& name,
                     const std::vector<std::string>& cells) {
  std::string line = absl::StrFormat("%-*s", widths[0], name);
  for (size_t i = 0; i < cells.size() && i + 1 < widths.size(); ++i) {
    absl::StrAppendFormat(&line, "  %*s", widths[i + 1], cells[i]);
  }
  return line + "\n";
}

std::string HtmlRow(const char* open, const char* cell, const std::string& name,
                    const std::vector<std::string>& cells) {
  std::string html =
      absl::StrCat(open, "<", cell, ">", EscapeHtml(name), "</", cell, ">");
  for (const std::string& text : cells) {
    absl::StrAppend(&html, "<", cell, ">", EscapeHtml(text), "</", cell, ">");
  }
  return absl::StrCat(html, "</tr>\n");
}

}  // namespace

std::string ScoreTableText(const ScoreTable& table) {
  const std::vector<size_t> widths = Widths(table);
  std::string text = TextLine(widths, table.name_column, table.columns);
  for (const Row& row : table.rows) {
    text += TextLine(widths, row.name, row.cells);
  }
  for (const Row& row : table.summary) {
    text += TextLine(widths, row.name, row.cells);
  }
  return text;
}

std::string ScoreTableHtml(const ScoreTable& table) {
  std::string html = absl::StrCat(
      "<table>\n", HtmlRow("<tr>", "th", table.name_column, table.columns));
  for (const Row& row : table.summary) {
    html += HtmlRow("<tr class=\"mean\">", "td", row.name, row.cells);
  }
  for (const Row& row : table.rows) {
    html += HtmlRow("<tr>", "td", row.name, row.cells);
  }
  return html + "</table>\n";
}

}  // namespace pipelines
