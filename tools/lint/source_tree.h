// The files of the source tree, in memory, for the checks of this folder.
#ifndef TOOLS_LINT_SOURCE_TREE_H_
#define TOOLS_LINT_SOURCE_TREE_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tools::lint {

// What a check has to say of a place.
struct Finding {
  std::string path;
  int line = 0;  // from 1
  std::string message;
};

// "path:line: message".
std::string FindingText(const Finding& finding);

// Paths are relative to the root, with slashes, without "." and "..".
class SourceTree {
 public:
  // Of path to content.
  explicit SourceTree(std::map<std::string, std::string> files);

  const std::map<std::string, std::string>& files() const { return files_; }
  bool HasFile(const std::string& path) const;
  bool HasFolder(const std::string& path) const;
  // Whether a file's path ends in `tail`, whole names only: "a/b.h" is the end
  // of "x/a/b.h" and not of "x/aa/b.h".
  bool HasTail(const std::string& tail) const;

 private:
  std::map<std::string, std::string> files_;
  std::set<std::string> folders_;
  std::set<std::string> tails_;
};

// The files at `paths`, relative to `root`. NotFound if one cannot be read.
absl::StatusOr<SourceTree> ReadSourceTree(
    const std::string& root, const std::vector<std::string>& paths);

// The checks' own folder: its comments and tests are full of made-up names.
inline constexpr char kOwnFolder[] = "tools/lint/";

// The folder of `path`; "" at the root.
std::string FolderOf(const std::string& path);

// `path` as seen from `folder`, with "." and ".." taken away.
std::string Joined(const std::string& folder, const std::string& path);

// Whether this is a C++ file, by its ending.
bool IsCpp(absl::string_view path);

// The files that C++ text includes, each with its first line, from 1.
std::map<std::string, int> Includes(absl::string_view content);

// Whether people write this file: C++, protobuf, BUILD files, scripts, pages.
bool IsText(const std::string& path);

// A line of prose: all of a page in Markdown; else the comments, without what
// marks them. None where IsText does not hold.
struct ProseLine {
  int line = 0;  // from 1
  std::string text;
};
std::vector<ProseLine> Prose(const std::string& path,
                             const std::string& content);

}  // namespace tools::lint

#endif  // TOOLS_LINT_SOURCE_TREE_H_
