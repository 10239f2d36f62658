#include "tools/lint/paths.h"

#include <algorithm>
#include <cctype>
#include <set>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace tools::lint {
namespace {

constexpr absl::string_view kEndings[] = {".h",   ".cc", ".proto", ".textproto",
                                          ".bzl", ".sh", ".md"};

// Files that programs write, by the names that pages give them.
constexpr absl::string_view kWritten[] = {"config.textproto", "trials.md"};

bool IsPathCharacter(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) ||
         absl::StrContains("_./+-*", absl::string_view(&c, 1));
}

// How a heading is named in a link: lower case, hyphens for spaces.
std::string Anchor(absl::string_view heading) {
  std::string anchor;
  for (const char c : absl::StripAsciiWhitespace(heading)) {
    if (c == ' ') {
      anchor += '-';
    } else if (std::isalnum(static_cast<unsigned char>(c)) || c == '-' ||
               c == '_') {
      anchor += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
  }
  return anchor;
}

std::set<std::string> Anchors(const std::string& page) {
  std::set<std::string> anchors;
  for (absl::string_view line : absl::StrSplit(page, '\n')) {
    if (!absl::ConsumePrefix(&line, "#")) continue;
    while (absl::ConsumePrefix(&line, "#")) continue;
    anchors.insert(Anchor(line));
  }
  return anchors;
}

// "" if the link leads somewhere.
std::string LinkFault(const SourceTree& tree, const std::string& page,
                      const std::string& link) {
  if (absl::StrContains(link, "://") || absl::StrContains(link, " ")) {
    return "";  // on the web, or a formula
  }
  const std::vector<std::string> sides =
      absl::StrSplit(link, absl::MaxSplits('#', 1));
  const std::string target =
      sides[0].empty() ? page : Joined(FolderOf(page), sides[0]);
  if (!tree.HasFile(target) && !tree.HasFolder(target)) {
    return absl::StrCat("the link ", link, " leads to no file or folder");
  }
  if (sides.size() < 2 || !tree.HasFile(target)) return "";
  if (Anchors(tree.files().at(target)).count(sides[1]) > 0) return "";
  return absl::StrCat("the link ", link, " names no heading of ", target);
}

// Where `text` has `](target)`, the targets.
std::vector<std::string> LinksOf(const std::string& text) {
  std::vector<std::string> links;
  for (size_t at = text.find("]("); at != std::string::npos;
       at = text.find("](", at + 1)) {
    const size_t end = text.find(')', at);
    if (end != std::string::npos) {
      links.push_back(text.substr(at + 2, end - at - 2));
    }
  }
  return links;
}

bool IsPath(const SourceTree& tree, const std::string& word) {
  for (const absl::string_view ending : kEndings) {
    if (absl::EndsWith(word, ending)) return word.size() > ending.size();
  }
  const size_t slash = word.find('/');
  return slash != std::string::npos && slash > 0 &&
         tree.HasFolder(word.substr(0, slash));
}

// "losses/my_loss.h", "NAME.textproto": what the reader fills in.
bool IsMadeUp(absl::string_view path) {
  for (absl::string_view name : absl::StrSplit(path, '/')) {
    const absl::string_view stem = name.substr(0, name.find('.'));
    const bool is_capitals =
        !stem.empty() && std::all_of(stem.begin(), stem.end(), [](char c) {
          return std::isupper(static_cast<unsigned char>(c)) != 0;
        });
    if (is_capitals || absl::StartsWith(name, "my_") || stem == "mine" ||
        stem == "foo" || absl::StartsWith(stem, "foo_")) {
      return true;
    }
  }
  return false;
}

bool IsThere(const SourceTree& tree, const std::string& folder,
             const std::string& path) {
  const std::string below = Joined(folder, path);
  return tree.HasTail(path) || tree.HasFolder(path) || tree.HasFile(below) ||
         tree.HasFolder(below);
}

// The words of `text` that may be paths.
std::vector<std::string> PathWords(const std::string& text) {
  std::vector<std::string> words;
  for (size_t begin = 0; begin < text.size();) {
    if (!IsPathCharacter(text[begin])) {
      ++begin;
      continue;
    }
    size_t end = begin;
    while (end < text.size() && IsPathCharacter(text[end])) ++end;
    absl::string_view word(&text[begin], end - begin);
    const char before = begin > 0 ? text[begin - 1] : ' ';
    begin = end;
    const bool is_pattern =
        absl::StrContains(word, "*") || absl::StrContains(word, "...");
    const bool is_elsewhere =
        !std::isalnum(static_cast<unsigned char>(word[0])) ||
        absl::StrContains("~$<>@%{}\\", std::string(1, before));
    if (is_pattern || is_elsewhere) continue;
    while (absl::ConsumeSuffix(&word, ".") || absl::ConsumeSuffix(&word, "/") ||
           absl::ConsumeSuffix(&word, "-")) {
      continue;
    }
    words.emplace_back(word);
  }
  return words;
}

}  // namespace

std::vector<Finding> CheckLinks(const SourceTree& tree) {
  std::vector<Finding> findings;
  for (const auto& [path, content] : tree.files()) {
    if (!absl::EndsWith(path, ".md")) continue;
    for (const ProseLine& prose : Prose(path, content)) {
      for (const std::string& link : LinksOf(prose.text)) {
        const std::string fault = LinkFault(tree, path, link);
        if (!fault.empty()) findings.push_back({path, prose.line, fault});
      }
    }
  }
  return findings;
}

std::vector<Finding> CheckPaths(const SourceTree& tree) {
  std::vector<Finding> findings;
  for (const auto& [path, content] : tree.files()) {
    if (absl::StartsWith(path, kOwnFolder)) continue;
    for (const ProseLine& prose : Prose(path, content)) {
      for (const std::string& word : PathWords(prose.text)) {
        if (!IsPath(tree, word) || IsMadeUp(word) ||
            IsThere(tree, FolderOf(path), word) ||
            std::count(std::begin(kWritten), std::end(kWritten), word) > 0) {
          continue;
        }
        findings.push_back(
            {path, prose.line, absl::StrCat("there is no ", word)});
      }
    }
  }
  return findings;
}

}  // namespace tools::lint
