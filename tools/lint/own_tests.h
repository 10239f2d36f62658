// Whether long sources have a test of their own.
#ifndef TOOLS_LINT_OWN_TESTS_H_
#define TOOLS_LINT_OWN_TESTS_H_

#include <vector>

#include "tools/lint/source_tree.h"
#include "tools/lint/targets.h"

namespace tools::lint {

// From this number of lines on.
inline constexpr int kLongSource = 100;

// A .h and a .cc or .cu of a library (a rule "..._library" that is not
// testonly) that are long together have a test of their name beside them:
// NAME_test.cc, .sh or .py. Where another test is the one that proves them, a
// comment of either says "Tested by PATH", the path of that test from the root
// or from their folder.
std::vector<Finding> CheckOwnTests(const SourceTree& tree,
                                   const Targets& targets);

}  // namespace tools::lint

#endif  // TOOLS_LINT_OWN_TESTS_H_
