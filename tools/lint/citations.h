// Whether comments cite what the list of references has, and the other way
// round.
#ifndef TOOLS_LINT_CITATIONS_H_
#define TOOLS_LINT_CITATIONS_H_

#include <vector>

#include "tools/lint/source_tree.h"

namespace tools::lint {

// The list is what REFERENCES.md in the root has under "# References", a line
// "- [Key] ..." each. Keys begin with a capital or a digit and have two or more
// letters and digits, one of them a capital.
//
// A comment of a C++ or protobuf file that cites a key, as "[Key]", names one
// of the list; "[RFC 4180]" and the like need no entry. A paragraph of a
// comment that begins with "Source:" cites at least one. Each key of the list
// is cited by a comment or by another page.
std::vector<Finding> CheckCitations(const SourceTree& tree);

}  // namespace tools::lint

#endif  // TOOLS_LINT_CITATIONS_H_
