// Whether dependencies between folders point one way.
#ifndef TOOLS_LINT_FOLDER_ORDER_H_
#define TOOLS_LINT_FOLDER_ORDER_H_

#include <string>
#include <vector>

#include "tools/lint/source_tree.h"
#include "tools/lint/targets.h"

namespace tools::lint {

// Pages state the order: where a README.md says "Each folder depends only on
// those", the first column of the table that follows lists the folders beside
// it. No target of such a folder has a target of a later one, or of a folder
// beside it that the table leaves out, in its `actual`, `data`, `deps`, `srcs`
// or `tools`. Where the page says that "`a` and `b` do not depend on each
// other", neither has a target of the other. Tests and what is `testonly` may
// use all: what they prove is often the whole.
std::vector<Finding> CheckFolderOrder(const SourceTree& tree,
                                      const Targets& targets);

// The folders that the table of such a page lists, in order; empty if the page
// states no order.
std::vector<std::string> OrderOf(const std::string& page);

}  // namespace tools::lint

#endif  // TOOLS_LINT_FOLDER_ORDER_H_
