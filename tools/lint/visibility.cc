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

// What the page names: whole labels of targets, and the line of those that it
// calls public.
struct NamedTargets {
  std::map<std::string, int> as_public;
  std::set<std::string> anywhere;
};

void AddRow(absl::string_view row, int line, NamedTargets* named) {
  if (!absl::ConsumePrefix(&row, "| `//")) return;
  const std::string package(row.substr(0, row.find('`')));
  const std::vector<std::string> cells = absl::StrSplit(row, '|');
  if (absl::StrContains(package, ":") || cells.size() < 3) return;
  for (const std::string& name : Quoted(cells[1])) {
    named->as_public.emplace(absl::StrCat("//", package, ":", name), line);
  }
}

std::set<std::string> LabelsOf(absl::string_view text) {
  std::set<std::string> labels;
  for (size_t at = text.find("//"); at != absl::string_view::npos;
       at = text.find("//", at + 2)) {
    size_t end = at + 2;
    while (end < text.size() &&
           (std::isalnum(static_cast<unsigned char>(text[end])) ||
            absl::StrContains("_/:", text.substr(end, 1)))) {
      ++end;
    }
    labels.insert(WholeLabel("", std::string(text.substr(at, end - at))));
  }
  return labels;
}

NamedTargets ReadPage(const SourceTree& tree) {
  NamedTargets named;
  const auto page = tree.files().find(kPage);
  if (page == tree.files().end()) return named;
  int line = 0;
  bool is_of_programs = false;
  for (const absl::string_view text : absl::StrSplit(page->second, '\n')) {
    AddRow(text, ++line, &named);
    is_of_programs = absl::StartsWith(text, "Programs are public") ||
                     (is_of_programs && !text.empty());
    for (const std::string& label : LabelsOf(text)) {
      named.anywhere.insert(label);
      if (is_of_programs) named.as_public.emplace(label, line);
    }
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
      if (named.as_public.erase(label) == 0 &&
          named.anywhere.count(label) == 0) {
        findings.push_back({path, rule.line,
                            absl::StrCat(rule.name(), " is public, but ", kPage,
                                         " does not name it")});
      }
    }
  }
  for (const auto& [label, line] : named.as_public) {
    findings.push_back(
        {kPage, line, absl::StrCat(label, " is no public target")});
  }
  return findings;
}

}  // namespace tools::lint
