// The targets of a source tree.
#ifndef TOOLS_LINT_TARGETS_H_
#define TOOLS_LINT_TARGETS_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tools/lint/build_file.h"
#include "tools/lint/source_tree.h"

namespace tools::lint {

// Package and name: "//a/b" is "//a/b:b".
std::pair<std::string, std::string> LabelParts(absl::string_view label);

// "//a/b:c" of ":c" in package "a/b", of "//a/b:c" itself; "//a/b:b" of
// "//a/b".
std::string WholeLabel(const std::string& package, const std::string& label);

// The rules of every BUILD file of a tree.
class Targets {
 public:
  // The errors of ParseBuildFile.
  static absl::StatusOr<Targets> Read(const SourceTree& tree);

  // By the path of the BUILD file.
  const std::map<std::string, std::vector<BuildRule>>& rules() const {
    return rules_;
  }

  // The rule of "//package:name" or "//package"; null if there is none.
  const BuildRule* Find(const std::string& label) const;

  // The whole label that `label` is an alias of in this tree, or itself.
  std::string Actual(const std::string& label) const;

  // Whether "//package:name" is a rule or a file, and "//package",
  // "//package:all" and "//folder/..." name a package or a folder.
  bool Has(const SourceTree& tree, const std::string& label) const;

 private:
  std::map<std::string, std::vector<BuildRule>> rules_;
};

}  // namespace tools::lint

#endif  // TOOLS_LINT_TARGETS_H_
