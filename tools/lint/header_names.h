// Whether headers have names of their own.
#ifndef TOOLS_LINT_HEADER_NAMES_H_
#define TOOLS_LINT_HEADER_NAMES_H_

#include <vector>

#include "tools/lint/source_tree.h"

namespace tools::lint {

// No two headers of the tree have the same name in different folders: a name
// that needs its folder to say what is meant says too little.
std::vector<Finding> CheckHeaderNames(const SourceTree& tree);

}  // namespace tools::lint

#endif  // TOOLS_LINT_HEADER_NAMES_H_
