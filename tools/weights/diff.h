// In what two files of weights differ.
#ifndef TOOLS_WEIGHTS_DIFF_H_
#define TOOLS_WEIGHTS_DIFF_H_

#include <ostream>
#include <string>

#include "absl/status/statusor.h"

namespace tools::weights {

struct DiffOptions {
  double tolerance = 0;  // Largest absolute difference that counts as none.
  bool ignore_dtype = false;  // Compares values only.
};

// Writes a line for each tensor that only one file has, or whose shape, dtype
// or values differ, then a line of totals. Two NaNs are equal. Returns whether
// the files hold the same. Errors as of networks::weights::ReadWeights.
absl::StatusOr<bool> Diff(const std::string& old_path,
                          const std::string& new_path,
                          const DiffOptions& options, std::ostream& out);

}  // namespace tools::weights

#endif  // TOOLS_WEIGHTS_DIFF_H_
