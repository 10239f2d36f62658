// From tensors by name into a module, and back.
//
//   ASSIGN_OR_RETURN(TensorMap tensors, ReadWeights("vox.pth.tar"));
//   LoadOptions options;
//   options.key_map = StripPrefix("kp_detector.");
//   ASSIGN_OR_RETURN(LoadReport report,
//                    LoadInto(*detector, tensors, options, "vox.pth.tar"));
//
// Key maps for published weights are in networks/weights/key_map.h.
#ifndef NETWORKS_WEIGHTS_LOAD_H_
#define NETWORKS_WEIGHTS_LOAD_H_

#include <torch/nn/module.h>

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "networks/weights/key_map.h"
#include "networks/weights/tensor_map.h"

namespace networks::weights {

struct LoadOptions {
  // If true, tensors that are missing, unexpected or mismatched are an error,
  // and the module stays as it was. If false, all that fits is loaded and the
  // rest is reported; that nothing at all fits is still an error.
  bool strict = true;

  // The module's key of a tensor's name; "" leaves the tensor out, without its
  // counting as unexpected. Null: names are keys.
  KeyMap key_map;

  // Keys that need not be given, because the module computes them itself.
  std::vector<std::string> optional;

  // What the given tensors, by key, are where they do not fit, as "weights of
  // ResNet-50"; it becomes part of the error. "" or null: nobody knows.
  std::function<std::string(const TensorMap&)> name_of;

  // If true, the module takes the given tensors themselves, without a copy,
  // where dtype and device agree. With tensors of a mapped file, loading takes
  // no time and memory of its own; values are read as they are used.
  bool share_memory = false;
};

struct Mismatch {
  std::string key;
  std::string given;     // "[8, 3] Float", as given.
  std::string expected;  // As the module has it.
};

// What became of each key, in alphabetical order.
struct LoadReport {
  std::vector<std::string> loaded;
  std::vector<std::string> missing;     // Of the module, not given.
  std::vector<std::string> unexpected;  // Given, not of the module.
  std::vector<Mismatch> mismatched;     // Of another shape or kind of number.

  // One line: the first mismatch with both shapes, then what is missing and
  // unexpected, each list's first few by name. "" if there is none of these.
  std::string Summary() const;
};

// Sets parameters and buffers of the module, keeping their dtype and device;
// float16 loads into float32, integers load into floats, not the reverse.
// A missing num_batches_tracked is reported but no error: PyTorch before 0.4.1
// did not write it.
//
// source: where the tensors are from, for messages.
//
// InvalidArgument with source, what name_of says and Summary() as told at
// `strict`; also if two names map to one key.
absl::StatusOr<LoadReport> LoadInto(torch::nn::Module& module,
                                    const TensorMap& tensors,
                                    const LoadOptions& options,
                                    absl::string_view source);

// All parameters and buffers by their keys, sharing the module's memory,
// without autograd history. What WriteSafetensors and LoadInto take.
TensorMap StateDict(const torch::nn::Module& module);

}  // namespace networks::weights

#endif  // NETWORKS_WEIGHTS_LOAD_H_
