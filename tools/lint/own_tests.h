// Whether long sources have a test of their own.
#ifndef TOOLS_LINT_OWN_TESTS_H_
#define TOOLS_LINT_OWN_TESTS_H_

#include <vector>

#include "tools/lint/source_tree.h"
#include "tools/lint/targets.h"

namespace tools::lint {

// From this number of lines on.
inline constexpr int kLongSource = 100;

// A long .h or .cc of a library (a rule "..._library" that is not testonly) has
// a test of its name beside it: NAME_test.cc, .sh or .py. Where another test is
// the one that proves it, a comment of the file or of its header says "Tested
// by PATH", the path of that test from the root or from the file's folder.
std::vector<Finding> CheckOwnTests(const SourceTree& tree,
                                   const Targets& targets);

}  // namespace tools::lint

#endif  // TOOLS_LINT_OWN_TESTS_H_
