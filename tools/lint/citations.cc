#include "tools/lint/citations.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace tools::lint {
namespace {

constexpr char kListPage[] = "REFERENCES.md";
constexpr char kListHeading[] = "# References";

bool IsKey(absl::string_view text) {
  bool has_capital = false;
  for (const char c : text) {
    const auto letter = static_cast<unsigned char>(c);
    if (std::isalnum(letter) == 0) return false;
    has_capital = has_capital || std::isupper(letter) != 0;
  }
  return text.size() > 1 && has_capital && std::islower(text[0]) == 0;
}

// The keys that a line cites. A link "[Key](page)" is no citation.
std::vector<std::string> KeysOf(absl::string_view line) {
  std::vector<std::string> keys;
  for (size_t begin = line.find('['); begin != absl::string_view::npos;
       begin = line.find('[', begin + 1)) {
    const size_t end = line.find(']', begin);
    if (end == absl::string_view::npos) break;
    const absl::string_view key = line.substr(begin + 1, end - begin - 1);
    const bool is_link = end + 1 < line.size() && line[end + 1] == '(';
    if (IsKey(key) && !is_link) keys.emplace_back(key);
  }
  return keys;
}

// The keys of the list, with their lines.
std::map<std::string, int> ListedKeys(const std::string& page) {
  std::map<std::string, int> keys;
  bool is_in_list = false;
  int line = 0;
  for (const absl::string_view text : absl::StrSplit(page, '\n')) {
    ++line;
    if (absl::StartsWith(text, "#")) is_in_list = text == kListHeading;
    if (!is_in_list || !absl::StartsWith(text, "- [")) continue;
    const std::vector<std::string> found =
        KeysOf(text.substr(0, text.find(' ', 3)));
    if (!found.empty()) keys[found[0]] = line;
  }
  return keys;
}

bool IsPage(absl::string_view path) { return absl::EndsWith(path, ".md"); }

// The lines of prose[0...] that are one paragraph: until one is empty, or a
// line of the file is between.
std::string Paragraph(absl::Span<const ProseLine> prose) {
  std::string paragraph;
  for (size_t i = 0; i < prose.size(); ++i) {
    const bool is_next = i == 0 || prose[i].line == prose[i - 1].line + 1;
    if (!is_next || absl::StripAsciiWhitespace(prose[i].text).empty()) break;
    absl::StrAppend(&paragraph, prose[i].text, " ");
  }
  return paragraph;
}

// A finding for each paragraph "Source: ..." that names no key of the list.
std::vector<Finding> CheckSources(const std::string& path,
                                  absl::Span<const ProseLine> prose,
                                  const std::map<std::string, int>& listed) {
  std::vector<Finding> findings;
  for (size_t i = 0; i < prose.size(); ++i) {
    if (!absl::StartsWith(prose[i].text, " Source:") ||
        absl::StartsWith(prose[i].text, " Source::")) {
      continue;
    }
    const std::vector<std::string> keys = KeysOf(Paragraph(prose.subspan(i)));
    const bool has_source = std::any_of(
        keys.begin(), keys.end(),
        [&listed](const auto& key) { return listed.count(key) > 0; });
    if (has_source) continue;
    findings.push_back(
        {path, prose[i].line,
         absl::StrCat("\"Source:\" names no key of ", kListPage)});
  }
  return findings;
}

}  // namespace

std::vector<Finding> CheckCitations(const SourceTree& tree) {
  std::vector<Finding> findings;
  const auto page = tree.files().find(kListPage);
  if (page == tree.files().end()) return findings;
  const std::map<std::string, int> listed = ListedKeys(page->second);
  std::set<std::string> cited;
  for (const auto& [path, content] : tree.files()) {
    if (path == kListPage || absl::StartsWith(path, kOwnFolder)) continue;
    const bool is_source = IsCpp(path) || absl::EndsWith(path, ".proto");
    if (!is_source && !IsPage(path)) continue;
    const std::vector<ProseLine> prose = Prose(path, content);
    if (is_source) {
      const std::vector<Finding> sources = CheckSources(path, prose, listed);
      findings.insert(findings.end(), sources.begin(), sources.end());
    }
    for (const ProseLine& line : prose) {
      for (const std::string& key : KeysOf(line.text)) {
        cited.insert(key);
        if (!is_source || listed.count(key) > 0) continue;
        findings.push_back(
            {path, line.line,
             absl::StrCat("[", key, "] is not in the list of ", kListPage)});
      }
    }
  }
  for (const auto& [key, line] : listed) {
    if (cited.count(key) > 0) continue;
    findings.push_back(
        {kListPage, line, absl::StrCat("[", key, "] is cited nowhere")});
  }
  return findings;
}

}  // namespace tools::lint
