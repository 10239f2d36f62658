// Whether sources include what they use.
#ifndef TOOLS_LINT_INCLUDES_H_
#define TOOLS_LINT_INCLUDES_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tools/lint/source_tree.h"

namespace tools::lint {

// A C++ file that uses a name of the standard library, Abseil, Eigen, OpenCV,
// LibTorch, GoogleTest or nlohmann's JSON has its header: itself, or by a
// header of the tree that it includes. Clang does not say so where
// third_party/precompiled has the header, and g++ fails. Names that the check's
// table lacks are not seen, nor files named ..._inl.h, which are parts of
// others.
std::vector<Finding> CheckIncludes(const SourceTree& tree);

// C++ text with comments and the content of literals blank, in lines as before.
std::string CodeOf(absl::string_view text);

}  // namespace tools::lint

#endif  // TOOLS_LINT_INCLUDES_H_
