// Whether the targets and flags that pages and comments name exist.
#ifndef TOOLS_LINT_COMMANDS_H_
#define TOOLS_LINT_COMMANDS_H_

#include <vector>

#include "tools/lint/source_tree.h"
#include "tools/lint/targets.h"

namespace tools::lint {

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
