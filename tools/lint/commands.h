// Whether the targets and flags that pages and comments name exist.
#ifndef TOOLS_LINT_COMMANDS_H_
#define TOOLS_LINT_COMMANDS_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/lint/build_file.h"
#include "tools/lint/source_tree.h"

namespace tools::lint {

// The rules of every BUILD file of a tree.
class Targets {
 public:
  // The errors of ParseBuildFile.
  static absl::StatusOr<Targets> Read(const SourceTree& tree);

  // By the path of the BUILD file.
  const std::map<std::string, std::vector<BuildRule>>& rules() const {
    return rules_;
  }

  // Whether "//package:name" is a rule or a file, and "//package",
  // "//package:all" and "//folder/..." name a package or a folder.
  bool Has(const SourceTree& tree, const std::string& label) const;

  // The flags that the sources of a binary and of the libraries below it
  // define. Empty if there is no such rule.
  std::set<std::string> FlagsOf(const SourceTree& tree,
                                const std::string& label) const;

 private:
  const BuildRule* Find(const std::string& label) const;

  std::map<std::string, std::vector<BuildRule>> rules_;
};

// Each label "//package:name" in a page, a comment or the text of a program is
// a target.
std::vector<Finding> CheckLabels(const SourceTree& tree,
                                 const Targets& targets);

// In each command "bazelw run LABEL -- --flag ..." of a page or of a program's
// text, the flags are the program's; "--config=name" is in .bazelrc. Elsewhere
// on a page, a flag is one of some program, of Bazel, or in .bazelrc.
std::vector<Finding> CheckFlags(const SourceTree& tree, const Targets& targets);

}  // namespace tools::lint

#endif  // TOOLS_LINT_COMMANDS_H_
