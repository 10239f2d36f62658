// Who may depend on the targets of this tree.
#ifndef TOOLS_LINT_VISIBILITY_H_
#define TOOLS_LINT_VISIBILITY_H_

#include <vector>

#include "tools/lint/source_tree.h"
#include "tools/lint/targets.h"

namespace tools::lint {

// No package is public by default: what other workspaces may use is opened
// target by target. LIBRARIES.md in the root names each public target, as
// "//package:name" or in the row of its package in a table,
// "| `//package` | `name`, `name` | what |". Each name of such a row is a
// public target, and so is each of the paragraph that begins "Programs are
// public".
//
// Packages of //third_party, which name outside libraries, are left out.
std::vector<Finding> CheckVisibility(const SourceTree& tree,
                                     const Targets& targets);

}  // namespace tools::lint

#endif  // TOOLS_LINT_VISIBILITY_H_
