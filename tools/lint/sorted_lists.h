// The order of lists in BUILD files.
#ifndef TOOLS_LINT_SORTED_LISTS_H_
#define TOOLS_LINT_SORTED_LISTS_H_

#include <string>
#include <vector>

#include "tools/lint/build_file.h"
#include "tools/lint/source_tree.h"

namespace tools::lint {

// Lists of sources, dependencies and the like are in buildifier's order: files,
// then ":target", "//package:target" and "@repository", each by the parts
// between dots and colons. A blank line or a comment begins the order anew. An
// entry stands in a list once.
std::vector<Finding> CheckSortedLists(const std::string& path,
                                      const std::vector<BuildRule>& rules);

}  // namespace tools::lint

#endif  // TOOLS_LINT_SORTED_LISTS_H_
