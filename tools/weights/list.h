// What is in a file of weights.
#ifndef TOOLS_WEIGHTS_LIST_H_
#define TOOLS_WEIGHTS_LIST_H_

#include <ostream>
#include <string>

#include "absl/status/status.h"

namespace tools::weights {

struct ListOptions {
  std::string prefix;     // Lists the tensors whose names begin with it.
  bool metadata = false;  // Also lists what is not a tensor.
};

// Writes a line for each tensor: name, shape, dtype, mean, standard deviation
// (of complex numbers: of their absolute values); then a line of totals.
// Errors as of networks::weights::ReadWeights; InvalidArgument if no name
// begins with the prefix.
absl::Status List(const std::string& path, const ListOptions& options,
                  std::ostream& out);

}  // namespace tools::weights

#endif  // TOOLS_WEIGHTS_LIST_H_
