#include "tools/lint/test_data.h"

#include <fnmatch.h>

#include <algorithm>
#include <cctype>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace tools::lint {
namespace {

constexpr char kFolder[] = "testdata";
constexpr char kPage[] = "README.md";

// A word of a page as a pattern for fnmatch: "\<x>" and "NAME" are any text.
std::string Pattern(absl::string_view word) {
  std::string pattern;
  for (size_t i = 0; i < word.size(); ++i) {
    if (word[i] == '\\') continue;
    const size_t end = word.find('>', i);
    if (word[i] == '<' && end != absl::string_view::npos) {
      pattern += '*';
      i = end;
    } else {
      pattern += word[i];
    }
  }
  const std::string stem = pattern.substr(0, pattern.find('.'));
  const bool is_capitals =
      stem.size() > 1 && std::all_of(stem.begin(), stem.end(), [](char c) {
        return std::isupper(static_cast<unsigned char>(c)) != 0;
      });
  return is_capitals ? absl::StrCat("*", pattern.substr(stem.size())) : pattern;
}

// The names and patterns that a page gives, path by path cut at slashes.
std::vector<std::string> PatternsOf(const std::string& page) {
  std::vector<std::string> patterns;
  for (const absl::string_view piece :
       absl::StrSplit(page, absl::ByAnyChar(" \n`'\"|,;:()/"))) {
    absl::string_view word = piece;
    absl::ConsumeSuffix(&word, ".");
    // A pattern of stars alone would name everything.
    const std::string pattern = Pattern(word);
    if (pattern.find_first_not_of("*?.") == std::string::npos) continue;
    patterns.push_back(pattern);
  }
  return patterns;
}

// Whether a pattern names one of the parts of `path`, a folder or the file.
bool Names(const std::vector<std::string>& patterns, const std::string& path) {
  std::vector<std::string> names = absl::StrSplit(path, '/');
  names.push_back(names.back().substr(0, names.back().rfind('.')));
  for (const std::string& pattern : patterns) {
    for (const std::string& name : names) {
      if (fnmatch(pattern.c_str(), name.c_str(), 0) == 0) return true;
    }
  }
  return false;
}

// How many of the folders of `path` are above the file and not above the first
// "testdata"; 0 if there is none.
size_t FoldersOfTestData(const std::vector<std::string>& parts) {
  const auto found = std::find(parts.begin(), parts.end() - 1, kFolder);
  return parts.end() - 1 - found;
}

bool IsNamed(const SourceTree& tree, const std::string& path) {
  const std::vector<std::string> parts = absl::StrSplit(path, '/');
  std::string folder = path, below;
  for (size_t i = FoldersOfTestData(parts); i > 0; --i) {
    const std::string name = folder.substr(folder.rfind('/') + 1);
    below = below.empty() ? name : absl::StrCat(name, "/", below);
    folder = FolderOf(folder);
    const auto page = tree.files().find(Joined(folder, kPage));
    if (page != tree.files().end() && Names(PatternsOf(page->second), below)) {
      return true;
    }
  }
  return false;
}

}  // namespace

std::vector<Finding> CheckTestData(const SourceTree& tree) {
  std::vector<Finding> findings;
  for (const auto& [path, content] : tree.files()) {
    const std::vector<std::string> parts = absl::StrSplit(path, '/');
    if (FoldersOfTestData(parts) == 0 || parts.back() == kPage) continue;
    if (IsNamed(tree, path)) continue;
    findings.push_back(
        {path, 1,
         absl::StrCat("no ", kPage, " of its folder says how it was made")});
  }
  return findings;
}

}  // namespace tools::lint
