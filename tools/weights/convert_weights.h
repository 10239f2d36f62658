// From one format, dtype and naming of weights to another.
#ifndef TOOLS_WEIGHTS_CONVERT_WEIGHTS_H_
#define TOOLS_WEIGHTS_CONVERT_WEIGHTS_H_

#include <ostream>
#include <string>

#include "absl/status/status.h"

namespace tools::weights {

struct ConvertOptions {
  // "float16", "bfloat16", "float32" or "float64": what floating-point tensors
  // become. "": they stay as they are.
  std::string dtype;
  // Takes the tensors whose names begin with it, and takes it off the names.
  std::string prefix;
  // Leaves the prefix on the names.
  bool keep_prefix = false;
  bool overwrite = false;
};

// Writes the tensors of `input` to `output`, in the format of its name:
// safetensors for ".safetensors" (with the input's metadata), PyTorch's zip
// format for ".pth", ".pt" and ".pth.tar" (tensors only). Says what it wrote,
// and which tensors hold values that the dtype cannot.
//
// InvalidArgument for another name or dtype, or if no tensor has the prefix;
// pipelines::CheckUserOutputs's errors, before anything is read; DataLoss if
// the input has a checksum that it does not match; others as of ReadWeights and
// WriteSafetensors. On any error the output is as before.
absl::Status Convert(const std::string& input, const std::string& output,
                     const ConvertOptions& options, std::ostream& out);

}  // namespace tools::weights

#endif  // TOOLS_WEIGHTS_CONVERT_WEIGHTS_H_
