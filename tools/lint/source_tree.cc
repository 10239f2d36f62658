#include "tools/lint/source_tree.h"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace tools::lint {

std::string FindingText(const Finding& finding) {
  return absl::StrCat(finding.path, ":", finding.line, ": ", finding.message);
}

SourceTree::SourceTree(std::map<std::string, std::string> files)
    : files_(std::move(files)) {
  for (const auto& [path, content] : files_) {
    for (std::string folder = FolderOf(path); !folder.empty();
         folder = FolderOf(folder)) {
      folders_.insert(folder);
    }
    tails_.insert(path);
    for (size_t i = 0; i < path.size(); ++i) {
      if (path[i] == '/') tails_.insert(path.substr(i + 1));
    }
  }
}

bool SourceTree::HasFile(const std::string& path) const {
  return files_.count(path) > 0;
}

bool SourceTree::HasFolder(const std::string& path) const {
  return path.empty() || folders_.count(path) > 0;
}

bool SourceTree::HasTail(const std::string& tail) const {
  return tails_.count(tail) > 0;
}

absl::StatusOr<SourceTree> ReadSourceTree(
    const std::string& root, const std::vector<std::string>& paths) {
  std::map<std::string, std::string> files;
  for (const std::string& path : paths) {
    std::ifstream file(absl::StrCat(root, "/", path), std::ios::binary);
    std::ostringstream content;
    content << file.rdbuf();
    if (!file.is_open()) {
      return absl::NotFoundError(
          absl::StrCat(root, "/", path, ": cannot be read"));
    }
    files[path] = content.str();
  }
  return SourceTree(std::move(files));
}

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

std::string Joined(const std::string& folder, const std::string& path) {
  std::string joined =
      (std::filesystem::path(folder) / path).lexically_normal().string();
  while (absl::EndsWith(joined, "/")) joined.pop_back();
  return joined == "." ? "" : joined;
}

bool IsCpp(absl::string_view path) {
  return absl::EndsWith(path, ".h") || absl::EndsWith(path, ".cc") ||
         absl::EndsWith(path, ".cu");
}

std::map<std::string, int> Includes(absl::string_view content) {
  std::map<std::string, int> includes;
  int line = 0;
  for (absl::string_view text : absl::StrSplit(content, '\n')) {
    ++line;
    if (!absl::ConsumePrefix(&text, "#include \"") &&
        !absl::ConsumePrefix(&text, "#include <")) {
      continue;
    }
    includes.emplace(std::string(text.substr(0, text.find_first_of("\">"))),
                     line);
  }
  return includes;
}

bool IsText(const std::string& path) {
  static const auto* const kEndings =
      new std::set<std::string>{".bzl", ".md", ".proto", ".sh", ".textproto"};
  static const auto* const kNames = new std::set<std::string>{
      ".bazelrc", "BUILD", "WORKSPACE", "bazelw", "run", "tidy"};
  const std::filesystem::path name = std::filesystem::path(path).filename();
  return IsCpp(path) || kEndings->count(name.extension().string()) > 0 ||
         kNames->count(name.string()) > 0;
}

std::vector<ProseLine> Prose(const std::string& path,
                             const std::string& content) {
  std::vector<ProseLine> prose;
  if (!IsText(path)) return prose;
  const bool is_page = absl::EndsWith(path, ".md");
  const std::string mark =
      IsCpp(path) || absl::EndsWith(path, ".proto") ? "//" : "#";
  int number = 0;
  for (const absl::string_view line : absl::StrSplit(content, '\n')) {
    ++number;
    if (is_page) {
      prose.push_back({number, std::string(line)});
    } else if (const size_t at = line.find(mark);
               at != absl::string_view::npos) {
      prose.push_back({number, std::string(line.substr(at + mark.size()))});
    }
  }
  return prose;
}

}  // namespace tools::lint
