// BUILD files as far as the checks of this folder look at them: rules, their
// attributes, and the lists of strings in these. No macro is expanded.
#ifndef TOOLS_LINT_BUILD_FILE_H_
#define TOOLS_LINT_BUILD_FILE_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace tools::lint {

struct BuildString {
  std::string value;
  int line = 0;  // from 1
  // A blank line or a comment of its own stands before it.
  bool starts_block = false;
};

// ["a", "b"]. A string without brackets is a list of one.
using BuildList = std::vector<BuildString>;

// name(attribute = ..., ...) at the top of the file.
struct BuildRule {
  std::string kind;
  int line = 0;
  bool testonly = false;  // by itself, or by its package's default
  // The lists in each attribute, in order: several where lists are added or
  // selected. Keys of dictionaries do not count.
  std::map<std::string, std::vector<BuildList>> attributes;

  // All strings of an attribute.
  std::vector<std::string> Strings(const std::string& attribute) const;
  // The attribute `name`; "" without one.
  std::string name() const;
};

// InvalidArgument naming `path` and line where brackets or quotes do not match.
absl::StatusOr<std::vector<BuildRule>> ParseBuildFile(const std::string& path,
                                                      const std::string& text);

}  // namespace tools::lint

#endif  // TOOLS_LINT_BUILD_FILE_H_
