// Whether test data say where they come from.
#ifndef TOOLS_LINT_TEST_DATA_H_
#define TOOLS_LINT_TEST_DATA_H_

#include <vector>

#include "tools/lint/source_tree.h"

namespace tools::lint {

// Each file below a folder "testdata" is named by the README.md of that folder
// or of one between: by its name, its name without ending, a folder on the way,
// or a pattern of these with "*", "?", "<x>" or a word in capitals.
std::vector<Finding> CheckTestData(const SourceTree& tree);

}  // namespace tools::lint

#endif  // TOOLS_LINT_TEST_DATA_H_
