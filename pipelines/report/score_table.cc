#include "pipelines/report/score_table.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "networks/files/utf8.h"
#include "pipelines/report/html.h"

namespace pipelines {
namespace {

using networks::files::NumCharacters;
using Row = ScoreTable::Row;

// The width of each column, that of the names first.
std::vector<size_t> Widths(const ScoreTable& table) {
  std::vector<size_t> widths = {NumCharacters(table.name_column)};
  for (const std::string& column : table.columns) {
    widths.push_back(NumCharacters(column));
  }
  const auto widen = [&widths](const std::vector<Row>& rows) {
    for (const Row& row : rows) {
      widths[0] = std::max(widths[0], NumCharacters(row.name));
      for (size_t i = 0; i < row.cells.size() && i + 1 < widths.size(); ++i) {
        widths[i + 1] = std::max(widths[i + 1], NumCharacters(row.cells[i]));
      }
    }
  };
  widen(table.rows);
  widen(table.summary);
  return widths;
}

std::string Spaces(size_t width, const std::string& text) {
  return std::string(width - NumCharacters(text), ' ');
}

std::string TextLine(const std::vector<size_t>& widths, const std::string& name,
                     const std::vector<std::string>& cells) {
  std::string line = absl::StrCat(name, Spaces(widths[0], name));
  for (size_t i = 0; i < cells.size() && i + 1 < widths.size(); ++i) {
    absl::StrAppend(&line, "  ", Spaces(widths[i + 1], cells[i]), cells[i]);
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
