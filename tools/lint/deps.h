// Whether the dependencies of a target are what its files include.
#ifndef TOOLS_LINT_DEPS_H_
#define TOOLS_LINT_DEPS_H_

#include <vector>

#include "tools/lint/source_tree.h"
#include "tools/lint/targets.h"

namespace tools::lint {

// Of each C++ library, test and binary:
//
// - a header of this tree that a file of it includes is one of its own or of a
//   target in its `deps`;
// - each target in its `deps` has a header that a file of it includes, unless
//   that target has none, as a main() for tests.
//
// Outside libraries (//third_party) are left out: their headers include each
// other as they like.
std::vector<Finding> CheckDeps(const SourceTree& tree, const Targets& targets);

}  // namespace tools::lint

#endif  // TOOLS_LINT_DEPS_H_
