// Whether the files that prose names are there.
#ifndef TOOLS_LINT_PATHS_H_
#define TOOLS_LINT_PATHS_H_

#include <vector>

#include "tools/lint/source_tree.h"

namespace tools::lint {

// The relative links and pictures of a page in Markdown lead to a file or a
// folder of the tree, and "page.md#heading" to a heading of that page.
std::vector<Finding> CheckLinks(const SourceTree& tree);

// Each path in a page or a comment is one: a name that ends as a source does
// (as .h or .proto), and one that begins with a folder at the root. It counts
// from the root, from the folder of its file, or from any folder above the file
// that it names: "fit.h" for "cpab/fit/fit.h". Those with "...", "*" or "<" are
// patterns; those with a name in capitals, or that begins with "my_" or "foo",
// are made up.
std::vector<Finding> CheckPaths(const SourceTree& tree);

}  // namespace tools::lint

#endif  // TOOLS_LINT_PATHS_H_
