#include "tools/lint/visibility.h"

#include <cctype>
#include <map>
#include <set>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace tools::lint {
namespace {

constexpr char kPage[] = "LIBRARIES.md";

bool IsPublic(const BuildRule& rule, const std::string& attribute) {
  for (const std::string& label : rule.Strings(attribute)) {
    if (label == "//visibility:public") return true;
  }
  return false;
}

// The words of `text` in backquotes.
std::vector<std::string> Quoted(absl::string_view text) {
  std::vector<std::string> words;
  const std::vector<std::string> parts = absl::StrSplit(text, '`');
  for (size_t i = 1; i + 1 < parts.size(); i += 2) words.push_back(parts[i]);
  return words;
}

// What the page names: whole labels of targets, and the line of each.
struct NamedTargets {
  std::map<std::string, int> in_rows;
  std::set<std::string> anywhere;
};

void AddRow(absl::string_view row, int line, NamedTargets* named) {
  if (!absl::ConsumePrefix(&row, "| `//")) return;
  const std::string package(row.substr(0, row.find('`')));
  const std::vector<std::string> cells = absl::StrSplit(row, '|');
  if (absl::StrContains(package, ":") || cells.size() < 3) return;
  for (const std::string& name : Quoted(cells[1])) {
    named->in_rows.emplace(absl::StrCat("//", package, ":", name), line);
  }
}

void AddLabels(absl::string_view text, NamedTargets* named) {
  for (size_t at = text.find("//"); at != absl::string_view::npos;
       at = text.find("//", at + 2)) {
    size_t end = at + 2;
    while (end < text.size() &&
           (std::isalnum(static_cast<unsigned char>(text[end])) ||
            absl::StrContains("_/:", text.substr(end, 1)))) {
      ++end;
    }
    const std::string label(text.substr(at, end - at));
    named->anywhere.insert(WholeLabel("", label));
  }
}

NamedTargets ReadPage(const SourceTree& tree) {
  NamedTargets named;
  const auto page = tree.files().find(kPage);
  if (page == tree.files().end()) return named;
  int line = 0;
  for (const absl::string_view text : absl::StrSplit(page->second, '\n')) {
    AddRow(text, ++line, &named);
    AddLabels(text, &named);
  }
  return named;
}

}  // namespace

std::vector<Finding> CheckVisibility(const SourceTree& tree,
                                     const Targets& targets) {
  std::vector<Finding> findings;
  NamedTargets named = ReadPage(tree);
  for (const auto& [path, rules] : targets.rules()) {
    if (absl::StartsWith(path, "third_party/")) continue;
    for (const BuildRule& rule : rules) {
      if (rule.kind == "package" && IsPublic(rule, "default_visibility")) {
        findings.push_back({path, rule.line,
                            "the package is public by default: open single "
                            "targets"});
      }
      if (rule.kind == "package" || !IsPublic(rule, "visibility")) continue;
      const std::string label =
          absl::StrCat("//", FolderOf(path), ":", rule.name());
      if (named.in_rows.erase(label) == 0 && named.anywhere.count(label) == 0) {
        findings.push_back({path, rule.line,
                            absl::StrCat(rule.name(), " is public, but ", kPage,
                                         " does not name it")});
      }
    }
  }
  for (const auto& [label, line] : named.in_rows) {
    findings.push_back(
        {kPage, line, absl::StrCat(label, " is no public target")});
  }
  return findings;
}

}  // namespace tools::lint
